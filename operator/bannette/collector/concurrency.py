"""How many documents are downloaded at once: as many as help, and fewer when Microsoft asks to slow down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bannette.collector.handover import Halt

FEWEST: Final = 1
MOST: Final = 16
_FIRST: Final = 4
# A window of measurement: long enough that one slow document doesn't decide.
_SECONDS: Final = 1.0
_DOCUMENTS_EACH: Final = 2
_BETTER: Final = 1.1
_HOLD: Final = 10  # windows
_HOLD_THROTTLED: Final = 3
# What a document costs whatever its size, in bytes: small ones count too.
_EACH: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What is known about the pace.

    Attributes:
        limit: documents at once.
        rate: bytes a second of the best limit so far, which is ``best``; None before the first window.
        hold: windows to go before another limit is tried.
    """

    limit: int = _FIRST
    best: int = _FIRST
    rate: float | None = None
    hold: int = 0


def next_pace(pace: Pace, *, rate: float, throttled: bool) -> Pace:
    """Return the pace after a window in which *rate* bytes a second came in.

    Throttled, it is halved; twice as many at once are tried as long as that brings a tenth more; what didn't help is
    taken back, and tried again after a while, since networks change.
    """
    if throttled:
        fewer = max(FEWEST, pace.limit // 2)
        return Pace(limit=fewer, best=fewer, hold=_HOLD_THROTTLED)
    if pace.hold:
        return replace(pace, hold=pace.hold - 1, rate=None)
    if pace.rate is not None and rate < pace.rate * _BETTER:
        return Pace(limit=pace.best, best=pace.best, hold=_HOLD)
    return Pace(limit=min(MOST, pace.limit * 2), best=pace.limit, rate=rate)


class Concurrency:
    """The gate of the threads that download: number *n* works while the limit is above *n*.

    Args:
        throttled: how often Microsoft has asked to wait so far.
        clock: seconds that never go back.
    """

    def __init__(self, halt: Halt, *, throttled: Callable[[], int], clock: Callable[[], float]) -> None:
        self._halt = halt
        self._throttled = throttled
        self._clock = clock
        self._changed = threading.Condition()
        self._pace = Pace()
        self._since = clock()
        self._documents = self._bytes = self._seen = 0
        self._over = False
        halt.wakes(self._changed)

    @property
    def limit(self) -> int:
        return self._pace.limit

    def wait(self, number: int) -> None:
        """Return when thread *number*, from 0, may take up a document, or when there are no more to come."""
        if number < self._pace.limit:
            return
        with self._changed:
            self._changed.wait_for(lambda: number < self._pace.limit or self._over or self._halt.intake)

    def done(self, size: int) -> None:
        """Count a document of *size* bytes that was taken up, whatever became of it."""
        now = self._clock()
        with self._changed:
            self._documents += 1
            self._bytes += size + _EACH
            seconds = now - self._since
            throttled = self._throttled() > self._seen
            enough = seconds >= _SECONDS and self._documents >= _DOCUMENTS_EACH * self._pace.limit
            if not (throttled or enough):
                return
            before = self._pace.limit
            self._pace = next_pace(self._pace, rate=self._bytes / max(seconds, 0.001), throttled=throttled)
            self._seen = self._throttled()
            self._since, self._documents, self._bytes = now, 0, 0
            if self._pace.limit > before:
                self._changed.notify_all()

    def over(self) -> None:
        """Let every thread go: no document is to come."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
