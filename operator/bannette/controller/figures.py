"""What of a channel is worth a number: for Prometheus, and small enough to be kept for ten thousand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bannette.controller.conditions import TYPES
from bannette.resources import RunResult, parse_time
from bannette.resources.channel import DEFAULT_HISTORY_LIMIT

_SUCCESSES = frozenset({RunResult.SUCCEEDED.value, RunResult.PARTIALLY_SUCCEEDED.value})


class ChannelFigures(NamedTuple):
    """A channel in numbers; times are seconds since the epoch, None for what never was or isn't known.

    Attributes:
        conditions: type to what it says; without a condition there is no entry.
        last_success: the end of the last run that went through the feed, whatever it put off.
        last_failed: whether the last run failed.
    """

    created: float
    suspended: bool
    conditions: Mapping[str, bool]
    last_run: float | None
    last_success: float | None
    last_failed: bool
    next_run: float | None
    seen: int
    deferred: int
    rejected: int


def channel_figures(body: Mapping[str, Any]) -> ChannelFigures:
    """Return the figures of the channel *body*, as the API server has it."""
    status = body.get("status") or {}
    last = status.get("lastRun") or {}
    checkpoint = status.get("checkpoint") or {}
    return ChannelFigures(
        created=seconds(body["metadata"].get("creationTimestamp")) or 0.0,
        suspended=bool((body.get("spec") or {}).get("suspend")),
        conditions={
            one["type"]: one["status"] == "True" for one in status.get("conditions") or () if one["type"] in TYPES
        },
        last_run=seconds(last.get("completedAt")),
        last_success=seconds(_last_success(body.get("spec") or {}, status)),
        last_failed=last.get("result") == RunResult.FAILED.value,
        next_run=seconds((status.get("schedule") or {}).get("nextRunTime")),
        seen=int(checkpoint.get("seenItems") or 0),
        deferred=int(checkpoint.get("deferredItems") or 0),
        rejected=int(checkpoint.get("rejectedItems") or 0),
    )


def _last_success(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str | None:
    history = status.get("history") or ()
    entries = [*history, status.get("lastRun") or {}]
    # Times of one form: their order is that of their texts.
    ends: list[str] = [entry["completedAt"] for entry in entries if entry.get("result") in _SUCCESSES]
    if ends:
        return max(ends)
    # Of a success that the history has lost, what it committed tells; but failed runs commit how far they got, too.
    committed: str | None = (status.get("checkpoint") or {}).get("committedAt")
    began: str | None = min((entry["startedAt"] for entry in entries if "startedAt" in entry), default=None)
    if committed is None or began is None or committed < began:
        return committed
    is_full = len(history) >= int(spec.get("historyLimit") or DEFAULT_HISTORY_LIMIT)
    # Then it was before all of them, if there was one.
    return began if is_full else None


def seconds(text: object) -> float | None:
    """Return a time of the API in seconds since the epoch; None if it is none."""
    try:
        return parse_time(text).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
