"""What is to be done, and when: each key once, by one thread at a time."""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Backlog(Generic[Key]):
    """Keys that wait for a thread; safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[Key, float] = {}
        self._taken: set[Key] = set()
        self._closed = False

    def add(self, key: Key, *, after: float = 0.0) -> None:
        """Let *key* be taken in so many seconds; sooner, if that was asked for already."""
        due = time.monotonic() + after
        with self._changed:
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify_all()

    def take(self) -> Key | None:
        """Return a key that is due, when there is one that nobody works at; None when it is closed."""
        with self._changed:
            while not self._closed:
                free = ((due, key) for key, due in self._due.items() if key not in self._taken)
                first = min(free, key=lambda one: one[0], default=None)
                seconds = None if first is None else first[0] - time.monotonic()
                if first is not None and seconds is not None and seconds <= 0:
                    del self._due[first[1]]
                    self._taken.add(first[1])
                    return first[1]
                self._changed.wait(seconds)
            return None

    def done(self, key: Key) -> None:
        with self._changed:
            self._taken.discard(key)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
