"""Which runs of a channel's history are shown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bannette.resources import HistoryEntry, RunResult, Trigger
from bannette.web.rendering import on_clocks

# Longer runs are told in minutes.
_IN_SECONDS: Final = 120


@dataclass(frozen=True)
class Filter:
    """What somebody wants to see of a history; days are those of *zone*, both ends included."""

    zone: str
    result: RunResult | None = None
    trigger: Trigger | None = None
    first: date | None = None
    last: date | None = None

    @property
    def is_any(self) -> bool:
        return not (self.result or self.trigger or self.first or self.last)

    def takes(self, entry: HistoryEntry) -> bool:
        day = on_clocks(entry.started_at, self.zone).date()
        return (
            (self.result is None or entry.result is self.result)
            and (self.trigger is None or entry.trigger is self.trigger)
            and (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
        )


def filter_of(query: Mapping[str, str], *, zone: str) -> Filter:
    """Return the filter that an address holds; what in it can't be read is as good as absent."""
    result, trigger = query.get("result", ""), query.get("trigger", "")
    return Filter(
        zone,
        result=RunResult(result) if result in list(RunResult) else None,
        trigger=Trigger(trigger) if trigger in list(Trigger) else None,
        first=_day(query.get("from", "")),
        last=_day(query.get("to", "")),
    )


def filtered(history: Iterable[HistoryEntry], wanted: Filter) -> list[HistoryEntry]:
    """Return the runs that *wanted* takes, the newest first."""
    return sorted((entry for entry in history if wanted.takes(entry)), key=lambda entry: entry.started_at, reverse=True)


def took(entry: HistoryEntry) -> str:
    """Return how long the run lasted, in units that are written alike in French and English."""
    seconds = max(0, round((entry.completed_at - entry.started_at).total_seconds()))
    if seconds < _IN_SECONDS:
        return f"{seconds} s" if seconds else "< 1 s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, not a time
    except ValueError:
        return None
