"""Events for people: what happened to a channel, said once, when it happens. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from bannette.controller.api import Manifest
from bannette.controller.conditions import CONNECTED, PREREQUISITES_MET, READY, STALLED
from bannette.controller.names import CHANNEL, EVENT, Key
from bannette.resources import ChannelStatus, CheckOutcome, Condition, ConditionStatus, HistoryEntry, RunResult

# Of bytes, though the API server speaks of characters.
_NOTE_LENGTH: Final = 1024


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True)
class Announcement:
    """What happened, as a past participle, and a sentence about it."""

    reason: str
    note: str
    type: EventType = EventType.NORMAL
    action: str = "Reconcile"


def transitions(old: ChannelStatus, new: ChannelStatus) -> Iterator[Announcement]:
    """Yield what the change from *old* to *new* conditions means for people."""
    before, after = old.condition(PREREQUISITES_MET), new.condition(PREREQUISITES_MET)
    if _is_false(after) and (not _is_false(before) or _message(before) != _message(after)):
        yield Announcement("PrerequisitesMissing", _message(after), EventType.WARNING)
    if _is_true(after) and _is_false(before):
        yield Announcement("PrerequisitesMet", _message(after))
    before, after = old.condition(CONNECTED), new.condition(CONNECTED)
    if _is_true(after) and _is_false(before):
        yield Announcement("Connected", _message(after))
    if after is not None and _is_false(after) and _is_true(before):
        was_removed = after.reason == "NotSignedIn"
        yield Announcement("Disconnected" if was_removed else "ConnectionLost", after.message, EventType.WARNING)
    yield from _check(old, new)
    before, after = old.condition(READY), new.condition(READY)
    if after is not None and after.reason == "RunBlocked" and _message(before) != after.message:
        yield Announcement("RunBlocked", after.message, EventType.WARNING)
    before, after = old.condition(STALLED), new.condition(STALLED)
    if after is not None and (before is None or before.message != after.message):
        yield Announcement("Stalled", after.message, EventType.WARNING)


def _check(old: ChannelStatus, new: ChannelStatus) -> Iterator[Announcement]:
    before, after = (status.connection and status.connection.last_handled_check for status in (old, new))
    check = new.pages.check if new.pages is not None else None
    if check is not None and after is not None and after != before:
        kind = EventType.NORMAL if check.outcome is CheckOutcome.CONNECTED else EventType.WARNING
        yield Announcement("ConnectionChecked", check.message, kind, "Check")


def run_ended(entry: HistoryEntry) -> Announcement:
    """Return what is told of a run that is over; of one that failed with the reason, by which the docs know it."""
    run, kind = f"{entry.trigger.value} run", EventType.NORMAL
    if entry.result is RunResult.FAILED:
        before = f", {entry.collected} collected before" if entry.collected else ""
        run, kind = f"{run}, {entry.reason}{before}", EventType.WARNING
    return Announcement(f"Run{entry.result.value}", f"{run}: {entry.message}", kind, "Collect")


def event(key: Key, uid: str, announcement: Announcement, *, instance: str, now: datetime) -> Manifest:
    """Return the Event object that says *announcement* about the channel of that key and uid.

    Its name begins with the time: `kubectl describe` sorts by a member that this kind of Event lacks, so it shows them
    in the order of their names.
    """
    moment = f"{int(now.timestamp() * 1e6):014x}"
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{key.name}.{moment}{uuid.uuid4().hex[:4]}", "namespace": key.namespace},
        "eventTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": announcement.type.value,
        "reason": announcement.reason,
        "action": announcement.action,
        "note": _cut(announcement.note or announcement.reason),
        "regarding": {
            "apiVersion": CHANNEL.api_version,
            "kind": CHANNEL.kind,
            "name": key.name,
            "namespace": key.namespace,
            "uid": uid,
        },
        "reportingController": "bannette.io/operator",
        "reportingInstance": instance[:128],
    }


def _cut(note: str) -> str:
    if len(note.encode()) <= _NOTE_LENGTH:
        return note
    return f"{note.encode()[: _NOTE_LENGTH - len('…'.encode())].decode(errors='ignore')}…"


def _is_true(condition: Condition | None) -> bool:
    return condition is not None and condition.status is ConditionStatus.TRUE


def _is_false(condition: Condition | None) -> bool:
    return condition is not None and condition.status is ConditionStatus.FALSE


def _message(condition: Condition | None) -> str:
    return condition.message if condition is not None else ""
