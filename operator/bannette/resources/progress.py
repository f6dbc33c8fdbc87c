"""How far the run of a request is, by what its channel says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from bannette.resources.history import ActiveRun, HistoryEntry
from bannette.resources.requests import on_demand_job_name
from bannette.resources.status import ChannelStatus

BLOCKED: Final = "RunBlocked"
# No run starts before somebody changes something; the request waits for that.
_HOLDING: Final = frozenset({"Suspended", "PrerequisitesMissing", "NotConnected", BLOCKED})


class Stage(Enum):
    """Asked: the operator hasn't said anything. Held: it waits for a person. Waiting: for another run, or a slot.

    Started: its Job exists. Blocked: it exists, but no pod of it starts. Ended: its entry is in the history, though its
    Job may try it again.
    """

    ASKED = auto()
    HELD = auto()
    WAITING = auto()
    STARTED = auto()
    BLOCKED = auto()
    ENDED = auto()


@dataclass(frozen=True)
class Progress:
    """Where a request is.

    Attributes:
        message, reason: what the operator says of it.
        job: the name that its Job has, or will have.
        active: what its run last reported.
    """

    stage: Stage
    message: str = ""
    reason: str = ""
    job: str = ""
    active: ActiveRun | None = None
    entry: HistoryEntry | None = None


def progress_of(body: Mapping[str, Any], request: str) -> Progress:
    """Return where *request* of the channel *body* is."""
    status = ChannelStatus.salvage(body.get("status") or {})
    entries = (*status.history, *((status.last_run,) if status.last_run else ()))
    entry = next((entry for entry in entries if entry.request == request), None)
    metadata = body["metadata"]
    job = on_demand_job_name(metadata["name"], metadata["uid"], request=request)
    if entry is not None:
        return Progress(Stage.ENDED, entry.message, entry.reason, job, entry=entry)
    ready = status.condition("Ready")
    message, reason = (ready.message, ready.reason) if ready is not None else ("", "")
    if status.last_handled_requested_at == request:
        active = status.active_run
        mine = active if active is not None and active.job in (None, job) else None
        is_blocked = mine is None and ready is not None and ready.reason == BLOCKED
        return Progress(Stage.BLOCKED if is_blocked else Stage.STARTED, message, reason, job, active=mine)
    if ready is not None and request in message:
        return Progress(Stage.HELD if ready.reason in _HOLDING else Stage.WAITING, message, reason, job)
    return Progress(Stage.ASKED, message, reason, job)
