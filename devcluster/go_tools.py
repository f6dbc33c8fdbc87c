"""Programs that are one Go module each, built at first use and kept in the cache folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
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


def built_by_requirement(name: str, package: str, module: str) -> Path:
    """Return the path of the program *name*, built from *package* of *module* (``path@version``) at first use.

    For modules of which the proxy serves versions but no list of them: ``go install`` asks for the list, so as to tell
    whether the module is deprecated; a module that requires this one doesn't. The versions of all its parts are
    the same.

    Raises: subprocess.CalledProcessError: its stderr says why it can't be built.
    """
    program = cache_folder() / f"{name}-{module.rpartition('@')[2]}" / name
    with locked(cache_folder() / f"{name}.lock"):
        if not program.exists():
            print(f"Building {name} from its Go module (once)", file=sys.stderr, flush=True)
            environment = {**os.environ, "CGO_ENABLED": "0"}
            with tempfile.TemporaryDirectory(prefix="go-") as folder:
                for command in (
                    ["go", "mod", "init", "bannette.io/build"],
                    ["go", "get", f"{package}@{module.rpartition('@')[2]}"],
                    ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(program), package],
                ):
                    subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True, text=True)
    return program


def source(module: str) -> Path:
    """Return the folder with the source of *module* (``path@version``), which is read-only.

    Raises: subprocess.CalledProcessError: its stdout says why it can't be had.
    """
    command = ["go", "mod", "download", "-json", module]
    # Outside any module of one's own, whose go.mod would have a say.
    said = subprocess.run(command, check=True, cwd=cache_folder(), capture_output=True, text=True).stdout
    return Path(json.loads(said)["Dir"])
