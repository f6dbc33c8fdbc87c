"""Kubeconfigs of our own clusters. Nobody else's is ever written."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml

from devcluster.certificates import KeyPair


def write_kubeconfig(
    path: Path, *, context: str, server: str, ca_file: Path, token: str | None = None, client: KeyPair | None = None
) -> Path:
    """Write a kubeconfig with one context; everything is inside, so the file may be copied elsewhere."""
    user: dict[str, str] = {}
    if token:
        user["token"] = token
    if client:
        user["client-certificate-data"] = _inline(client.certificate)
        user["client-key-data"] = _inline(client.key)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [
            {"name": context, "cluster": {"server": server, "certificate-authority-data": _inline(ca_file)}},
        ],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        yaml.safe_dump(config, file, sort_keys=False)
    return path


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
