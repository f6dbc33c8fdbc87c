"""Programs that are one Go module each, built at first use and kept in the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from devcluster.paths import cache_folder, locked


def built(name: str, module: str) -> Path:
    """Return the path of the program *name*, built from *module* (``path@version``) where it hasn't been yet.

    Raises: subprocess.CalledProcessError: its stderr says why it can't be built.
    """
    folder = cache_folder() / f"{name}-{module.rpartition('@')[2]}"
    program = folder / name
    with locked(cache_folder() / f"{name}.lock"):
        if not program.exists():
            print(f"Building {name} from its Go module (once)", file=sys.stderr, flush=True)
            environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0"}
            command = ["go", "install", "-trimpath", "-ldflags=-s -w", module]
            subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    return program
