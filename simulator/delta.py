"""The delta feed of a drive: where a walk stands, what the next page holds.

A first walk lists what exists when it starts, parents before children, then what changed meanwhile; a later walk lists
what changed since its token. Both report the last state of each item and its parents up to the root, changed or not.

Source: Microsoft Graph, driveItem: delta.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from array import array
from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice

from simulator.drive import Drive, Item

_WALKS_KEPT = 16


class TokenLost(Exception):
    """The token is unknown, expired, or of another drive: Graph answers 410."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the feed and the token of what follows it.

    Attributes:
        parents: numbers of the folders that are there for what they hold, not because they changed.
    """

    items: list[Item]
    token: str
    last: bool
    parents: frozenset[int] = frozenset()


class Feed:
    """The delta feed of one drive."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._key = secrets.token_bytes(16)
        self._walks: OrderedDict[int, array[int]] = OrderedDict()

    def expire(self) -> None:
        """Make every token given so far unknown."""
        self._key = secrets.token_bytes(16)
        self._walks.clear()

    def latest(self) -> str:
        """Return the token of a walk that has seen everything."""
        return self._seal(self._drive.visible_sequence, None)

    def page(self, token: str | None, size: int) -> Page:
        """Return the page at *token*, the first one of a first walk without it.

        Raises:
            TokenLost: the token isn't one of this feed, or its walk was forgotten.
        """
        sequence, offset = self._open(token) if token is not None else (self._begin(), 0)
        if offset is not None:
            return self._existing(sequence, offset, size)
        return self._changes(sequence, size)

    def _begin(self) -> int:
        sequence = self._drive.visible_sequence
        if sequence not in self._walks:
            root = self._drive.root
            numbers = array("L", (item.number for item in (root, *root.descendants()) if item.sequence <= sequence))
            self._walks[sequence] = numbers
            while len(self._walks) > _WALKS_KEPT:
                self._walks.popitem(last=False)
        return sequence

    def _existing(self, sequence: int, offset: int, size: int) -> Page:
        walk = self._walks.get(sequence)
        if walk is None:
            raise TokenLost
        items = [self._drive.items[number] for number in walk[offset : offset + size]]
        items = [item for item in items if not item.deleted]
        parents = frozenset(item.number for item in items if item.children is not None)
        if offset + size < len(walk):
            return Page(items, self._seal(sequence, offset + size), last=False, parents=parents)
        last = sequence == self._drive.visible_sequence
        return Page(items, self._seal(sequence, None), last=last, parents=parents)

    def _changes(self, sequence: int, size: int) -> Page:
        changed = list(islice(self._drive.changed_since(sequence), size))
        items: dict[int, Item] = {}
        for item in changed:
            for folder in reversed([*item.ancestors()]):
                items.setdefault(folder.number, folder)
            items.setdefault(item.number, item)
        parents = frozenset(items) - {item.number for item in changed}
        reached = changed[-1].sequence if len(changed) == size else self._drive.visible_sequence
        last = reached == self._drive.visible_sequence
        return Page([*items.values()], self._seal(reached, None), last=last, parents=parents)

    def _seal(self, sequence: int, offset: int | None) -> str:
        body = f"{sequence}.{'' if offset is None else offset}".encode()
        return "D" + base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def _open(self, token: str) -> tuple[int, int | None]:
        sealed = token.removeprefix("D")
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except ValueError as error:
            raise TokenLost from error
        mac, body = raw[:12], raw[12:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise TokenLost
        sequence, _, offset = body.decode().partition(".")
        return int(sequence), int(offset) if offset else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:12]
