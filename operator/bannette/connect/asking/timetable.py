"""Which recipient is looked at when; each by one thread at a time."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bannette.connect.asking.register import Key

# A clock that is set forward is noticed within this time.
_LONGEST_SLEEP: Final = 30.0


class Timetable:
    """Keeps the earliest time of each key. Safe to share between threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._when: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, Key]] = []
        self._busy: set[Key] = set()
        self._closed = False

    def put(self, key: Key, when: datetime) -> None:
        """Have *key* looked at then, or before."""
        with self._changed:
            if key not in self._when or when < self._when[key]:
                self._when[key] = when
                if key not in self._busy:
                    heapq.heappush(self._heap, (when, key))
                    self._changed.notify()

    def take(self) -> Key | None:
        """Return the key whose time came first, once it has come; None when the timetable is closed."""
        with self._changed:
            while not self._closed:
                key = self._due()
                if key is not None:
                    return key
                wait = (self._heap[0][0] - self._now()).total_seconds() if self._heap else _LONGEST_SLEEP
                self._changed.wait(min(max(wait, 0.0), _LONGEST_SLEEP))
            return None

    def take_due(self) -> Key | None:
        """Return a key whose time has come; None if there is none."""
        with self._changed:
            return self._due()

    def done(self, key: Key, again: datetime | None) -> None:
        """Give back a key that was taken; *again*: when it is to be looked at next."""
        with self._changed:
            self._busy.discard(key)
            asked = self._when.pop(key, None)
        for when in (again, asked):
            if when is not None:
                self.put(key, when)

    def close(self) -> None:
        """Let all who wait go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _due(self) -> Key | None:
        while self._heap and self._heap[0][0] <= self._now():
            when, key = heapq.heappop(self._heap)
            # An entry whose key was taken, or put earlier, since.
            if self._when.get(key) == when and key not in self._busy:
                del self._when[key]
                self._busy.add(key)
                return key
        return None
