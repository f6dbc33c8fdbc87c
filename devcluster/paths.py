"""Where the embedded cluster keeps what it builds and what it runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for what is built once: ``$XDG_CACHE_HOME/bannette``, by default ``~/.cache/bannette``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bannette"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file *path*: two builds of the same thing wait for each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
