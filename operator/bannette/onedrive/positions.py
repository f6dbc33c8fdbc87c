"""How far a walk has come, in a form that can be stored, and the pages that it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bannette.onedrive.identity import Drive, DriveKind
from bannette.onedrive.items import Item

WHOLE_DRIVE = "/"


@dataclass(frozen=True, slots=True)
class FolderLink:
    """A folder, its name and its parent: one link of a path.

    Attributes:
        id: as Graph spells it.
        key: the id in the form that compares.
        parent: key of the parent folder.
    """

    id: str
    key: str
    parent: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Position:
    """All that the next walk needs: with it a quiet day costs one request.

    Attributes:
        cursor: an opaque link of Graph; None where the next walk starts afresh (drives without delta).
        drive: the drive that was walked.
        folder: the setting that was walked, ``/`` for the whole drive.
        chain: the folders from below the root down to the watched one, as they were seen; empty for the whole drive.
        folders: watched folder and all below it: key -> key of its parent. Empty for the whole drive.
        names: key -> name of the same folders.
        first: the cursor is in the middle of a first walk of the whole drive.
    """

    cursor: str | None = field(repr=False)
    drive: Drive
    folder: str = WHOLE_DRIVE
    chain: tuple[FolderLink, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    first: bool = False

    @property
    def folder_id(self) -> str | None:
        """Id of the watched folder; None for the whole drive."""
        return self.chain[-1].id if self.chain else None

    def covers(self, item: Item) -> bool:
        """Say whether *item* is in scope, as far as the last walk knows."""
        if item.deleted:
            return False
        if self.folder == WHOLE_DRIVE:
            return True
        return item.parent_id is not None and self.drive.item_key(item.parent_id) in self.folders

    def path_of(self, item: Item) -> str | None:
        """Return the path of the folder that holds *item*, ``/`` for the root; None if it isn't known."""
        if item.parent_id is None or not self.chain:
            return None
        return folder_path(self.chain, self.folders, self.names, self.drive.item_key(item.parent_id))

    def restarted(self) -> Position:
        """Return the position without its cursor: the next walk starts over, a folder that moved is still followed."""
        return replace(self, cursor=None, first=False)

    def to_dict(self) -> dict[str, object]:
        """Return what JSON can hold; ``from_dict`` gives the same position again."""
        return {
            "cursor": self.cursor,
            "drive": {"id": self.drive.id, "kind": self.drive.kind.value, "source": self.drive.source},
            "folder": self.folder,
            "chain": [[link.id, link.key, link.parent, link.name] for link in self.chain],
            "folders": {key: [parent, self.names.get(key, "")] for key, parent in self.folders.items()},
            "first": self.first,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, object]) -> Position | None:
        """Return the position that *body* holds; None if it isn't one, which makes the walk start over."""
        try:
            return _parse(body)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Page:
    """One portion of a walk.

    Attributes:
        items: files, notebooks and shortcuts in scope; an item may come again on a later page of a first walk.
        paths: id of a parent as the items spell it -> path of that folder, as far as known; ``/`` is the root.
        gone: ids of items that were deleted or left the scope; most of them were never in it.
        position: may be stored once every item of this page and those before is settled. The last page has one.
        notes: what a person should know, one sentence each.
        complete: with this page the walk has shown everything that is in scope, not only what changed.
    """

    items: tuple[Item, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict, repr=False)
    gone: tuple[str, ...] = ()
    position: Position | None = None
    notes: tuple[str, ...] = ()
    complete: bool = False


def folder_path(
    chain: tuple[FolderLink, ...], folders: Mapping[str, str], names: Mapping[str, str], key: str
) -> str | None:
    """Return the path of the folder *key* in scope, from the names of the folders above it."""
    parts: list[str] = []
    root = chain[-1].key
    while key != root:
        if key not in folders or key not in names or len(parts) > len(folders):
            return None
        parts.append(names[key])
        key = folders[key]
    return "/" + "/".join([*(link.name for link in chain), *reversed(parts)])


def _parse(body: Mapping[str, object]) -> Position:
    cursor, folder, drive = body["cursor"], body["folder"], body["drive"]
    chain, folders = body.get("chain", []), body.get("folders", {})
    if not isinstance(drive, Mapping) or not isinstance(folders, Mapping) or not isinstance(chain, list):
        raise TypeError
    if not (cursor is None or isinstance(cursor, str)) or not isinstance(folder, str):
        raise TypeError
    return Position(
        cursor=cursor,
        drive=Drive(str(drive["id"]), DriveKind(str(drive["kind"])), str(drive.get("source", ""))),
        folder=folder,
        chain=tuple(FolderLink(*(str(part) for part in link)) for link in chain),
        folders={str(key): str(value[0]) for key, value in folders.items()},
        names={str(key): str(value[1]) for key, value in folders.items()},
        first=body.get("first") is True,
    )
