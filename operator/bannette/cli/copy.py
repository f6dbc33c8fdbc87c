"""``bannette binder copy``: a binder in another store."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bannette.binder import Location, StorePath, open_store
from bannette.binder.copying import Copied, Copy
from bannette.binder.layout import STAGING
from bannette.cli.binders import binder_in_files, existing_store
from bannette.cli.damage import print_damage, tallies_data
from bannette.cli.output import print_data, print_members, size_text
from bannette.cli.stages import Stages
from bannette.errors import ExitCode, PersonNeeded


def run(arguments: argparse.Namespace) -> int:
    source = _location(arguments.from_places, arguments.channel)
    destination = _location(arguments.to_places, arguments.channel)
    _check_apart(source, destination)
    store = existing_store(source)
    with Stages("binder.copy") as stages, _scratch(destination) as scratch:
        copied = Copy(
            store,
            open_store(destination),
            scratch=scratch,
            files_since=arguments.files_since,
            leave_damaged=arguments.leave_damaged,
            progress=stages.show,
        ).run()
    if arguments.output == "table":
        _print(copied)
    else:
        print_data(_data(copied), arguments.output)
    return ExitCode.DONE if copied.finished else ExitCode.DAMAGED


def _location(places: Sequence[Path], channel: str | None) -> Location:
    """Return the binder's place: a folder, or what files describe."""
    first = places[0]
    if len(places) == 1 and not first.is_file() and first.suffix not in (".yaml", ".yml"):
        return StorePath(first)
    return binder_in_files(places, channel=channel)


def _check_apart(source: Location, destination: Location) -> None:
    if isinstance(source, StorePath) and isinstance(destination, StorePath):
        here, there = source.path.resolve(), destination.path.resolve()
        if here.is_relative_to(there) or there.is_relative_to(here):
            raise PersonNeeded(
                f"{there} is, holds, or lies in the binder to copy: name a folder beside it.", reason="SameBinder"
            )


@contextmanager
def _scratch(destination: Location) -> Iterator[Path]:
    """A folder for large files on their way: where a binder in a folder can take them without copying them again."""
    if isinstance(destination, StorePath):
        open_store(destination)
        folder = destination.path / STAGING
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise PersonNeeded(
                f"{destination.path} can't be written ({os.strerror(error.errno or 0)}).", reason="StoreReadOnly"
            ) from error
        yield folder
    else:
        with tempfile.TemporaryDirectory(prefix="bannette-copy-") as name:
            yield Path(name)


def _print(copied: Copied) -> None:
    print_members(
        {
            "Copied": f"{copied.records:,} records, {copied.files:,} files, {size_text(copied.size)}",
            "Records": f"{copied.total:,} in all",
            "Removed": f"{copied.removed:,} files, by retention" if copied.removed else None,
        }
    )
    print_damage(copied.damage)
    if copied.finished:
        print("\nThe copy is complete. Before you remove the source: `bannette binder verify --content`.")
    else:
        print("\nThe copy isn't finished: restore these files at the source and repeat it, or add --leave-damaged.")


def _data(copied: Copied) -> dict[str, object]:
    return {
        "finished": copied.finished,
        "copied": {"records": copied.records, "files": copied.files, "bytes": copied.size},
        "records": copied.total,
        "removed": copied.removed,
        "damage": tallies_data(copied.damage),
    }
