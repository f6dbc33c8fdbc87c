"""Finds the watched folder, by its path or by its id, and lists what is in folders."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from bannette.errors import ItemDeferred, ItemRejected, PersonNeeded, Transient
from bannette.onedrive.drives import drive_path, get_item, item_path
from bannette.onedrive.errors import Refused
from bannette.onedrive.feed import read_children
from bannette.onedrive.graph import Graph, Kind
from bannette.onedrive.identity import Drive
from bannette.onedrive.items import SELECT, Item, ItemKind, parse_item
from bannette.onedrive.positions import FolderLink
from bannette.onedrive.refusals import about_drive
from bannette.onedrive.scope import folded, folder_link, segments

Chain = tuple[FolderLink, ...]
# A path has at most 400 characters.
_DEEPEST = 400
_MOST_FOLDERS = 500_000


def find_by_path(graph: Graph, drive: Drive, path: str) -> Chain | None:
    """Return the folders from below the root down to the one at *path*; None if there is none.

    Raises:
        PersonNeeded: something else than a folder is there.
    """
    names = segments(path)
    found = _item_at(graph, drive, names)
    if found is None:
        return None
    if found.kind is ItemKind.SHORTCUT:
        raise PersonNeeded(
            f'Folder "{path}" is a shortcut into another drive: name that drive in spec.onedrive.drive.',
            reason="FolderIsShortcut",
        )
    if found.kind is not ItemKind.FOLDER:
        raise PersonNeeded(f'"{path}" is not a folder: correct spec.onedrive.folder.', reason="FolderNotFound")
    return _climbed(graph, drive, found, levels=len(names) - 1)


def find_by_id(graph: Graph, drive: Drive, item_id: str) -> Chain | None:
    """Return the folders down to the one with this id, wherever it is now; None if it no longer exists."""
    item = _item_now(graph, drive, item_id)
    return _climbed(graph, drive, item, levels=None) if item is not None and item.kind is ItemKind.FOLDER else None


def root_of(graph: Graph, drive: Drive) -> FolderLink:
    """Return the root as the start of a crawl."""
    try:
        item = parse_item(graph.get(f"{drive_path(drive)}/root?$select=id,root", kind=Kind.ITEM))
    except Refused as refusal:
        raise about_drive(refusal) from refusal
    if item is None:
        raise Transient("Microsoft Graph described the root without an id.", reason="UnexpectedAnswer")
    return FolderLink(item.id, drive.item_key(item.id), "", "")


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a folder: its files, notebooks and shortcuts, and its folders.

    Attributes:
        vanished: the folder is no longer in the drive; there is nothing in the page.
    """

    folder: FolderLink
    items: tuple[Item, ...] = ()
    folders: tuple[FolderLink, ...] = ()
    vanished: bool = False


def crawl(graph: Graph, drive: Drive, start: FolderLink, *, known: Container[str]) -> Iterator[Listed]:
    """Yield the pages of a folder and of all folders below it, but for those that are *known*.

    The caller adds each page's folders to what is known. A folder that vanished in between is told as such.

    Raises:
        PersonNeeded, Transient.
    """
    waiting = [(start, 0)]
    found = 0
    while waiting:
        folder, depth = waiting.pop()
        if depth > _DEEPEST:
            raise Transient("Microsoft Graph shows folders in folders without end.", reason="EndlessFeed")
        for items in _children(graph, drive, folder):
            if items is None:
                yield Listed(folder, vanished=True)
                break
            _check_place(drive, items, folder)
            placed = [replace(item, parent_id=item.parent_id or folder.id) for item in items if not item.deleted]
            links = [folder_link(drive, item) for item in placed if item.kind is ItemKind.FOLDER]
            folders = [link for link in links if link is not None]
            found += len(folders)
            if found > _MOST_FOLDERS:
                raise PersonNeeded(
                    f"There are more than {_MOST_FOLDERS} folders to list: let spec.onedrive.folder name one of them.",
                    reason="TooManyFolders",
                )
            # The page is yielded before its folders become known.
            waiting.extend((link, depth + 1) for link in reversed(folders) if link.key not in known)
            files = tuple(item for item in placed if item.kind not in (ItemKind.FOLDER, ItemKind.ROOT))
            yield Listed(folder, files, tuple(folders))


