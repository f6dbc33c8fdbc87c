"""How the operator reaches the API server: as its pod's ServiceAccount, or outside a cluster as the kubeconfig says.

A kubeconfig may name programs and services that supply credentials: `kubernetes.aio` knows them. It takes 0.3 s and
20 MB to import, so a pod, which needs two files, does without.
"""

from __future__ import annotations

import math
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bannette.errors import PersonNeeded, Transient

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
# Seconds. At its start a pod asks a thousand times a second.
_LOOKS_AT_TOKEN: Final = 1.0


@dataclass(frozen=True)
class Access:
    """How to reach an API server.

    Attributes:
        server: its origin.
        authorization: returns the present value of the header of that name; None: the certificate says who asks. It
            raises Transient when a token can't be read.
        way: what else aiohttp must know of each request, such as a proxy.
    """

    server: str
    tls: ssl.SSLContext
    authorization: Callable[[], Awaitable[str | None]]
    way: Mapping[str, Any] = field(default_factory=dict)


async def find_access(account: Path = SERVICE_ACCOUNT, environ: Mapping[str, str] = os.environ) -> Access:
    """Return how this process reaches its cluster.

    Args:
        account: the folder with the ServiceAccount's token and the cluster's CA. Without it the kubeconfig counts.

    Raises:
        PersonNeeded: there is no cluster (NoCluster).
    """
    if (account / "token").is_file():
        return _in_pod(account, environ)
    return await _by_kubeconfig()


def _in_pod(account: Path, environ: Mapping[str, str]) -> Access:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise _no_cluster(f"{account} has a token, but KUBERNETES_SERVICE_HOST doesn't say for which server")
    try:
        tls = ssl.create_default_context(cafile=str(account / "ca.crt"))
    except OSError as error:
        raise _no_cluster(f"the CA of the cluster can't be read ({account / 'ca.crt'}: {error.strerror})") from error
    token = _TokenFile(account / "token")

    async def authorization() -> str:
        return f"Bearer {token.read()}"

    return Access(f"https://{f'[{host}]' if ':' in host else host}:{port}", _lenient(tls), authorization)


class _TokenFile:
    """A token that the kubelet renews under a running pod, long before it ends: read again when the file is another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int] | None = None
        self._looked = -math.inf
        self._token = ""

    def read(self) -> str:
        now = time.monotonic()
        if now - self._looked < _LOOKS_AT_TOKEN:
            return self._token
        try:
            found = self._path.stat()
            version = (found.st_mtime_ns, found.st_ino)
            if version != self._version:
                self._token, self._version = self._path.read_text(encoding="utf-8").strip(), version
        except OSError as error:
            # As good as a server that doesn't answer: what asks tries again, and so does not end.
            raise Transient(
                f"The token of the ServiceAccount can't be read ({self._path}: {error.strerror}).",
                reason="ApiUnavailable",
            ) from error
        self._looked = now
        return self._token


async def _by_kubeconfig() -> Access:
    from kubernetes.aio.client.configuration import Configuration
    from kubernetes.aio.client.rest import RESTClientObject
    from kubernetes.aio.config import ConfigException, load_kube_config

    configuration = Configuration()
    try:
        await load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise _no_cluster(str(error).rstrip(".")) from error

    async def authorization() -> str | None:
        return await configuration.get_api_key_with_prefix("BearerToken")

    ways = {
        "server_hostname": configuration.tls_server_name,
        "proxy": configuration.proxy,
        "proxy_headers": configuration.proxy_headers,
    }
    return Access(
        configuration.host,
        _lenient(RESTClientObject(configuration).ssl_context),
        authorization,
        {name: value for name, value in ways.items() if value},
    )


def _lenient(tls: ssl.SSLContext) -> ssl.SSLContext:
    # The chain and the host are verified. Cluster CAs often lack extensions that Python 3.13's strict mode demands.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return tls


def _no_cluster(why: str) -> PersonNeeded:
    return PersonNeeded(f"No Kubernetes to talk to: {why}.", reason="NoCluster")
