"""Paths of folders that a walk didn't tell: of what was put off before, or of a walk that goes on in the middle."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from bannette import onedrive
from bannette.errors import ItemDeferred, ItemRejected
from bannette.onedrive import Drive, Graph, Item, ItemKind

_KEPT: Final = 2_000


class Places:
    """Asks for each folder once; safe to share between threads."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._lock = threading.Lock()
        self._known: OrderedDict[str, str | None] = OrderedDict()

    def of(self, drive: Drive, item: Item) -> str | None:
        """Return the path of the folder that holds *item*; None if OneDrive doesn't tell.

        Raises: PersonNeeded, Transient.
        """
        if item.folder is not None or item.parent_id is None:
            return item.folder
        key = drive.item_key(item.parent_id)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        path = self._look_up(drive, item.parent_id)
        with self._lock:
            self._known[key] = path
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return path

    def _look_up(self, drive: Drive, folder_id: str) -> str | None:
        try:
            folder = onedrive.get_item(self._graph, drive, folder_id)
        except (ItemDeferred, ItemRejected):
            return None
        if folder is None or folder.kind is ItemKind.ROOT:
            return None if folder is None else "/"
        return None if folder.folder is None else f"{folder.folder.rstrip('/')}/{folder.name}"
