"""When a channel is collected: once a day, at a time of day in a time zone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from bannette.resources.fields import Section
from bannette.resources.rules import TIME_OF_DAY, TIME_ZONE

DEFAULT_TIME_ZONE = "UTC"

# No zone has skipped a minute of these hours since 2024, nor will one until 2037 as far as the rules are known.
_WINDOW_STARTS = time_of_day(4, 0)
_WINDOW_MINUTES = 240


@dataclass(frozen=True)
class Schedule:
    """A time of day, ``HH:MM``, in an IANA time zone."""

    time: str
    time_zone: str = DEFAULT_TIME_ZONE

    @property
    def cron(self) -> str:
        """The schedule as a cron expression, to be read in the schedule's time zone."""
        return f"{self._time.minute} {self._time.hour} * * *"

    def next_run(self, after: datetime) -> datetime:
        """Return the first time after *after* at which the channel's CronJob starts a run, in UTC.

        A day on which the clocks jump over the time of day has no run, as in Kubernetes' cron; on a day that has it
        twice, the first one counts.
        """
        return next(at for day in _days_from(self.local_day(after)) if (at := self._on(day)) is not None and at > after)

    def local_day(self, at: datetime) -> date:
        """Return the date in the schedule's time zone at *at*: the day that a scheduled run counts for."""
        return at.astimezone(self._zone).date()

    def _on(self, day: date) -> datetime | None:
        local = datetime.combine(day, self._time, self._zone)
        at = local.astimezone(UTC)
        return at if at.astimezone(self._zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None

    @property
    def _time(self) -> time_of_day:
        return time_of_day.fromisoformat(self.time)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def default_time(namespace: str, name: str) -> str:
    """Return the time of day of a channel that names none: always the same for a name, spread over 04:00 to 07:59."""
    digest = hashlib.sha256(f"{namespace}/{name}".encode()).digest()
    minutes = int.from_bytes(digest[:8]) % _WINDOW_MINUTES
    return (datetime.combine(date.min, _WINDOW_STARTS) + timedelta(minutes=minutes)).strftime("%H:%M")


def parse_schedule(section: Section, *, namespace: str, name: str) -> Schedule:
    return Schedule(
        time=section.optional_text("time", TIME_OF_DAY) or default_time(namespace, name),
        time_zone=section.optional_text("timeZone", TIME_ZONE) or DEFAULT_TIME_ZONE,
    )


def _days_from(day: date) -> Iterator[date]:
    while True:
        yield day
        day += timedelta(days=1)
