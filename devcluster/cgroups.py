"""The control group below which all pods of the node live, on both versions of cgroups."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
REMOVE_SECONDS = 60.0


def make(name: str) -> None:
    """Make the group *name* in every hierarchy; the kubelet wants to find it."""
    if (ROOT / "cgroup.controllers").exists():
        for controller in (ROOT / "cgroup.controllers").read_text().split():
            # A controller that the host keeps for itself is missed by the kubelet, which then says which.
            with contextlib.suppress(OSError):
                (ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
    for group in _groups(name):
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # version 1: empty, not inherited
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((group.parent / setting).read_text())


def remove(name: str) -> None:
    """Remove the group *name*; its processes have ended, though the kernel may need a moment to notice."""
    deadline = time.monotonic() + REMOVE_SECONDS
    for group in _groups(name):
        while group.exists():
            try:
                for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                    folder.rmdir()
                group.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _groups(name: str) -> Iterator[Path]:
    if (ROOT / "cgroup.controllers").exists():
        yield ROOT / name
        return
    for hierarchy in ROOT.iterdir():
        if hierarchy.is_dir() and not hierarchy.is_symlink() and (hierarchy / "cgroup.procs").exists():
            yield hierarchy / name
