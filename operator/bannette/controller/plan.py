"""From what is to what should be: everything that reconcile does is decided here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, cast

from bannette.controller import builders, conditions, jobs
from bannette.controller.actions import Action, Announce, Apply, Confirm, Create, Delete, PatchStatus, Suspend
from bannette.controller.api import Manifest
from bannette.controller.conditions import CONNECTED, PREREQUISITES_MET, Verdict
from bannette.controller.connections import Page, connection_status, connection_verdict, page_of
from bannette.controller.drift import differs, sealed
from bannette.controller.events import Announcement, run_ended, transitions
from bannette.controller.history import entry_for, lost, request_of, with_entries
from bannette.controller.names import CRON_JOB, JOB, KINDS, OWNED, SECRET, Kind
from bannette.controller.prerequisites import Prerequisites, is_signed_in
from bannette.controller.runs import Job, Pod
from bannette.controller.settings import Settings
from bannette.controller.triggers import Decision, Wait, decide
from bannette.resources import (
    Channel,
    ChannelStatus,
    ConditionStatus,
    DelegatedAccount,
    HistoryEntry,
    RunResult,
    ScheduleStatus,
)

# What is the run's to write, but for a run that left it unsaid.
_UNSAID: Final = ("history", "lastRun", "activeRun")
_RECHECK_SLOT: Final = timedelta(seconds=60)
_RECHECK_START: Final = timedelta(seconds=60)
_RECHECK_FOREIGN: Final = timedelta(seconds=60)
_RECHECK_LEFTOVER: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Ended:
    """A finished Job that the history knows nothing of, and what is left of its pods."""

    job: Job
    pods: tuple[Pod, ...] = ()


@dataclass(frozen=True)
class Observed:
    """All that a decision about a channel rests on.

    Attributes:
        resource_version: of the channel as it was read.
        children: the channel's own objects of each kind; None if there is none.
        foreign: descriptions of objects that have a child's name and aren't the channel's.
        leftovers: descriptions of children of an earlier channel of that name, which are about to go.
        jobs: the runs of this channel's uid.
        free_slots: on-demand Jobs that may be added now.
        ended: finished Jobs that left no entry.
        obstacle: why the pod of an unfinished run doesn't start.
        vanished: the status names an active run whose Job doesn't exist any more.
        lost_request: the request that was handled last, if its Job doesn't exist any more and never ran.
        announced: ids of the runs that people were told of; None: unknown, so nothing is announced.
    """

    channel: Channel
    resource_version: str
    children: Mapping[Kind, Manifest | None]
    prerequisites: Prerequisites
    jobs: tuple[Job, ...] = ()
    free_slots: int = 1
    foreign: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    ended: tuple[Ended, ...] = ()
    obstacle: str | None = None
    vanished: bool = False
    lost_request: str | None = None
    announced: frozenset[str] | None = None


@dataclass(frozen=True)
class Plan:
    """What to do, in order, and when to look again without being woken.

    Attributes:
        announced: ids of the runs of the history that people know of then.
        ended_runs: those that they are told of now, oldest first.
    """

    actions: tuple[Action, ...] = ()
    look_again: timedelta | None = None
    waits_for_slot: bool = False
    announced: frozenset[str] = field(default=frozenset(), compare=False)
    ended_runs: tuple[HistoryEntry, ...] = field(default=(), compare=False)


def plan(observed: Observed, settings: Settings, *, now: datetime) -> Plan:
    """Return what makes the cluster say what the channel says."""
    channel = observed.channel
    if channel.deleting:
        return Plan(tuple(_last_actions(observed, now)))
    if observed.foreign:
        names = ", ".join(observed.foreign)
        message = f"Not this channel's, and in its way: {names}. Delete or rename it, or rename the channel."
        return _without_children(observed, conditions.stalled("ForeignObject", message), now, _RECHECK_FOREIGN)
    if observed.leftovers:
        message = f"Waits until an earlier channel of this name is gone: {', '.join(observed.leftovers)}."
        return _without_children(observed, conditions.reconciling("Replacing", message), now, _RECHECK_LEFTOVER)

    entries = _unsaid_entries(observed, now)
    channel = replace(channel, status=with_entries(channel.status, entries, limit=channel.history_limit))
    page = page_of(channel, settings)
    verdicts, allowed = _judge(channel, observed.prerequisites, page=page)
    decision = decide(channel, observed.jobs, allowed=allowed, free_slots=observed.free_slots)
    ready = conditions.ready(
        channel,
        missing=observed.prerequisites.missing,
        connected=verdicts[1],
        allowed=allowed,
        waiting=decision.waiting,
        obstacle=observed.obstacle,
        retrying=_is_retrying(channel.status, observed.jobs),
    )
    status = _next_status(channel, observed, (ready, *verdicts), decision, page=page, allowed=allowed, now=now)
    guard = observed.resource_version if entries else None
    ended = _ended_runs(observed, status)
    children = tuple(_children(channel, observed, settings, decision, allowed=allowed))
    return Plan(
        actions=(
            *((Confirm(observed.resource_version),) if any(isinstance(action, Create) for action in children) else ()),
            *children,
            *_status_patch(observed.channel.status, status, resource_version=guard),
            # In the order in which it happened: the next run may start as soon as the last one has ended.
            *(Announce(one) for one in transitions(observed.channel.status, status)),
            *(Announce(run_ended(entry)) for entry in ended),
            *(Announce(one) for one in _started(decision)),
            *(Delete(JOB, job.name, job.uid) for job in decision.superfluous),
        ),
        look_again=_look_again(channel, observed, status, decision, settings, now),
        waits_for_slot=decision.waiting is not None and decision.waiting[1] is Wait.SLOT,
        announced=known_runs(status, observed.jobs),
        ended_runs=ended,
    )


def _last_actions(observed: Observed, now: datetime) -> Iterator[Action]:
    # The garbage collector takes the children when the channel has gone; others' finalizers may keep it for days.
    body = cast("Mapping[str, Mapping[str, str]]", observed.children[CRON_JOB] or {})
    if body and not body["spec"].get("suspend"):
        yield Suspend(body["metadata"]["name"], body["metadata"]["uid"])
    old, generation = observed.channel.status, observed.channel.generation
    new = conditions.set_conditions(old.conditions, conditions.deleting(), generation=generation, now=now)
    schedule = old.schedule and replace(old.schedule, next_run_time=None)
    yield from _status_patch(old, replace(old, conditions=new, observed_generation=generation, schedule=schedule))


def has_begun(job: Job, status: ChannelStatus) -> bool:
    """Tell whether a run has reported, or has ended; until then its pod may be unable to start."""
    return job.finished or (status.active_run is not None and status.active_run.id == job.uid)


def refused(old: ChannelStatus, verdicts: Sequence[Verdict], *, generation: int, now: datetime) -> tuple[Action, ...]:
    """Return what is to be said of a channel whose spec can't be read, or whose children can't be applied."""
    new = conditions.set_conditions(old.conditions, verdicts, generation=generation, now=now)
    status = replace(old, conditions=new, observed_generation=generation)
    return (*_status_patch(old, status), *(Announce(one) for one in transitions(old, status)))


def _without_children(observed: Observed, verdicts: Sequence[Verdict], now: datetime, look_again: timedelta) -> Plan:
    channel = observed.channel
    return Plan(refused(channel.status, verdicts, generation=channel.generation, now=now), look_again)


def _is_retrying(status: ChannelStatus, jobs: Sequence[Job]) -> bool:
    return any(status.last_run is not None and job.uid == status.last_run.id and not job.finished for job in jobs)


def _unsaid_entries(observed: Observed, now: datetime) -> tuple[HistoryEntry, ...]:
    entries = [entry_for(ended.job, ended.pods) for ended in observed.ended]
    channel, active = observed.channel, observed.channel.status.active_run
    if observed.lost_request is not None:
        entries.append(lost(channel, observed.lost_request, now=now))
    if observed.vanished and active is not None:
        entries.append(
            HistoryEntry(
                id=active.id,
                trigger=active.trigger,
                request=request_of(channel, active.job),
                job=active.job,
                started_at=active.started_at,
                completed_at=now,
                result=RunResult.FAILED,
                reason="JobDeleted",
                message="The run's Job was deleted while it was at work; the next run continues where it was.",
                collected=active.collected,
            )
        )
    return tuple(entries)


def _judge(channel: Channel, found: Prerequisites, *, page: Page | None) -> tuple[tuple[Verdict, Verdict], bool]:
    """Return the verdicts on PrerequisitesMet and Connected, and whether the channel may run."""
    connected = connection_verdict(channel, found, page=page)
    # A sign-in that failed is tried again every day: a secret may have been renewed. Without one there is no use.
    allowed = not channel.suspend and not found.missing and is_signed_in(channel, found.token)
    return (conditions.prerequisites_met(channel, found.missing), connected), allowed


def _children(
    channel: Channel, observed: Observed, settings: Settings, decision: Decision, *, allowed: bool
) -> Iterator[Action]:
    binder = observed.prerequisites.binder
    rights = (
        builders.service_account(channel),
        builders.role(channel, settings),
        builders.role_binding(channel, settings),
    )
    yield from _apply_what_differs(rights, observed)
    if isinstance(channel.onedrive.account, DelegatedAccount) and observed.prerequisites.token is None:
        yield Create(SECRET, builders.token_secret(channel))
    # Before the CronJob: one that is no longer suspended may start a run that it missed at once.
    if decision.start is not None and binder is not None:
        yield Create(JOB, jobs.on_demand_job(channel, binder, settings, request=decision.start.request))
    yield from _apply_what_differs((jobs.cron_job(channel, binder, settings, suspend=not allowed),), observed)


def _apply_what_differs(manifests: Sequence[Manifest], observed: Observed) -> Iterator[Action]:
    for manifest in map(sealed, manifests):
        kind = KINDS[cast(str, manifest["kind"])]
        if differs(manifest, child := observed.children.get(kind)):
            yield Apply(kind, manifest, None if child is None else str(cast("Manifest", child["metadata"])["uid"]))


def _next_status(
    channel: Channel,
    observed: Observed,
    verdicts: Sequence[Verdict],
    decision: Decision,
    *,
    page: Page | None,
    allowed: bool,
    now: datetime,
) -> ChannelStatus:
    old = channel.status
    return replace(
        old,
        observed_generation=channel.generation,
        conditions=conditions.set_conditions(old.conditions, verdicts, generation=channel.generation, now=now),
        schedule=ScheduleStatus(
            cron=channel.schedule.cron,
            time_zone=channel.schedule.time_zone,
            next_run_time=channel.next_collection(now) if allowed else None,
        ),
        connection=connection_status(channel, observed.prerequisites, page=page),
        last_handled_requested_at=decision.acknowledge or old.last_handled_requested_at,
    )


def _status_patch(
    old: ChannelStatus, new: ChannelStatus, *, resource_version: str | None = None
) -> Iterator[PatchStatus]:
    if old == new:
        return
    members = OWNED + (_UNSAID if resource_version is not None else ())
    was, becomes = old.to_dict(members), new.to_dict(members)
    patch = {name: _merged(was.get(name), becomes.get(name)) for name in members if was.get(name) != becomes.get(name)}
    if patch:
        yield PatchStatus(patch, resource_version)


def _merged(old: object, new: object) -> object:
    """Return what a merge patch must say to turn *old* into *new*: null removes."""
    if isinstance(old, dict) and isinstance(new, dict):
        return dict.fromkeys(old.keys() - new.keys()) | new
    return new


def _started(decision: Decision) -> Iterator[Announcement]:
    if decision.start is not None and decision.start.request is None:
        yield Announcement("FirstRunStarted", "The first collection starts.", action="Collect")
    elif decision.start is not None:
        yield Announcement(
            "RunRequested", f"A run starts for the request of {decision.start.request}.", action="Collect"
        )


def known_runs(status: ChannelStatus, jobs: Sequence[Job]) -> frozenset[str]:
    """Return the ids of the runs that the history tells of; not those that their Jobs may try again."""
    unfinished = {job.uid for job in jobs if not job.finished}
    return status.runs - unfinished


def _ended_runs(observed: Observed, status: ChannelStatus) -> tuple[HistoryEntry, ...]:
    """Return the runs that ended and that people don't know of, oldest first."""
    if observed.announced is None:
        return ()
    news = known_runs(status, observed.jobs) - observed.announced
    if not news:
        return ()
    return tuple(entry for entry in reversed(_entries(status)) if entry.id in news)


