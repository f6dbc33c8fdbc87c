"""Which binder a command looks into."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bannette.binder import Binder, Location, Store, StorePath, open_store
from bannette.errors import PersonNeeded


def binder_location(arguments: argparse.Namespace) -> Location:
    """Return where the binder is that *arguments* name.

    Raises:
        PersonNeeded: they name none, or one that this machine can't reach.
    """
    if arguments.binder is not None:
        if arguments.files:
            raise PersonNeeded("Name the binder once: either -f FILE, or --binder DIR.", reason="Usage")
        return StorePath(Path(arguments.binder))
    if not arguments.files:
        raise PersonNeeded("Name the binder: -f FILE, or --binder DIR.", reason="Usage")
    return binder_in_files(arguments.files, channel=arguments.channel)


def binder_in_files(paths: Sequence[Path], *, channel: str | None) -> Location:
    """Return where the only binder of files is, or that of *channel*.

    Raises:
        PersonNeeded: there is none, several, or one that this machine can't reach.
    """
    from bannette.collector import ResourceFiles

    files = ResourceFiles.load(paths)
    if channel is None and len(files.documents["CollectionChannel"]) != 1:
        return files.storage(files.only_binder())
    named = files.channel(channel)
    return files.storage(files.binder(named.namespace, named.binder))


def open_binder(location: Location) -> Binder:
    """Open the binder at *location* for looking and for data entry.

    Raises:
        PersonNeeded: there is none.
    """
    return Binder.existing(existing_store(location))


def existing_store(location: Location) -> Store:
    """Open the store of a binder that was used before.

    Raises:
        PersonNeeded: there is none.
    """
    if isinstance(location, StorePath) and location.path.exists() and not location.path.is_dir():
        raise PersonNeeded(
            f"{location.path} isn't a folder: name the folder of the binder, or a YAML file with -f.",
            reason="BinderNotFound",
        )
    if isinstance(location, StorePath) and not location.path.is_dir():
        raise PersonNeeded(
            f"{location.path} doesn't exist: nothing was collected yet, or the binder is elsewhere.",
            reason="BinderNotFound",
        )
    return open_store(location)
