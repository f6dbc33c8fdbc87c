"""What became of every item that a run saw, and how far the cursor may follow.

The cursor never passes an item that is neither collected, nor deferred, nor rejected, nor gone: a page's position
counts only when its items and those of all pages before it are settled.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bannette.binder import CommitOutcome, Committed, PendingItem, State
from bannette.errors import ItemDeferred, ItemRejected, PersonNeeded
from bannette.onedrive import Item, Position

MOST_DEFERRED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a run did.

    Attributes:
        discovered: items that were taken up. changed: collected items whose content differs by now.
        dropped: items that were gone, or out of scope, before they could be collected.
        newly_rejected: items that were rejected by this run.
        bytes, pages: of the collected documents.
    """

    discovered: int = 0
    collected: int = 0
    already_seen: int = 0
    duplicates: int = 0
    dropped: int = 0
    changed: int = 0
    newly_rejected: int = 0
    bytes: int = 0
    pages: int = 0


@dataclass(eq=False)
class _Page:
    open: int = 0
    closed: bool = False
    position: Position | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What could be saved now."""

    position: Position | None
    deferred: tuple[PendingItem, ...]
    rejected: tuple[PendingItem, ...]
    seen: int


class Ledger:
    """The book of one run; all threads write in it.

    Args:
        state: what the last run left, None at first.
        position: where the walk begins.
    """

    def __init__(self, state: State | None, position: Position | None, *, most_deferred: int) -> None:
        self._lock = threading.Lock()
        self._most_deferred = most_deferred
        self._key: Callable[[str], str] = str
        self._deferred = {item.item_id: item for item in state.deferred} if state else {}
        self._rejected = {item.item_id: item for item in state.rejected} if state else {}
        self._seen = state.seen_items if state and position and position.cursor is not None else 0
        self._position = position
        self._pages: deque[_Page] = deque()
        self._current: _Page | None = None
        self._under_way: dict[str, list[_Page]] = {}
        self._put_off: dict[str, str | None] = {}
        self._counts = Counts()

    @property
    def counts(self) -> Counts:
        return self._counts

    @property
    def failed(self) -> int:
        """Items that this run put off or rejected."""
        return len(self._put_off)

    def standing(self) -> Standing:
        with self._lock:
            return Standing(
                position=self._position,
                deferred=tuple(self._deferred.values()),
                rejected=tuple(self._rejected.values()),
                seen=self._seen,
            )

    def waiting(self) -> tuple[PendingItem, ...]:
        """The deferred items that this run hasn't taken up."""
        with self._lock:
            return tuple(
                item for key, item in self._deferred.items() if key not in self._put_off and key not in self._under_way
            )

    # The walk

    def identify(self, key: Callable[[str], str]) -> None:
        """Compare items by *key* of their ids: OneDrive spells an id in more than one way."""
        with self._lock:
            self._key = key
            self._deferred = {key(item.item_id): item for item in self._deferred.values()}
            self._rejected = {key(item.item_id): item for item in self._rejected.values()}

    def restart(self, position: Position | None) -> None:
        """The walk starts over from *position*, which has no cursor; of the pages to come, positions count again."""
        with self._lock:
            self._position = position
            self._seen = 0
            for page in self._pages:
                page.position = None

    def begin_page(self) -> None:
        with self._lock:
            self._current = _Page()
            self._pages.append(self._current)

    def end_page(self, position: Position | None) -> None:
        """All items of the page are entered; *position* may be saved when they are settled."""
        with self._lock:
            if self._current is not None:
                self._current.position = position
                self._current.closed = True
                self._current = None
            self._advance()

    def enter(self, item: Item) -> bool:
        """Take *item* up; False if nothing is to be done about it: it is under way, or as it was when it was put off.

        An item of the current page holds back the page's position until it is settled.
        """
        with self._lock:
            key = self._key(item.id)
            if key in self._under_way:
                self._hold(key)
                return False
            rejected = self._rejected.get(key)
            if rejected and rejected.etag is not None and rejected.etag == item.etag:
                return False
            if key in self._put_off and self._put_off[key] == item.etag:
                return False
            self._put_off.pop(key, None)
            self._under_way[key] = []
            self._hold(key)
            self._count(discovered=1)
            return True

    def enter_deferred(self, pending: PendingItem) -> bool:
        """Take up an item that an earlier run put off; False if it is under way already."""
        with self._lock:
            key = self._key(pending.item_id)
            if key in self._under_way or key in self._put_off:
                return False
            self._under_way[key] = []
            self._count(discovered=1)
            return True

    def _hold(self, key: str) -> None:
        if self._current is not None:
            self._current.open += 1
            self._under_way[key].append(self._current)

    # What becomes of an item

    def committed(self, item_id: str, committed: Committed, parts: Iterable[Committed] = ()) -> None:
        """The item is collected, and the documents inside it, which count as documents of their own."""
        with self._lock:
            for one in (*parts, committed):
                self._count_commit(one)
            # A collected item that was put off before was not counted as seen then.
            self._seen += 1
            self._settle(item_id)

    def _count_commit(self, committed: Committed) -> None:
        record = committed.record
        match committed.outcome:
            case CommitOutcome.COLLECTED:
                self._count(collected=1, bytes=record.size, pages=record.ocr.pages or 0)
            case CommitOutcome.DUPLICATE:
                self._count(duplicates=1)
            case CommitOutcome.ALREADY_SEEN:
                self._count(already_seen=1)

    def already_seen(self, item_id: str, *, walked_anew: bool, changed: bool = False) -> None:
        """The item's record exists. *walked_anew*: the walk started over, so that it wasn't counted yet."""
        with self._lock:
            self._count(already_seen=1, changed=int(changed))
            self._seen += int(walked_anew)
            self._settle(item_id)

    def repeated(self, item_id: str) -> None:
        """The item was collected while the run went on; a walk may show an item more than once."""
        with self._lock:
            self._settle(item_id)

    def deferred(self, item_id: str, error: ItemDeferred, *, now: datetime, item: Item | None) -> None:
        """Put the item off.

        Raises:
            PersonNeeded: TooManyDeferred; the item stays unsettled, so that the cursor doesn't pass it.
        """
        with self._lock:
            key = self._key(item_id)
            before = self._deferred.get(key)
            if before is None and len(self._deferred) >= self._most_deferred:
                raise PersonNeeded(
                    f"More than {self._most_deferred} documents can't be collected at present, most of them because of "
                    f"{error.reason}: find out what keeps them; the next run goes on from here.",
                    reason="TooManyDeferred",
                )
            self._deferred[key] = PendingItem(
                item_id=item_id,
                etag=item.etag if item else before.etag if before else None,
                reason=error.reason,
                since=before.since if before else now,
                modified_at=item.modified_at if item else before.modified_at if before else None,
            )
            self._rejected.pop(key, None)
            self._put_off[key] = item.etag if item else None
            self._settle(item_id, keep=True)

    def rejected(self, item_id: str, error: ItemRejected, *, now: datetime, item: Item | None) -> None:
        with self._lock:
            key = self._key(item_id)
            self._rejected[key] = PendingItem(
                item_id=item_id,
                etag=item.etag if item else None,
                reason=error.reason,
                since=now,
                modified_at=item.modified_at if item else None,
            )
            self._deferred.pop(key, None)
            self._put_off[key] = item.etag if item else None
            self._count(newly_rejected=1)
            self._settle(item_id, keep=True)

    def dropped(self, item_id: str) -> None:
        """The item is gone, or out of scope."""
        with self._lock:
            self._count(dropped=1)
            self._settle(item_id)

    def forget(self, item_id: str) -> None:
        """The feed says that the item was deleted or left the scope: nothing stands about it any more."""
        with self._lock:
            key = self._key(item_id)
            if key in self._under_way:
                return
            if self._deferred.pop(key, None) is not None:
                self._count(dropped=1)
            self._rejected.pop(key, None)

    def _settle(self, item_id: str, *, keep: bool = False) -> None:
        key = self._key(item_id)
        if not keep:
            self._deferred.pop(key, None)
            self._rejected.pop(key, None)
        for page in self._under_way.pop(key, []):
            page.open -= 1
        self._advance()

    def _advance(self) -> None:
        while self._pages and self._pages[0].closed and self._pages[0].open == 0:
            page = self._pages.popleft()
            if page.position is not None:
                self._position = page.position

    def _count(self, **more: int) -> None:
        counts = self._counts
        self._counts = replace(counts, **{name: getattr(counts, name) + value for name, value in more.items()})


def reasons(items: tuple[PendingItem, ...]) -> Mapping[str, int]:
    """How many of *items* there are for each reason."""
    found: dict[str, int] = {}
    for item in items:
        found[item.reason] = found.get(item.reason, 0) + 1
    return found
