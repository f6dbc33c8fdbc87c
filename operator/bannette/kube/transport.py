"""How a pod reaches the API server: the server's CA, and the ServiceAccount's token, which rotates."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class TokenFile:
    """The token in a projected file, read again when the file changes: the kubelet rotates it under a running pod."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_from: tuple[int, int] | None = None
        self._token = ""

    def __call__(self) -> str:
        # Through the symbolic link that the kubelet swaps: a new inode or time is a new token.
        found = self._path.stat()
        version = (found.st_mtime_ns, found.st_ino)
        if version != self._read_from:
            self._token = self._path.read_text(encoding="utf-8").strip()
            self._read_from = version
        return self._token


class ClusterCaAdapter(HTTPAdapter):
    """Trusts the cluster's CA alone."""

    def __init__(self, ca: str | None) -> None:
        self._context = ssl.create_default_context(cadata=ca)
        # The chain and the host are verified. Cluster CAs often lack extensions that Python 3.13's strict mode demands.
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **{**kwargs, "ssl_context": self._context})

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: object) -> None:
        # The base class would add the bundle of public CAs to the context.
        conn.cert_reqs = "CERT_REQUIRED"


def cluster_session(ca: str | None) -> requests.Session:
    """Return a session that ignores proxies, REQUESTS_CA_BUNDLE and .netrc: those are meant for the outside."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ClusterCaAdapter(ca))
    return session
