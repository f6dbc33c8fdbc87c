"""Which files a channel is about, and whether a stored walk still fits it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from bannette.onedrive import Item, Position
from bannette.resources import OneDriveSource


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a walk begins.

    Attributes:
        position: of the last walk; a position without a cursor still tells where a folder that moved is.
        note: why the walk starts over, for a person; None if it doesn't, or at first.
    """

    position: Position | None = None
    note: str | None = None

    @property
    def anew(self) -> bool:
        """Whether the walk shows everything, not only what changed."""
        return self.position is None or self.position.cursor is None


def wants(source: OneDriveSource, item: Item) -> bool:
    """Whether the channel's globs let *item* in; composed and decomposed accents are the same to them."""
    return source.wants(unicodedata.normalize("NFC", item.name))


def stored_position(source: OneDriveSource, position: Position | None) -> Mapping[str, object] | None:
    """Return what the state keeps of *position*."""
    return None if position is None else {"walk": position.to_dict(), "globs": _globs(source)}


def start_from(source: OneDriveSource, stored: Mapping[str, object] | None) -> Start:
    """Return where the walk begins, given what the last state kept.

    Another folder or other globs bring in files that the cursor has passed: the walk starts over, and records keep
    anything from being collected twice.
    """
    walk = stored.get("walk") if stored else None
    position = Position.from_dict(walk) if isinstance(walk, Mapping) else None
    if stored is None or position is None:
        return Start()
    if position.folder != source.folder:
        return Start(note="The watched folder is another one than in the last run: it is walked from the start.")
    if stored.get("globs") != _globs(source):
        return Start(
            position=position.restarted(),
            note="include or exclude changed since the last run: the folder is walked from the start.",
        )
    return Start(position=position)


def _globs(source: OneDriveSource) -> dict[str, list[str]]:
    return {"include": sorted(source.include), "exclude": sorted(source.exclude)}
