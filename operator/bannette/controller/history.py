"""Runs that ended without a word in the channel's history, and what is known about them from their Job. Pure.

A run reports by itself. It can't when it was killed, when it never started, or when the API server refused it; then
its termination message says what the status doesn't, and failing that, its Job's and pods' conditions.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, cast

from bannette.controller.names import on_demand_job_name
from bannette.controller.runs import Job, JobState, Pod
from bannette.resources import (
    Channel,
    ChannelStatus,
    HistoryEntry,
    InvalidResource,
    RunResult,
    Trigger,
    upsert_history,
)

_IMAGE_REASONS: Final = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
# Characters, and counts.
_LONGEST: Final = {"id": 128, "request": 128, "job": 253, "reason": 128, "message": 512}
_TOO_MANY: Final = 2**63
_NEVER_STARTED: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "ContainerCreating", "PodInitializing", "Unschedulable"}
)


def unrecorded(jobs: Iterable[Job], status: ChannelStatus, *, limit: int) -> tuple[Job, ...]:
    """Return the finished Jobs that the history should have, and hasn't, oldest first.

    Older ones than a full history remembers were in it once.
    """
    finished = [job for job in jobs if job.finished_at is not None]
    if not finished:
        return ()
    known = {entry.id for entry in status.history} | ({status.last_run.id} if status.last_run else set())
    oldest = min((entry.completed_at for entry in status.history), default=None) if _is_full(status, limit) else None
    missing = [
        job
        for job in finished
        if job.uid not in known and (oldest is None or cast("datetime", job.finished_at) > oldest)
    ]
    return tuple(sorted(missing, key=lambda job: job.created_at))


def request_of(channel: Channel, job: str | None) -> str | None:
    """Return the request that was handled last, if that Job is its own."""
    request = channel.status.last_handled_requested_at
    mine = request is not None and job == on_demand_job_name(channel.name, channel.uid, request=request)
    return request if mine else None


def unheard_of(channel: Channel, jobs: Iterable[Job]) -> tuple[str, str] | None:
    """Return the request that was handled last, and its Job's name, if there is neither that Job nor a word of its run.

    A full history may have had that word once.
    """
    status, request = channel.status, channel.status.last_handled_requested_at
    if request is None or _is_full(status, channel.history_limit):
        return None
    entries = (*status.history, *((status.last_run,) if status.last_run else ()))
    job = on_demand_job_name(channel.name, channel.uid, request=request)
    named = {*(one.name for one in jobs), *((status.active_run.job,) if status.active_run else ())}
    return None if job in named or any(entry.request == request for entry in entries) else (request, job)


def lost(channel: Channel, request: str, *, now: datetime) -> HistoryEntry:
    """Return the entry of a request whose Job was deleted before it ran."""
    return HistoryEntry(
        # Its Job's uid went with the Job.
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{channel.uid}/{request}")),
        trigger=Trigger.MANUAL,
        request=request,
        job=on_demand_job_name(channel.name, channel.uid, request=request),
        started_at=now,
        completed_at=now,
        result=RunResult.FAILED,
        reason="JobDeleted",
        message="The run's Job was deleted before it began: ask again, with another value.",
    )


def entry_for(job: Job, pods: Sequence[Pod]) -> HistoryEntry:
    """Return what is known about a finished run: its own words if there are any."""
    newest_first = sorted(pods, key=lambda pod: pod.created_at, reverse=True)
    return next(
        (entry for pod in newest_first if (entry := _own_words(job, pod)) is not None),
        _from_outside(job, newest_first),
    )


def with_entries(status: ChannelStatus, entries: Iterable[HistoryEntry], *, limit: int) -> ChannelStatus:
    """Return *status* with *entries* in its history, and without the active run if it is one of them."""
    history, last, active = status.history, status.last_run, status.active_run
    if not (entries := tuple(entries)):
        return status
    for entry in entries:
        history = upsert_history(history, entry, limit=limit)
        if last is None or last.completed_at <= entry.completed_at:
            last = entry
        if active is not None and active.id == entry.id:
            active = None
    return replace(status, history=history, last_run=last, active_run=active)


def _is_full(status: ChannelStatus, limit: int) -> bool:
    return len(status.history) >= limit


def _own_words(job: Job, pod: Pod) -> HistoryEntry | None:
    try:
        said = json.loads(pod.message or "")
        entry = HistoryEntry.parse(said) if isinstance(said, dict) else None
    except (ValueError, InvalidResource):
        return None
    return entry if entry is not None and entry.id == job.uid and _fits(entry) else None


def _fits(entry: HistoryEntry) -> bool:
    """Tell whether the definition lets the entry into a status: a pod may have written anything."""
    members = entry.to_dict()
    return all(
        len(value) <= _LONGEST.get(name, 64) if isinstance(value, str) else value < _TOO_MANY
        for name, value in members.items()
        if isinstance(value, str | int)
    )


def _from_outside(job: Job, pods: Sequence[Pod]) -> HistoryEntry:
    result, reason, message = _outcome(job, pods)
    finished_at = job.finished_at or job.created_at
    return HistoryEntry(
        id=job.uid,
        trigger=job.trigger,
        request=job.request,
        job=job.name,
        started_at=min(job.started_at or job.created_at, finished_at),
        completed_at=finished_at,
        result=result,
        reason=reason,
        message=message,
    )


def _outcome(job: Job, pods: Sequence[Pod]) -> tuple[RunResult, str, str]:
    if job.state is JobState.COMPLETE:
        return (
            RunResult.SUCCEEDED,
            "ReportMissing",
            "The run succeeded, but its report is lost: the binder has it (bannette history).",
        )
    reasons = [pod.reason for pod in pods if pod.reason]
    image = next((reason for reason in reasons if reason in _IMAGE_REASONS), None)
    idle = next((reason for reason in reasons if reason in _NEVER_STARTED), None)
    if image is not None:
        reason, message = image, "The collector's image can't be pulled: check BANNETTE_COLLECTOR_IMAGE of the operator"
    elif "OOMKilled" in reasons:
        reason, message = "OOMKilled", "The run took more memory than it may: raise spec.collector.resources.limits"
    elif idle is not None:
        reason, message = idle, "The run's pod never started: see its events (kubectl describe pod)"
    elif job.failure == "DeadlineExceeded":
        reason, message = "DeadlineExceeded", "The run was stopped after 6 hours; the next one continues where it was"
    elif any(pod.exit_code == 2 for pod in pods):
        reason, message = "PersonNeeded", "The run needs a person, and couldn't say why in the status: see its log"
    elif "Evicted" in reasons:
        reason, message = "Evicted", "The node evicted the run's pod: it lacked memory or disk"
    else:
        reason = job.failure or "Failed"
        message = f"The run failed without a report ({reason}): see its log"
    return RunResult.FAILED, reason, f"{message} (Job {job.name})."