def _children(graph: Graph, drive: Drive, folder: FolderLink) -> Iterator[tuple[Item, ...] | None]:
    """Yield the pages of a folder; None if it no longer exists."""
    try:
        yield from read_children(graph, f"{item_path(drive, folder.id)}/children?{SELECT}")
    except Refused as refusal:
        if refusal.status not in (404, 410):
            raise about_drive(refusal) from refusal
        if folder.parent and _item_now(graph, drive, folder.id) is None:
            yield None
            return
        raise Transient(
            "Microsoft Graph shows a folder and not what is in it: the next run lists it again.", reason="ListingLost"
        ) from refusal


def _item_now(graph: Graph, drive: Drive, item_id: str) -> Item | None:
    try:
        return get_item(graph, drive, item_id)
    except (ItemDeferred, ItemRejected) as refusal:
        raise Transient(
            f"A folder can't be looked up now ({refusal.reason}): the next run tries again.", reason="FolderUnreadable"
        ) from refusal


def _check_place(drive: Drive, items: tuple[Item, ...], folder: FolderLink) -> None:
    # A nextLink has led to the root instead of the folder before; what was left of the folder would be missed.
    if not folder.parent:
        # The root's own id comes in several forms.
        return
    if any(item.parent_id is not None and drive.item_key(item.parent_id) != folder.key for item in items):
        raise Transient(
            "Microsoft Graph lists another folder than the one it was asked for: the next run lists it again.",
            reason="ListingLost",
        )


def _item_at(graph: Graph, drive: Drive, names: list[str]) -> Item | None:
    path = "/".join(names)
    spellings = [path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path)]
    for spelling in dict.fromkeys(spellings):
        encoded = "/".join(quote(name, safe="") for name in spelling.split("/"))
        try:
            return parse_item(graph.get(f"{drive_path(drive)}/root:/{encoded}?{SELECT}", kind=Kind.ITEM))
        except Refused as refusal:
            # Some clouds refuse paths altogether.
            if refusal.status in (400, 405, 501):
                return _walked(graph, drive, names)
            if refusal.status not in (404, 410):
                raise about_drive(refusal) from refusal
    # Accents may be written one way in one name and the other way in the next.
    return None if path.isascii() else _walked(graph, drive, names)


def _walked(graph: Graph, drive: Drive, names: list[str]) -> Item | None:
    link, found = root_of(graph, drive), None
    for name in names:
        if found is not None and found.kind is not ItemKind.FOLDER:
            return None
        found = _named(graph, drive, link, name)
        if found is None:
            return None
        found = replace(found, parent_id=found.parent_id or link.id)
        link = folder_link(drive, found) or link
    return found


def _named(graph: Graph, drive: Drive, folder: FolderLink, name: str) -> Item | None:
    """Return the child with this very name, else one whose name differs by case or by the form of its accents."""
    similar: Item | None = None
    for items in _children(graph, drive, folder):
        for item in items or ():
            if item.name == name:
                return item
            if similar is None and folded(item.name) == folded(name):
                similar = item
    return similar


def _climbed(graph: Graph, drive: Drive, item: Item, *, levels: int | None) -> Chain:
    chain: list[FolderLink] = []
    while (link := folder_link(drive, item)) is not None and item.parent_id is not None:
        chain.append(link)
        if len(chain) - 1 == levels:
            break
        above = _item_now(graph, drive, item.parent_id)
        if above is None or len(chain) > _DEEPEST:
            raise Transient("The watched folder moves while its path is read.", reason="FolderMoving")
        if above.kind is ItemKind.ROOT:
            break
        item = above
    if not chain:
        raise Transient("Microsoft Graph described the watched folder without a parent.", reason="UnexpectedAnswer")
    return tuple(reversed(chain))
