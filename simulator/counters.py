"""What was asked of the simulator, counted: so that tests can say how many requests a program may make, and when."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from simulator.faults import Request

_GRACE = 0.5
"""Seconds after a Retry-After was sent in which other requests may have been on their way."""
_CONNECTING = 10.0
"""The same for a request for which a connection was made first: several at once take a busy machine seconds."""

_UNITS = {Request.ITEM: 1, Request.DOWNLOAD: 1, Request.CONTENT: 1, Request.CHILDREN: 2, Request.DRIVE: 1}
_SIGN_IN = {Request.DISCOVERY, Request.INSTANCE, Request.AUTHORIZE, Request.TOKEN, Request.DEVICE_CODE}


@dataclass(slots=True)
class Counters:
    """Counts since the last reset. ``recent`` holds the last 2,000 requests, the oldest first."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    units: int = 0
    bytes_sent: int = 0
    during_retry_after: int = 0
    without_user_agent: int = 0
    authorization_at_download: int = 0
    most_at_once: int = 0
    most_downloads_at_once: int = 0
    recent: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=2000))
    _now: int = 0
    _downloads_now: int = 0
    _paused: dict[bool, tuple[float, float]] = field(default_factory=dict)

    def arrived(
        self, kind: Request, *, at: float, user_agent: str | None, with_token: bool, connects: bool = False
    ) -> None:
        """Count a request.

        Args:
            at: seconds of a clock that never goes back.
            with_token: a delta that has one.
            connects: it is the first one of its connection.
        """
        self.requests[kind.value] += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        if kind is Request.DELTA:
            self.units += 1 if with_token else 2
        self.units += _UNITS.get(kind, 0)
        if not user_agent:
            self.without_user_agent += 1
        sent, until = self._paused.get(kind in _SIGN_IN, (0.0, 0.0))
        if sent + (_CONNECTING if connects else _GRACE) < at < until:
            self.during_retry_after += 1
        if kind is Request.DOWNLOAD:
            self._downloads_now += 1
            self.most_downloads_at_once = max(self.most_downloads_at_once, self._downloads_now)

    def answered(self, kind: Request, *, at: float, status: int, retry_after: str | None) -> None:
        self._now -= 1
        if kind is Request.DOWNLOAD:
            self._downloads_now -= 1
        self.statuses[str(status)] += 1
        seconds = _seconds(retry_after)
        before, until = self._paused.get(kind in _SIGN_IN, (0.0, 0.0))
        if at + seconds > until:
            # One that prolongs a pause opens no new time of grace.
            self._paused[kind in _SIGN_IN] = (before if at < until else at, at + seconds)

    def reset(self) -> None:
        """Forget all counts; a pause that was asked for stays in force."""
        self.requests.clear()
        self.statuses.clear()
        self.recent.clear()
        self.units = self.bytes_sent = 0
        self.during_retry_after = self.without_user_agent = self.authorization_at_download = 0
        self.most_at_once = self._now
        self.most_downloads_at_once = self._downloads_now

    def to_dict(self) -> dict[str, object]:
        return {
            "requests": {kind.value: self.requests[kind.value] for kind in Request},
            "total": self.requests.total(),
            "statuses": dict(self.statuses),
            "resourceUnits": self.units,
            "bytesSent": self.bytes_sent,
            "duringRetryAfter": self.during_retry_after,
            "withoutUserAgent": self.without_user_agent,
            "authorizationAtDownload": self.authorization_at_download,
            "mostAtOnce": self.most_at_once,
            "mostDownloadsAtOnce": self.most_downloads_at_once,
        }


def _seconds(retry_after: str | None) -> float:
    """Return how long a Retry-After lasts, 0 if there is none."""
    if retry_after is None:
        return 0.0
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except ValueError:
        return 0.0
