"""How far the run of a request is, by what its channel says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from bannette.resources import ActiveRun, ChannelStatus, HistoryEntry

# No run starts before somebody changes something; the request waits for that.
_HOLDING: Final = frozenset({"Suspended", "PrerequisitesMissing", "NotConnected"})


class Stage(Enum):
    """Asked: the operator hasn't said anything. Held: it waits for a person. Waiting: for another run, or a slot.

    Started: its Job exists. Ended: its entry is in the history, though its Job may try it again.
    """

    ASKED = auto()
    HELD = auto()
    WAITING = auto()
    STARTED = auto()
    ENDED = auto()


@dataclass(frozen=True)
class Progress:
    """Where a request is; *message* says what the operator says of it."""

    stage: Stage
    message: str = ""
    active: ActiveRun | None = None
    entry: HistoryEntry | None = None


def progress_of(body: Mapping[str, Any], request: str) -> Progress:
    """Return where *request* of the channel *body* is."""
    status = ChannelStatus.salvage(body.get("status") or {})
    entries = (*status.history, *((status.last_run,) if status.last_run else ()))
    entry = next((entry for entry in entries if entry.request == request), None)
    if entry is not None:
        return Progress(Stage.ENDED, entry.message, entry=entry)
    ready = status.condition("Ready")
    message = ready.message if ready is not None else ""
    if status.last_handled_requested_at == request:
        return Progress(Stage.STARTED, message, active=status.active_run)
    if ready is not None and request in message:
        return Progress(Stage.HELD if ready.reason in _HOLDING else Stage.WAITING, message)
    return Progress(Stage.ASKED, message)
