"""Which channels need a person, and what for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bannette.resources.connection import is_mended
from bannette.resources.history import RunResult, is_outdated
from bannette.resources.status import ChannelStatus, ConditionStatus

# The first of these that a channel has says it best: the others follow from it.
_WANTED: Final = (
    ("Stalled", ConditionStatus.TRUE),
    ("PrerequisitesMet", ConditionStatus.FALSE),
    ("Connected", ConditionStatus.FALSE),
    ("Ready", ConditionStatus.FALSE),
)
#: Ready may be true and say this.
_BLOCKED: Final = "RunBlocked"
_FAILED: Final = "The last run failed"
_SINCE: Final = "{} since its last run, which failed: ask for a run. It said"


@dataclass(frozen=True)
class Need:
    """What a person must do for a channel, in *message*; *since* is None where nothing tells.

    Attributes:
        of_run: it is the last run that says so; *outdated*: the channel, or its connection, was changed since.
    """

    namespace: str
    name: str
    reason: str
    message: str
    since: datetime | None
    of_run: bool = False
    outdated: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "namespace": self.namespace,
            "name": self.name,
            "reason": self.reason,
            "message": self.message,
            "since": self.since and self.since.isoformat(),
        }


def need_of(body: Mapping[str, Any]) -> Need | None:
    """Return what the channel *body* needs a person for; None if nothing."""
    metadata = body["metadata"]
    status = ChannelStatus.salvage(body.get("status") or {})
    found = next(_found(status, generation=metadata.get("generation") or 0), None)
    return None if found is None else Need(metadata["namespace"], metadata["name"], *found)


def _found(status: ChannelStatus, *, generation: int) -> Iterator[tuple[str, str, datetime | None, bool, bool]]:
    for kind, bad in _WANTED:
        condition = status.condition(kind)
        if condition is not None and condition.status is bad:
            yield condition.reason, condition.message, condition.last_transition_time, False, False
    ready = status.condition("Ready")
    if ready is not None and ready.reason == _BLOCKED:
        yield ready.reason, ready.message, None, False, False
    last = status.last_run
    if last is not None and last.result is RunResult.FAILED:
        connected = status.condition("Connected")
        holds = connected is not None and connected.status is ConditionStatus.TRUE
        told, outdated = _FAILED, True
        if is_outdated(last, generation=generation):
            told = _SINCE.format("The channel was changed")
        elif is_mended(last, connected=holds):
            told = _SINCE.format("The account was connected")
        else:
            outdated = False
        yield last.reason, f"{told}: {last.message}", last.completed_at, True, outdated
