"""The environment variables that lead a program to the simulator."""

from __future__ import annotations

from pathlib import Path


def environment(origin: str, download_origin: str, ca_file: Path) -> dict[str, str]:
    """Return the environment of a program that is to use the simulator at *origin*."""
    variables = {
        "BANNETTE_GRAPH_URL": origin,
        "BANNETTE_AUTHORITY_URL": origin,
        "SSL_CERT_FILE": str(ca_file),
        "REQUESTS_CA_BUNDLE": str(ca_file),
    }
    if download_origin != origin:
        variables["BANNETTE_DOWNLOAD_HOSTS"] = download_origin.removeprefix("https://")
    return variables
