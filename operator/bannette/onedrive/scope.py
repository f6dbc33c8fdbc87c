"""What a feed's changes mean for a watched folder. Pure: no request, no clock.

A feed gives the latest state of each item, folders without their descendants, parents that didn't change, and files
whose parents it leaves out. So nothing is decided before its last page: then the folders are linked up, and whatever is
linked to the watched folder is in scope.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bannette.onedrive.identity import Drive
from bannette.onedrive.items import Item, ItemKind
from bannette.onedrive.positions import FolderLink, Position

#: Beyond so many changes it is cheaper to list the watched folder again than to keep them all.
LIMIT = 20_000
# Download URLs are long, and stale by the time that so many changes are through.
_WITH_URLS = 1_000


class Changes:
    """The last state of each item of a feed."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self.folders: dict[str, FolderLink] = {}
        self.files: dict[str, Item] = {}
        self.deleted: dict[str, str] = {}
        self.adrift: dict[str, Item] = {}
        self.roots: set[str] = set()
        #: key -> an id as Graph spells it, of every item and parent that was named.
        self.spelled: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.folders) + len(self.files) + len(self.deleted) + len(self.adrift)

    def add(self, items: Iterable[Item]) -> None:
        """Take in the items of the next page: of several states of one item, the last one wins."""
        for item in items:
            key = self._drive.item_key(item.id)
            self.spelled[key] = item.id
            for states in (self.folders, self.files, self.deleted, self.adrift):
                states.pop(key, None)
            if item.parent_id is not None:
                self.spelled[self._drive.item_key(item.parent_id)] = item.parent_id
            if item.deleted:
                self.deleted[key] = item.id
            elif item.kind is ItemKind.ROOT:
                self.roots.add(key)
            elif item.kind is ItemKind.FOLDER:
                if (link := folder_link(self._drive, item)) is not None:
                    self.folders[key] = link
                else:
                    self.adrift[key] = item
            else:
                keep_url = len(self.files) < _WITH_URLS
                self.files[key] = item if keep_url else replace(item, download_url=None)

    def orphans(self) -> list[Item]:
        """Return the files and folders whose parent the feed leaves out altogether."""
        return [*(item for item in self.files.values() if item.parent_id is None), *self.adrift.values()]


@dataclass(frozen=True, slots=True)
class Scope:
    """The watched folder and all below it after a feed.

    Attributes:
        folders: key -> key of the parent, the watched folder included. names: key -> name.
        entered: folders that weren't in scope before: their descendants aren't in the feed.
        items: files, notebooks, shortcuts in scope. gone: ids deleted, or out of scope.
    """

    folders: Mapping[str, str]
    names: Mapping[str, str]
    entered: tuple[FolderLink, ...] = ()
    items: tuple[Item, ...] = ()
    gone: tuple[str, ...] = ()


@dataclass(slots=True)
class Lookups:
    """Folders that the feed didn't tell of and that were asked for; None: not a folder of this drive."""

    found: dict[str, FolderLink | None] = field(default_factory=dict)


def unknown_parents(position: Position, changes: Changes, lookups: Lookups) -> list[str]:
    """Return the keys of folders that must be looked up before the scope can be told."""
    links = _Links(position, changes, lookups)
    starts = [link.parent for link in changes.folders.values()]
    starts += [link.parent for link in lookups.found.values() if link is not None]
    starts += [links.drive.item_key(item.parent_id) for item in changes.files.values() if item.parent_id is not None]
    ends = (links.end_of(key) for key in dict.fromkeys(starts))
    return list(dict.fromkeys(key for key, inside in ends if inside is None))


def settle(position: Position, changes: Changes, lookups: Lookups) -> Scope:
    """Return the scope after *changes*, once no parent is unknown."""
    links = _Links(position, changes, lookups)
    told = {**changes.folders, **{key: link for key, link in lookups.found.items() if link is not None}}
    names = {**position.names, **{key: link.name for key, link in told.items()}}
    folders = {key: parent for key, parent in links.parents.items() if links.inside(key)}
    items: list[Item] = []
    gone = list(changes.deleted.values())
    for item in changes.files.values():
        inside = item.parent_id is not None and links.inside(links.drive.item_key(item.parent_id))
        items.append(item) if inside else gone.append(item.id)
    return Scope(
        folders=folders,
        names={key: names[key] for key in folders if key in names},
        entered=tuple(link for key, link in told.items() if key in folders and key not in position.folders),
        items=tuple(items),
        gone=tuple(gone),
    )


def is_suspect(position: Position, changes: Changes) -> bool:
    """Say whether the feed leaves doubt about which folder is the watched one: its path must be resolved again.

    Parents come in the feed unchanged too, so only another name or parent, a deletion, or a folder that could be found
    under the path counts.
    """
    for link in position.chain:
        now = changes.folders.get(link.key)
        if link.key in changes.deleted or (now is not None and (now.parent, now.name) != (link.parent, link.name)):
            return True
    known = {link.key for link in position.chain}
    others = [link for link in changes.folders.values() if link.key not in known]
    if is_followed(position):
        wanted = {folded(name) for name in segments(position.folder)}
        return any(folded(link.name) in wanted for link in others)
    # A folder that was deleted and made again during a walk comes without its deletion.
    places = {(link.parent, folded(link.name)) for link in position.chain}
    return any((link.parent, folded(link.name)) in places for link in others)


def is_followed(position: Position) -> bool:
    """Say whether the watched folder is followed by its id, away from the path of the setting."""
    return [folded(link.name) for link in position.chain] != [folded(name) for name in segments(position.folder)]


def folder_link(drive: Drive, item: Item) -> FolderLink | None:
    """Return the link that a folder is; None without a parent."""
    if item.parent_id is None:
        return None
    return FolderLink(item.id, drive.item_key(item.id), drive.item_key(item.parent_id), item.name)


def segments(path: str) -> list[str]:
    """Return the names in a path."""
    return [name for name in path.split("/") if name]


def folded(name: str) -> str:
    """Return *name* as OneDrive compares names: without case, accents in one form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class _Links:
    """All that is known about which folder is in which."""

    def __init__(self, position: Position, changes: Changes, lookups: Lookups) -> None:
        self.drive = position.drive
        self._watched = position.chain[-1].key
        self.parents: dict[str, str] = dict(position.folders)
        self.parents.update((key, link.parent) for key, link in changes.folders.items())
        self.parents.update((key, link.parent) for key, link in lookups.found.items() if link is not None)
        self._outside = {link.key for link in position.chain[:-1]} | {position.chain[0].parent} | changes.roots
        self._outside.update(changes.deleted, changes.files)
        self._outside.update(key for key, link in lookups.found.items() if link is None)
        for key in self._outside:
            self.parents.pop(key, None)
        self._ends: dict[str, bool] = {self._watched: True}

    def inside(self, key: str) -> bool:
        """Say whether the folder is, at any depth, in the watched one."""
        return self.end_of(key)[1] is True

    def end_of(self, key: str) -> tuple[str, bool | None]:
        """Return where the way up from *key* ends, and whether that is in scope; None: not known."""
        way: list[str] = []
        inside: bool | None = None
        passed: set[str] = set()
        while True:
            if key in self._ends:
                inside = self._ends[key]
                break
            if key in self._outside or key in passed:
                inside = False
                break
            parent = self.parents.get(key)
            if parent is None:
                return key, None
            way.append(key)
            passed.add(key)
            key = parent
        self._ends.update((step, inside) for step in way)
        return key, inside
