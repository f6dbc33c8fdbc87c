"""Packages of npm that tests use, installed once per machine from a lock file beside the test."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bannette"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other processes out while one fills the cache."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def node_modules(sources: Path) -> Path:
    """Return the folder with what package.json and package-lock.json in *sources* name."""
    files = [sources / name for name in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]
    folder = CACHE / f"{sources.name}-{digest}"
    with locked(sources.name):
        if not folder.is_dir():
            if not shutil.which("node") or not shutil.which("npm"):
                subprocess.run([ROOT / "requirements" / "system.sh", "nodejs", "npm"], check=True, timeout=900)
            with tempfile.TemporaryDirectory(dir=CACHE, prefix=f".{sources.name}-") as workspace:
                for path in files:
                    shutil.copy(path, workspace)
                command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
                subprocess.run(command, cwd=workspace, check=True, timeout=900)
                Path(workspace).rename(folder)
                Path(workspace).mkdir()  # what the context manager removes
    return folder / "node_modules"
