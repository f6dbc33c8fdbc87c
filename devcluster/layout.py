"""Where the node's files are, which addresses it has, and what is remembered of the one that runs. Nothing else."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from devcluster.errors import DevclusterError
from devcluster.paths import cache_folder

CONTEXT = "bannette-devcluster"
LINK_PREFIX = "bannette-"
NODE_NAME = "bannette"
CANDIDATES = [ipaddress.IPv4Network(f"10.{second}.0.0/16") for second in range(213, 251)]


def state_folder() -> Path:
    """Return the folder of the running cluster: below ``$XDG_STATE_HOME``, by default in the cache folder."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) / "bannette" if home else cache_folder()) / "devcluster"


@dataclass(frozen=True)
class Addresses:
    """One /16 of its own, divided: the link to the host, the Services, the pods."""

    block: str

    @property
    def host(self) -> str:
        return self._at(1)

    @property
    def node(self) -> str:
        return self._at(2)

    @property
    def services(self) -> str:
        return f"{self._at(64 * 256)}/18"

    @property
    def kubernetes_service(self) -> str:
        return self._at(64 * 256 + 1)

    @property
    def pods(self) -> str:
        return f"{self._at(128 * 256)}/17"

    @property
    def api_url(self) -> str:
        return f"https://{self.node}:6443"

    def _at(self, offset: int) -> str:
        return str(ipaddress.IPv4Network(self.block).network_address + offset)


def free_addresses(taken: Iterable[str]) -> Addresses:
    """Choose the first block that overlaps with none of the networks *taken* (destinations of the host's routes)."""
    networks = [ipaddress.IPv4Network(route, strict=False) for route in taken]
    for block in CANDIDATES:
        if not any(block.overlaps(network) for network in networks if network.prefixlen):
            return Addresses(str(block))
    raise DevclusterError(f"All networks from {CANDIDATES[0]} to {CANDIDATES[-1]} are in use on this machine")


@dataclass(frozen=True)
class Layout:
    """The folder of a cluster. The node's own /run is a memory file system that nobody else sees."""

    root: Path

    @property
    def name(self) -> str:
        """What the cluster's parts outside its folder are called; clusters of two folders run side by side."""
        return (
            f"{LINK_PREFIX}{hashlib.sha256(str(self.root).encode()).hexdigest()[:6]}"  # an interface has 15 characters
        )

    @property
    def record(self) -> Path:
        return self.root / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def components(self) -> Path:
        return self.root / "components.json"

    @property
    def running(self) -> Path:
        return self.root / "running.json"

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def volumes(self) -> Path:
        return self.root / "volumes"

    @property
    def pod_logs(self) -> Path:
        """The node's /var/log."""
        return self.root / "var-log"

    @property
    def kubelet(self) -> Path:
        """The node's /var/lib/kubelet."""
        return self.root / "kubelet"


@dataclass(frozen=True)
class Record:
    """What `down` must know of the cluster that `up` started.

    Attributes:
        pid: the first process of the node's namespaces, as the host counts.
        started: when it started, in clock ticks since boot: a pid alone may have been given to another process.
        addresses: the block of addresses.
        made_folders: mount points that were not there before.
        ip_forward: what net.ipv4.ip_forward was.
    """

    pid: int
    started: int
    addresses: str
    made_folders: tuple[str, ...]
    ip_forward: str

    @property
    def alive(self) -> bool:
        return start_ticks(self.pid) == self.started

    @property
    def api_host(self) -> str:
        return Addresses(self.addresses).node

    def save(self, path: Path) -> None:
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self)))
        partial.rename(path)

    @staticmethod
    def load(path: Path) -> Record | None:
        """Return what was saved, None if nothing was."""
        try:
            saved = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        return Record(**{**saved, "made_folders": tuple(saved["made_folders"])})


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot; None when there is none, or it has ended."""
    try:
        # The name in parentheses may hold anything; what follows it doesn't.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])
