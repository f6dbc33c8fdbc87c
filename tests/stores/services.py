"""Real object stores for the tests: versitygw (S3) and Azurite (Azure Blob), built or installed once per machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests

from bannette.binder import AzureLocation, S3Location
from devcluster.processes import free_ports
from tests.node_packages import CACHE, locked, node_modules

VERSITYGW = "v1.8.0"
S3_KEY, S3_SECRET = "tests", "tests-secret"
# Azurite's own account; its key is published.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
BUCKET = "binders"


def versitygw() -> Path:
    """The S3 gateway, built from its Go module."""
    folder = CACHE / f"versitygw-{VERSITYGW}"
    program = folder / "versitygw"
    with locked("versitygw"):
        if not program.exists():
            environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
            module = f"github.com/versity/versitygw/cmd/versitygw@{VERSITYGW}"
            subprocess.run(["go", "install", module], env=environment, check=True, timeout=1100)
    return program


def azurite() -> Path:
    """The script of Azurite's blob service, installed from the lock file beside this one."""
    return node_modules(Path(__file__).parent / "azurite") / "azurite" / "dist" / "src" / "blob" / "main.js"


@contextmanager
def s3_gateway(folder: Path, *, certificate: Path | None = None, key: Path | None = None) -> Iterator[str]:
    """Serve the folders below *folder* as buckets; yield the address."""
    (folder / BUCKET).mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    command: list[str | Path] = [versitygw(), "--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet"]
    if certificate and key:
        command += ["--cert", certificate, "--key", key]
    environment = {"ROOT_ACCESS_KEY": S3_KEY, "ROOT_SECRET_KEY": S3_SECRET}
    with _serving([*command, "posix", folder], port, environment):
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"


@contextmanager
def azure_service(folder: Path) -> Iterator[str]:
    """Serve Azure Blob Storage of one account from *folder*, with a container; yield the account's address."""
    (port,) = free_ports(1)
    options: list[str | Path] = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", folder, "--silent"]
    with _serving(["node", azurite(), *options, "--skipApiVersionCheck"], port, {}):
        endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
        _make_container(endpoint, BUCKET)
        yield endpoint


@contextmanager
def _serving(command: list[str | Path], port: int, environment: Mapping[str, str]) -> Iterator[None]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_for(lambda: process.poll() is not None or _is_open(port), f"{Path(command[0]).name} to listen")
            if process.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"{command[0]} ended: {output.read()[-2000:].decode(errors='replace')}")
            yield
        finally:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], what: str, *, within: float = 120.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {within} s for {what}")
        time.sleep(0.02)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_container(endpoint: str, name: str) -> None:
    """Source: Azure Storage, Authorize with Shared Key."""
    headers = {"x-ms-date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT", "x-ms-version": "2021-08-06"}
    named = "".join(f"{header}:{value}\n" for header, value in headers.items())
    text = "PUT" + "\n" * 12 + named + f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{name}\nrestype:container"
    mac = hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {AZURE_ACCOUNT}:{base64.b64encode(mac).decode()}"
    requests.put(f"{endpoint}/{name}?restype=container", headers=headers, timeout=30).raise_for_status()


def s3_location(address: str, *, prefix: str | None = None, **changes: object) -> S3Location:
    given: dict[str, object] = {
        "bucket": BUCKET,
        "prefix": prefix or f"of-a-test/{uuid.uuid4().hex}",
        "endpoint": address,
        "region": "us-east-1",
        "access_key_id": S3_KEY,
        "secret_access_key": S3_SECRET,
    }
    return S3Location(**{**given, **changes})  # type: ignore[arg-type]


def azure_location(address: str) -> AzureLocation:
    return AzureLocation(
        account=AZURE_ACCOUNT,
        container=BUCKET,
        prefix=f"of-a-test/{uuid.uuid4().hex}",
        endpoint=address,
        account_key=AZURE_KEY,
    )
