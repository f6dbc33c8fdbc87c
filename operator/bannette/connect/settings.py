"""How the service is configured: by its environment, and a folder with keys."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi
from bannette.onedrive import endpoints_for
from bannette.web.sealing import Keys

_SHORTEST_KEY: Final = 32
# Within which the kubelets of all replicas have brought a key that was put into the Secret; they take two minutes.
_FRESH_SECONDS: Final = 300.0
_ORIGIN: Final = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
# A page waits for the API server: better a page that says to come back than a browser that turns for a minute.
_ATTEMPTS: Final = 2
_TIMEOUT: Final = (3.0, 10.0)
_LONGEST_WAIT: Final = 5.0


def redirect_uri_of(public_url: str) -> str:
    """Return where Microsoft sends people back to pages at *public_url*."""
    return f"{public_url}/callback"


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Attributes:
        public_url: the origin that people reach it by, for example ``https://connect.example``.
        keys: folder of the HMAC keys, one in each file.
        address, port: what it listens on, behind whatever speaks HTTPS.
        metrics_port: of the same address, for Prometheus; 0: nobody is told.
        environ: what redirects Microsoft's endpoints, and names the installation's application.
    """

    public_url: str
    keys: Path
    address: str
    port: int
    environ: Mapping[str, str]
    metrics_port: int = 0

    @property
    def host(self) -> str:
        """The Host header of requests that are meant for this service."""
        return urlsplit(self.public_url).netloc

    @property
    def redirect_uri(self) -> str:
        """Where Microsoft sends people back: to be registered at the application."""
        return redirect_uri_of(self.public_url)

    @cached_property
    def load_keys(self) -> KeyFolder:
        """What returns the keys as they are now; one for the process, since it remembers when they came."""
        return KeyFolder(self.keys)


class KeyFolder:
    """The keys in a folder, which remembers which of them came while the process ran: these seal later.

    What one replica seals another must open at once: a form is sent, and Microsoft leads back, to any of them.
    """

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._now = now
        self._came: dict[str, float] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Keys:
        """Return the keys as they are now.

        Raises: PersonNeeded: as for ``load_keys``.
        """
        keys = load_keys(self._folder)
        now = self._now()
        with self._lock:
            # What is there at the start was there before.
            unknown = -math.inf if self._came is None else now
            self._came = {name: (self._came or {}).get(name, unknown) for name in keys.by_id}
            fresh = frozenset(name for name, came in self._came.items() if now - came < _FRESH_SECONDS)
        return replace(keys, fresh=fresh)


def settings_of(environ: Mapping[str, str]) -> Settings:
    """Return the settings that *environ* holds.

    Raises:
        PersonNeeded: one is missing, or isn't what it must be.
    """
    public_url = environ.get("BANNETTE_PUBLIC_URL", "").strip().rstrip("/").lower().removesuffix(":443")
    if not _ORIGIN.fullmatch(public_url):
        raise _invalid(
            "BANNETTE_PUBLIC_URL must be the https address that people reach the pages by, without a path: "
            "https://connect.example"
        )
    keys = environ.get("BANNETTE_CONNECT_KEYS", "")
    if not keys:
        raise _invalid("BANNETTE_CONNECT_KEYS must name the folder with the keys that sign links")
    port = _port(environ, "BANNETTE_CONNECT_PORT", "8080")
    metrics_port = _port(environ, "BANNETTE_CONNECT_METRICS_PORT", "0")
    # Strangers come to that one.
    if metrics_port == port:
        raise _invalid(f"BANNETTE_CONNECT_METRICS_PORT must be another port than that of the pages, {port}")
    # Before a person is sent to an address that can't be.
    endpoints_for("Global", environ)
    address = environ.get("BANNETTE_CONNECT_ADDRESS", "0.0.0.0")  # noqa: S104 - a pod's own address
    return Settings(public_url, Path(keys), address, port, environ, metrics_port)


def namespaces_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the namespaces that the service looks after; none: all."""
    names = (name.strip() for name in environ.get("BANNETTE_NAMESPACES", "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def load_keys(folder: Path) -> Keys:
    """Return the keys in *folder*: a Secret as it is mounted, which changes while the service runs.

    Raises:
        PersonNeeded: there is none, or one is too short to be a secret.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        keys = {path.name: path.read_bytes().strip() for path in files}
    except OSError as error:
        raise _invalid(
            f"The keys in {folder} can't be read ({error.strerror}): BANNETTE_CONNECT_KEYS names it"
        ) from None
    if not keys:
        raise _invalid(f"There is no key in {folder}: put at least {_SHORTEST_KEY} random bytes into a file there")
    short = sorted(name for name, key in keys.items() if len(key) < _SHORTEST_KEY)
    if short:
        raise _invalid(f'Key "{short[0]}" in {folder} is shorter than {_SHORTEST_KEY} bytes: make a longer one')
    return Keys(keys)


def api_of(environ: Mapping[str, str]) -> ClusterApi:
    """Return the API server as this pod's ServiceAccount sees it, or as ``kubectl proxy`` of this machine does.

    Raises:
        PersonNeeded: neither is there.
    """
    proxy = environ.get("BANNETTE_API_URL", "").strip()
    if not proxy:
        return ClusterApi.in_cluster(environ=environ, attempts=_ATTEMPTS, timeout=_TIMEOUT, longest_wait=_LONGEST_WAIT)
    parts = urlsplit(proxy)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1") or parts.path.strip("/"):
        raise _invalid("BANNETTE_API_URL must be the address that `kubectl proxy` listens on: http://127.0.0.1:8001")
    return ClusterApi(proxy, namespace="default", attempts=_ATTEMPTS, timeout=_TIMEOUT, longest_wait=_LONGEST_WAIT)


def _port(environ: Mapping[str, str], name: str, default: str) -> int:
    port = environ.get(name, "").strip() or default
    if not re.fullmatch("[0-9]{1,5}", port, re.ASCII) or int(port) > 65535:
        raise _invalid(f"{name} must be a port, from 1 to 65535")
    return int(port)


def _invalid(told: str) -> PersonNeeded:
    return PersonNeeded(f"{told}.", reason="InvalidSetting")
