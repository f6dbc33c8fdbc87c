"""What a channel's conditions say. Pure.

Ready, PrerequisitesMet and Connected are always there; Reconciling and Stalled only while they are true, as kstatus
has it. A client who hasn't signed in yet makes Connected False, not Ready: a rollout must not hang on a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bannette.controller.prerequisites import Missing
from bannette.controller.triggers import Wait
from bannette.resources import (
    Channel,
    Condition,
    ConditionStatus,
    RunResult,
    Trigger,
    drop_condition,
    is_mended,
    is_outdated,
    set_condition,
)

READY: Final = "Ready"
PREREQUISITES_MET: Final = "PrerequisitesMet"
CONNECTED: Final = "Connected"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
TYPES: Final = frozenset({READY, PREREQUISITES_MET, CONNECTED, RECONCILING, STALLED})
# As many as the CustomResourceDefinition lets in.
MOST: Final = 16


@dataclass(frozen=True)
class Verdict:
    """What one condition says."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


def prerequisites_met(channel: Channel, missing: Sequence[Missing]) -> Verdict:
    if not missing:
        message = f'Recipient "{channel.recipient}", binder "{channel.binder}" and what they need exist.'
        return Verdict(PREREQUISITES_MET, ConditionStatus.TRUE, "AllPresent", message)
    reason = missing[0].reason if len(missing) == 1 else "SeveralMissing"
    return Verdict(PREREQUISITES_MET, ConditionStatus.FALSE, reason, " ".join(one.message for one in missing))


def ready(
    channel: Channel,
    *,
    missing: Sequence[Missing],
    connected: Verdict,
    allowed: bool,
    waiting: tuple[Trigger, Wait] | None,
    obstacle: str | None = None,
    retrying: bool = False,
) -> Verdict:
    """Return whether the channel is set up, with what is to be known about its next run.

    Args:
        connected: what Connected says.
        allowed: runs start, be it to try a sign-in that failed.
        obstacle: why the pod of a run doesn't start.
        retrying: the Job of the run that reported last hasn't ended.
    """
    held = f" The request of {channel.requested_at} is held until then." if _is_held(waiting) else ""
    if missing:
        message = f"No run starts before this is done: {' '.join(one.message for one in missing)}{held}"
        return Verdict(READY, ConditionStatus.FALSE, "PrerequisitesMissing", message)
    if channel.suspend:
        return _ready("Suspended", f"Suspended: no run starts until spec.suspend is false.{held}")
    every_day = f"every day at {channel.schedule.time} ({channel.schedule.time_zone})"
    if connected.status is ConditionStatus.FALSE:
        what = f"Tried {every_day} and on request" if allowed else "No run starts before an account is connected"
        return _ready("NotConnected", f"{what}: {connected.message}{held}")
    if obstacle is not None:
        behind = waiting is not None and waiting[0] is Trigger.MANUAL
        then = f" The request of {channel.requested_at} waits behind it." if behind else ""
        return _ready("RunBlocked", f"A run doesn't start: {obstacle}.{then}")
    if waiting is not None:
        trigger, wait = waiting
        if trigger is Trigger.INITIAL:
            pending = channel.requested_at not in (None, channel.status.last_handled_requested_at)
            then = f" The request of {channel.requested_at} comes after it." if pending else ""
            return _ready("RunWaiting", f"The first collection waits: {wait.value}.{then}")
        return _ready("RunWaiting", f"The request of {channel.requested_at} waits: {wait.value}.")
    last = channel.status.last_run
    if last is not None and last.result is RunResult.FAILED:
        if retrying:
            return _ready("Scheduled", f"The last run failed: {last.message} It is being tried again.")
        then = f"The next run, {every_day} or on request, tells whether that helps. It said: {last.message}"
        if is_outdated(last, generation=channel.generation):
            return _ready("Scheduled", f"Changed since the last run, which failed. {then}")
        if is_mended(last, connected=connected.status is ConditionStatus.TRUE):
            return _ready("Scheduled", f"Connected since the last run, which failed. {then}")
        return _ready("Scheduled", f"The last run failed: {last.message} Tried again {every_day} and on request.")
    return _ready("Scheduled", f"Collects {every_day}.")


def stalled(reason: str, message: str) -> tuple[Verdict, ...]:
    """Return the verdicts on a channel that nothing can be done about before a person acts."""
    return (
        Verdict(READY, ConditionStatus.FALSE, reason, message),
        Verdict(STALLED, ConditionStatus.TRUE, reason, message),
    )


def reconciling(reason: str, message: str) -> tuple[Verdict, ...]:
    """Return the verdicts on a channel whose children aren't applied, and are tried again."""
    return (
        Verdict(READY, ConditionStatus.FALSE, reason, message),
        Verdict(RECONCILING, ConditionStatus.TRUE, reason, message),
    )


def deleting() -> tuple[Verdict, ...]:
    """Return the verdicts on a channel that was deleted, and that finalizers keep."""
    message = (
        "It is being deleted, and starts nothing any more: it goes when the others have done what its finalizers say."
    )
    return reconciling("Deleting", message)


def set_conditions(
    old: Sequence[Condition], verdicts: Sequence[Verdict], *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return *old* with *verdicts* in it; Reconciling and Stalled go unless a verdict says so."""
    conditions = tuple(old)
    said = {verdict.type for verdict in verdicts}
    for kind in (RECONCILING, STALLED):
        if kind not in said:
            conditions = drop_condition(conditions, kind)
    for verdict in verdicts:
        new = Condition(
            type=verdict.type,
            status=verdict.status,
            reason=verdict.reason,
            message=verdict.message,
            observed_generation=generation,
        )
        conditions = set_condition(conditions, new, now)
    # Others may add some, but not take the room of those.
    others = [one for one in conditions if one.type not in TYPES]
    surplus = others[max(MOST - (len(conditions) - len(others)), 0) :]
    return tuple(one for one in conditions if one not in surplus) if surplus else conditions


def _ready(reason: str, message: str) -> Verdict:
    return Verdict(READY, ConditionStatus.TRUE, reason, message)


def _is_held(waiting: tuple[Trigger, Wait] | None) -> bool:
    return waiting is not None and waiting[1] is Wait.HELD
