"""A queue of keys: each is in it once, and with one worker at a time; failures come back later and later."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 300.0


class WorkQueue(Generic[K]):
    """Keys to be worked on, in the order in which they came.

    A key that is added while it is worked on comes again afterwards: what changed meanwhile isn't missed. It must be
    used within one event loop, whose clock it goes by.

    Args:
        waited: told of each key that is taken how many seconds it waited.
    """

    def __init__(
        self,
        *,
        jitter: Callable[[], float] = random.random,
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._jitter = jitter
        self._waited = waited
        self._since: dict[K, float] = {}
        self._waiting: deque[K] = deque()
        self._queued: set[K] = set()
        self._at_work: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._takers: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: K) -> None:
        """Have *key* worked on as soon as a worker is free."""
        self._cancel_timer(key)
        if key in self._at_work:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._waiting.append(key)
            self._since[key] = asyncio.get_running_loop().time()
            self._wake_one()

    def add_after(self, key: K, seconds: float) -> None:
        """Have *key* worked on after *seconds*, or before if something else asks for it."""
        loop = asyncio.get_running_loop()
        due = loop.time() + max(seconds, 0)
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= due:
            return
        self._cancel_timer(key)
        self._timers[key] = loop.call_at(due, self._due, key)

    def retry(self, key: K, *, least: float = 0.0) -> float:
        """Have a *key* that failed worked on again after a while, and return how long: 0.5 s, doubled each time."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        backoff = min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 20), LONGEST_BACKOFF)
        seconds = max(backoff * (0.5 + self._jitter() / 2), least)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """Take the last attempt on *key* for a success."""
        self._failures.pop(key, None)

    async def take(self) -> K:
        """Return the next key; `done` must be called with it."""
        while not self._waiting:
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                if taker.done() and not taker.cancelled():
                    self._wake_one()
                raise
        key = self._waiting.popleft()
        self._queued.discard(key)
        self._at_work.add(key)
        self._cancel_timer(key)
        self._waited(asyncio.get_running_loop().time() - self._since.pop(key))
        return key

    def done(self, key: K) -> None:
        """Say that the work on *key* has ended."""
        self._at_work.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel_timer(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    def _wake_one(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return
