"""A drive: a tree of items, and the order in which they changed.

Numbers of items are given in the order of creation and never again. Every change gives the changed item, and no other,
the next sequence number; the log holds the items in that order, and an entry counts only while it is the item's latest
one, so the feed shows the last state of each item, never a history.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from simulator.content import Content
from simulator.identifiers import Flavour, ItemIds

Facets = dict[str, object]


class Kind(IntEnum):
    """What an item is."""

    FILE = 0
    FOLDER = 1
    OTHER = 2
    """Neither file nor folder by its facets: a OneNote notebook, a shortcut to another drive."""


class Item:
    """A file, a folder, or what else a drive holds."""

    __slots__ = (
        "children",
        "content",
        "content_version",
        "created",
        "deleted",
        "facets",
        "kind",
        "modified",
        "name",
        "number",
        "parent",
        "sequence",
        "version",
    )

    def __init__(self, number: int, name: str, kind: Kind, parent: Item | None, *, at: float) -> None:
        self.number = number
        self.name = name
        self.kind = kind
        self.parent = parent
        self.children: dict[str, Item] | None = {} if kind is Kind.FOLDER else None
        self.content: Content | None = None
        self.facets: Facets | None = None
        self.created = at
        self.modified = at
        self.version = 1
        self.content_version = 1
        self.sequence = 0
        self.deleted = False

    @property
    def size(self) -> int:
        return self.content.size if self.content is not None else 0

    def ancestors(self) -> Iterator[Item]:
        """Yield the folders above, the nearest first, the root last."""
        item = self.parent
        while item is not None:
            yield item
            item = item.parent

    def descendants(self) -> Iterator[Item]:
        """Yield everything below, parents before children."""
        waiting = [self]
        while waiting:
            for child in (waiting.pop().children or {}).values():
                yield child
                if child.children:
                    waiting.append(child)

    @property
    def path(self) -> str:
        """The path from the root: ``/`` for the root itself, ``/Invoices/a.pdf``."""
        names = [self.name, *(folder.name for folder in self.ancestors())][:-1]
        return "/" + "/".join(reversed(names))


class NameTaken(ValueError):
    """The folder already holds an item of this name."""


class Drive:
    """The items of one drive."""

    def __init__(self, drive_id: str, flavour: Flavour, *, at: float) -> None:
        self.id = drive_id
        self.flavour = flavour
        self.ids = ItemIds(flavour, drive_id)
        self.root = Item(0, "root", Kind.FOLDER, None, at=at)
        self.items: list[Item] = [self.root]
        self.sequence = 0
        self.held_at: int | None = None
        """The last sequence number that the feed shows, while it lags."""
        self._log: list[Item] = [self.root]

    def __len__(self) -> int:
        return len(self.items)

    def find(self, item_id: str) -> Item | None:
        """Return the item with this id, a deleted one too."""
        if item_id == "root":
            return self.root
        number = self.ids.number(item_id)
        return self.items[number] if number is not None and 0 <= number < len(self.items) else None

    def at(self, path: str, start: Item | None = None) -> Item | None:
        """Return the item at a *path* of decoded names, from the root or from *start*. Case doesn't matter."""
        item = start or self.root
        for name in path.split("/"):
            if name:
                child = (item.children or {}).get(_key(name))
                if child is None:
                    return None
                item = child
        return item

    def changed_since(self, sequence: int) -> Iterator[Item]:
        """Yield the items that changed after *sequence*, as long as the feed shows them, oldest change first."""
        last = self.visible_sequence
        for position in range(sequence + 1, last + 1):
            item = self._log[position]
            if item.sequence == position:
                yield item

    @property
    def visible_sequence(self) -> int:
        return self.sequence if self.held_at is None else self.held_at

    def folder(self, path: str, *, at: float) -> Item:
        """Return the folder at *path*, made with its parents where there is none."""
        item = self.root
        for name in path.split("/"):
            if name:
                item = (item.children or {}).get(_key(name)) or self.add(item, name, Kind.FOLDER, at=at)
        return item

    def add(self, parent: Item, name: str, kind: Kind, *, at: float, content: Content | None = None) -> Item:
        """Make a new item in the folder *parent*."""
        item = Item(len(self.items), name, kind, parent, at=at)
        item.content = content
        self._enter(item, parent)
        self.items.append(item)
        self._changed(item)
        return item

    def edit(self, item: Item, content: Content, *, at: float) -> None:
        """Give a file other bytes."""
        item.content = content
        item.content_version += 1
        self.touch(item, at=at)

    def touch(self, item: Item, *, at: float | None = None) -> None:
        """Change metadata only: a new eTag, and an entry in the feed."""
        if at is not None:
            item.modified = at
        item.version += 1
        self._changed(item)

    def place(self, item: Item, *, parent: Item | None = None, name: str | None = None) -> None:
        """Move or rename an item. What is below it isn't reported by the feed."""
        target = parent or item.parent
        if target is None or item is target or item in target.ancestors():
            raise ValueError("A folder can't be moved below itself, and the root can't be moved at all.")
        self._leave(item)
        old_name, item.name = item.name, name or item.name
        try:
            self._enter(item, target)
        except NameTaken:
            item.name = old_name
            self._enter(item, item.parent or self.root)
            raise
        self.touch(item)

    def delete(self, item: Item) -> None:
        """Delete an item and everything below it; each of them is reported by the feed."""
        self._leave(item)
        for gone in (*item.descendants(), item):
            gone.deleted = True
            self._changed(gone)

    def restore(self, item: Item) -> None:
        """Take an item out of the recycle bin, where it was: ids stay."""
        parent = item.parent
        if not item.deleted or parent is None or parent.deleted:
            raise ValueError("Only a deleted item whose folder exists can be restored.")
        self._enter(item, parent)
        for back in (item, *item.descendants()):
            back.deleted = False
            back.version += 1
            self._changed(back)

    def _enter(self, item: Item, parent: Item) -> None:
        if parent.children is None:
            raise ValueError("Only a folder can hold items.")
        key = _key(item.name)
        if key in parent.children:
            raise NameTaken(f"The folder already holds an item named {item.name!r}.")
        parent.children[key] = item
        item.parent = parent

    def _leave(self, item: Item) -> None:
        if item.parent is None or item.parent.children is None:
            raise ValueError("The root can't be moved or deleted.")
        del item.parent.children[_key(item.name)]

    def _changed(self, item: Item) -> None:
        self.sequence += 1
        item.sequence = self.sequence
        self._log.append(item)


def _key(name: str) -> str:
    key = name.casefold()
    return name if key == name else key
