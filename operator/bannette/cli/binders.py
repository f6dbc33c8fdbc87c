"""Which binder a command looks into."""

from __future__ import annotations

import argparse
from pathlib import Path

from bannette.binder import Binder, Store, StorePath, open_store
from bannette.errors import PersonNeeded


def binder_folder(arguments: argparse.Namespace) -> Path:
    """Return the folder of the binder that *arguments* name.

    Raises:
        PersonNeeded: they name none, or one that isn't in a folder.
    """
    if arguments.binder is not None:
        return Path(arguments.binder)
    if not arguments.files:
        raise PersonNeeded("Name the binder: -f FILE, or --binder DIR.", reason="Usage")
    from bannette.collector import ResourceFiles

    files = ResourceFiles.load(arguments.files)
    if arguments.channel is None and len(files.documents["CollectionChannel"]) != 1:
        return files.storage(files.only_binder()).path
    channel = files.channel(arguments.channel)
    return files.storage(files.binder(channel.namespace, channel.binder)).path


def open_binder(folder: Path) -> Binder:
    """Open the binder in *folder* for looking and for data entry.

    Raises:
        PersonNeeded: there is none.
    """
    return Binder.existing(existing_store(folder))


def existing_store(folder: Path) -> Store:
    """Open the store of a binder that was used before.

    Raises:
        PersonNeeded: there is none.
    """
    if not folder.is_dir():
        raise PersonNeeded(
            f"{folder} doesn't exist: nothing was collected yet, or the binder is elsewhere.", reason="BinderNotFound"
        )
    return open_store(StorePath(folder))