def _entries(status: ChannelStatus) -> tuple[HistoryEntry, ...]:
    last = status.last_run
    if last is None or any(entry.id == last.id for entry in status.history):
        return tuple(status.history)
    return (last, *status.history)


def _look_again(
    channel: Channel,
    observed: Observed,
    status: ChannelStatus,
    decision: Decision,
    settings: Settings,
    now: datetime,
) -> timedelta | None:
    waits: list[timedelta] = []
    if status.schedule is not None and status.schedule.next_run_time is not None:
        waits.append(status.schedule.next_run_time - now + timedelta(seconds=1))
    longest = settings.unmet_recheck_longest
    if observed.prerequisites.missing:
        waits.append(min(max(_age(status, PREREQUISITES_MET, now) / 2, timedelta(seconds=2)), longest))
    connected = status.condition(CONNECTED)
    delegated = isinstance(channel.onedrive.account, DelegatedAccount)
    if delegated and connected is not None and connected.status is not ConditionStatus.TRUE:
        # Nobody tells when the client signs in, for the first time or again.
        waits.append(min(max(_age(status, CONNECTED, now) / 10, timedelta(seconds=5)), longest))
    if decision.waiting is not None and decision.waiting[1] is Wait.SLOT:
        waits.append(_RECHECK_SLOT)
    if decision.start is not None or any(not has_begun(job, status) for job in observed.jobs):
        waits.append(_RECHECK_START)
    return min(waits, default=None)


def _age(status: ChannelStatus, kind: str, now: datetime) -> timedelta:
    condition = status.condition(kind)
    since = condition.last_transition_time if condition is not None else None
    return now - since if since is not None else timedelta()
