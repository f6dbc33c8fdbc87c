"""Paths of folders in a walk of a whole drive, as far as a bounded memory of the folders that it met goes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from bannette.onedrive.identity import Drive
from bannette.onedrive.items import Item, ItemKind
from bannette.onedrive.positions import FolderLink
from bannette.onedrive.scope import folder_link

_KEPT = 20_000
_DEEPEST = 400


class Trail:
    """Remembers the folders met last."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._links: OrderedDict[str, FolderLink] = OrderedDict()
        self._roots: set[str] = set()

    def add(self, items: Iterable[Item]) -> None:
        """Take in the folders among the items of a page."""
        for item in items:
            if item.kind is ItemKind.ROOT:
                self._roots.add(self._drive.item_key(item.id))
        self.add_links(
            link
            for item in items
            if item.kind is ItemKind.FOLDER and not item.deleted
            if (link := folder_link(self._drive, item)) is not None
        )

    def add_root(self, root: FolderLink) -> None:
        """Take in the root."""
        self._roots.add(root.key)

    def add_links(self, links: Iterable[FolderLink]) -> None:
        """Take in folders."""
        for link in links:
            self._links[link.key] = link
            self._links.move_to_end(link.key)
        while len(self._links) > _KEPT:
            self._links.popitem(last=False)

    def paths_of(self, items: Iterable[Item]) -> Mapping[str, str]:
        """Return the known paths of the folders that hold *items*, by the parent's id as the items spell it."""
        parents = dict.fromkeys(item.parent_id for item in items if item.parent_id is not None)
        paths = ((parent, self._path_of(self._drive.item_key(parent))) for parent in parents)
        return {parent: path for parent, path in paths if path is not None}

    def _path_of(self, key: str) -> str | None:
        names: list[str] = []
        while key not in self._roots:
            link = self._links.get(key)
            if link is None or len(names) > _DEEPEST:
                return None
            names.append(link.name)
            key = link.parent
        return "/" + "/".join(reversed(names))
