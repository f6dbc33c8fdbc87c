"""When the next request may be sent: Retry-After, rate limits, backoff. All threads of a run share one pause.

After a pause, and while the budget runs low, requests leave one by one at an interval: all at once, they would be
answered by the next pause.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from bannette.errors import Transient

#: Statuses that mean "not now" for the whole application, not for one request.
THROTTLED = frozenset({429, 503, 509})
_FIRST_BACKOFF = 1.0
_LONGEST_BACKOFF = 60.0
_LONGEST_INTERVAL = 5.0
_LONGEST_PAUSE = 7 * 86400.0
_PLENTY = 0.2
# For so many seconds after a pause, requests leave at this interval in seconds.
_RAMP = 2.0
_RAMP_INTERVAL = 0.1


class Clock(Protocol):
    """Time, and waiting for it to pass; a run may make the waiting interruptible."""

    def now(self) -> datetime:
        """The time of day, aware."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Pace:
    """Requests shall leave *interval* seconds apart for the next *seconds*."""

    interval: float
    seconds: float


class Throttle:
    """The pause that every request of a run waits for.

    Args:
        deadline: on the clock's monotonic scale; nobody waits beyond it.
    """

    def __init__(
        self, clock: Clock, *, deadline: float | None = None, jitter: Callable[[], float] = random.random
    ) -> None:
        self.clock = clock
        self.deadline = deadline
        self._jitter = jitter
        self._lock = threading.Lock()
        self._until = 0.0
        self._next = 0.0
        self._interval = 0.0
        self._paced_until = 0.0

    def pause(self, seconds: float) -> None:
        """Let no request out for *seconds*; the longest of several pauses holds."""
        with self._lock:
            until = self.clock.monotonic() + seconds
            if seconds > 0 and until > self._until:
                self._until = until
                self._set_pace(_RAMP_INTERVAL, until + _RAMP)

    def pace(self, pace: Pace | None) -> None:
        """Let requests out one by one, if so asked; the slowest of several paces holds."""
        if pace is None:
            return
        with self._lock:
            now = self.clock.monotonic()
            if self._paced_until <= now:
                self._next = now + pace.interval
            self._set_pace(pace.interval, now + pace.seconds)

    def _set_pace(self, interval: float, until: float) -> None:
        if self._paced_until <= self.clock.monotonic():
            self._interval = 0.0
        self._interval = max(self._interval, interval)
        self._paced_until = max(self._paced_until, until)

    def wait(self) -> None:
        """Return when a request may be sent.

        Raises:
            Transient: that is after the deadline; ``retry_after`` says how long the pause still lasts.
        """
        while True:
            with self._lock:
                now = self.clock.monotonic()
                if self.deadline is not None and now > self.deadline:
                    # A service gone wrong can have something to ask for without end.
                    raise Transient("The run's time is up: the next one goes on from here.", reason="TimeUp")
                remaining = max(self._until, self._next) - now
                if remaining <= 0:
                    if now < self._paced_until:
                        self._next = now + self._interval
                    return
            self._check(remaining, "Microsoft asks to wait longer than this run may last: it goes on later.")
            self.clock.sleep(remaining)

    def back_off(self, attempt: int) -> None:
        """Wait before repeating one request that failed for the *attempt*-th time (from 1), others go on."""
        seconds = self.backoff(attempt)
        self._check(seconds, "The service keeps failing and the run's time is up.")
        self.clock.sleep(seconds)

    def backoff(self, attempt: int) -> float:
        """Seconds before the next attempt: doubled each time, with jitter so that threads don't come back together."""
        return min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** (attempt - 1)) * (0.5 + self._jitter() / 2)

    def _check(self, seconds: float, message: str) -> None:
        if self.deadline is not None and self.clock.monotonic() + seconds > self.deadline:
            raise Transient(message, reason="Throttled", retry_after=seconds)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for; None if it is absent, negative or unreadable.

    Source: RFC 9110, 10.2.3: seconds or an HTTP date.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_PAUSE)
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return min(max(0.0, (date - now).total_seconds()), _LONGEST_PAUSE)


def pace_for(headers: Mapping[str, str]) -> Pace | None:
    """Return the pace that an answer asks for when most of the budget is used: what is left, spread until it is anew.

    Source: SharePoint Online, throttling: RateLimit headers, sent from 80 % on.
    """
    try:
        limit, remaining, reset = (float(headers[f"RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
    except (KeyError, ValueError):
        return None
    if not (limit > 0 and remaining / limit <= _PLENTY and 0 < reset <= _LONGEST_PAUSE):
        return None
    return Pace(min(_LONGEST_INTERVAL, reset / (max(remaining, 0.0) + 1)), reset)
