"""Whether the operator starts a run now, for whom, and what has to wait. Pure.

The first collection comes before requests. While a run is unfinished, whoever started it, another one waits; of the
requests that wait, the latest counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from bannette.controller.names import on_demand_job_name
from bannette.controller.runs import Job
from bannette.resources import Channel, Trigger


class Wait(Enum):
    """What a run waits for."""

    RUN = "another run of the channel is unfinished"
    SLOT = "the operator's other runs are at their limit"
    HELD = "the channel may not run"


@dataclass(frozen=True)
class Start:
    """A run to start now. The request is None for the first collection."""

    request: str | None


@dataclass(frozen=True)
class Decision:
    """What is to be done about runs.

    Attributes:
        start: the run to start.
        acknowledge: the request to write into the status, since its Job exists or exists after *start*.
        waiting: the trigger that has to wait, and for what.
        superfluous: on-demand Jobs that a newer one has made superfluous.
    """

    start: Start | None = None
    acknowledge: str | None = None
    waiting: tuple[Trigger, Wait] | None = None
    superfluous: tuple[Job, ...] = ()


def decide(channel: Channel, jobs: Sequence[Job], *, allowed: bool, free_slots: int) -> Decision:
    """Decide about the channel's runs.

    Args:
        jobs: the channel's, of this uid.
        allowed: the channel isn't suspended, its prerequisites exist, and an account is connected.
        free_slots: on-demand Jobs that may be added now.
    """
    request = channel.requested_at
    handled = request is not None and _is_handled(channel, jobs, request)
    pending = request if request is not None and not handled else None
    acknowledge = request if handled and request != channel.status.last_handled_requested_at else None
    superfluous = _superfluous(jobs)

    wants_first = _is_never_collected(channel, jobs)
    if not wants_first and pending is None:
        return Decision(acknowledge=acknowledge, superfluous=superfluous)
    trigger = Trigger.INITIAL if wants_first else Trigger.MANUAL
    if not allowed:
        # Nobody asked for the first collection: only a request is worth a word while it is held.
        held = (Trigger.MANUAL, Wait.HELD) if pending is not None else None
        return Decision(acknowledge=acknowledge, superfluous=superfluous, waiting=held)
    wait = Wait.RUN if any(not job.finished for job in jobs) else Wait.SLOT if free_slots < 1 else None
    if wait is not None:
        return Decision(acknowledge=acknowledge, superfluous=superfluous, waiting=(trigger, wait))
    if wants_first:
        waiting = (Trigger.MANUAL, Wait.RUN) if pending is not None else None
        return Decision(Start(None), acknowledge=acknowledge, superfluous=superfluous, waiting=waiting)
    return Decision(Start(pending), acknowledge=pending, superfluous=superfluous)


def _is_handled(channel: Channel, jobs: Sequence[Job], request: str) -> bool:
    # The status may be lost: then the Job's name, and the history, still know the request.
    name = on_demand_job_name(channel.name, channel.uid, request=request)
    return (
        channel.status.last_handled_requested_at == request
        or any(job.name == name for job in jobs)
        or any(entry.request == request for entry in channel.status.history)
    )


def _is_never_collected(channel: Channel, jobs: Sequence[Job]) -> bool:
    name = on_demand_job_name(channel.name, channel.uid, request=None)
    status = channel.status
    return (
        not any(job.name == name for job in jobs)
        and status.last_run is None
        and status.checkpoint is None
        and not status.history
        and not any(job.finished for job in jobs)
    )


def _superfluous(jobs: Sequence[Job]) -> tuple[Job, ...]:
    """Return the finished Jobs of requests but the newest; that one, and the first run's, hold their names for good."""
    manual = sorted(
        (job for job in jobs if job.on_demand and job.trigger is Trigger.MANUAL), key=lambda job: job.created_at
    )
    return tuple(job for job in manual[:-1] if job.finished and not job.deleting)
