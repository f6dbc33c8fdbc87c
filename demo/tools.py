"""A folder for the user's PATH, in which are kubectl and its plugin: an alias would hide the plugin from it."""

from __future__ import annotations

import sys
from pathlib import Path

from devcluster.binaries import program

_PLUGIN = ("kubectl-collection", "kubectl_complete-collection")


def put_tools(folder: Path) -> Path:
    """Put kubectl and the plugin into *folder*, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for target in (program("kubectl"), *(Path(sys.executable).with_name(name) for name in _PLUGIN)):
        link = folder / target.name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return folder
