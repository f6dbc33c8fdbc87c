"""Channels, Jobs and what surrounds them, for decisions that need no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bannette.controller.actions import Apply
from bannette.controller.names import CHILD_KINDS, Kind, cron_job_name, on_demand_job_name
from bannette.controller.plan import Observed, plan
from bannette.controller.prerequisites import Prerequisites, Presence
from bannette.controller.runs import Job, JobState
from bannette.controller.settings import Settings
from bannette.resources import Binder, Channel, HistoryEntry, Recipient, RunResult, Trigger, format_time

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
UID = "6a1f7f0e-98c5-4e1a-9f0b-0d7a4a1c2b3d"
SETTINGS = Settings(collector_image="registry.example/bannette-collector:1.0")

Body = dict[str, object]

APPLICATION: Body = {
    "application": {
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "user": "compta@acme.example",
        "clientId": "bannette-collector",
        "credentialsSecret": {"name": "acme-app"},
    }
}
DELEGATED: Body = {"delegated": {"loginHint": "compta@acme.example"}}


def channel_body(
    *,
    account: Body = APPLICATION,
    requested: str | None = None,
    status: Body | None = None,
    metadata: Body | None = None,
    **spec: object,
) -> Body:
    annotations = {} if requested is None else {"bannette.io/requestedAt": requested}
    return {
        "apiVersion": "bannette.io/v1alpha1",
        "kind": "CollectionChannel",
        "metadata": {
            "name": "acme-onedrive",
            "namespace": "acme",
            "uid": UID,
            "generation": 1,
            "resourceVersion": "7",
            "annotations": annotations,
            **(metadata or {}),
        },
        "spec": {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
            "onedrive": {"folder": "/Factures", "account": account},
            **spec,
        },
        "status": status or {},
    }


def channel(**members: object) -> Channel:
    return Channel.parse(channel_body(**members))  # type: ignore[arg-type]


def binder(storage: Body | None = None, *, events: Body | None = None) -> Binder:
    return Binder.parse(
        {
            "metadata": {"name": "purchases", "namespace": "acme", "uid": "b"},
            "spec": {
                "company": "Acme",
                "storage": storage or {"persistentVolumeClaim": {"claimName": "binders", "subPath": "purchases"}},
                **({} if events is None else {"events": events}),
            },
        }
    )


def recipient() -> Recipient:
    return Recipient.parse(
        {
            "metadata": {"name": "marie", "namespace": "acme"},
            "spec": {"displayName": "Marie", "email": "marie@acme.example"},
        }
    )


def met(*, token: Presence | None = None) -> Prerequisites:
    return Prerequisites(recipient(), binder(), token)


def signed_in(account: str = "compta@acme.example", *, connection: str = "first") -> Presence:
    annotations = {"bannette.io/account": account, "bannette.io/connection-id": connection}
    return Presence(frozenset({"token-cache"}), annotations)


def job(
    trigger: Trigger,
    *,
    request: str | None = None,
    state: JobState = JobState.UNFINISHED,
    minutes_ago: int = 30,
    failure: str | None = None,
    uid: str | None = None,
) -> Job:
    on_demand = trigger is not Trigger.SCHEDULED
    created = NOW - timedelta(minutes=minutes_ago)
    name = (
        on_demand_job_name("acme-onedrive", UID, request=request)
        if on_demand
        else f"{cron_job_name('acme-onedrive')}-{29_000_000 - minutes_ago}"
    )
    return Job(
        name=name,
        namespace="acme",
        uid=uid or f"uid of {name}",
        resource_version="1",
        channel="acme-onedrive",
        channel_uid=UID,
        owners=(UID,) if on_demand else ("uid of the CronJob",),
        trigger=trigger,
        request=request,
        created_at=created,
        started_at=created,
        finished_at=None if state is JobState.UNFINISHED else created + timedelta(minutes=5),
        state=state,
        failure=failure,
    )


def entry(of: Job, *, result: RunResult = RunResult.SUCCEEDED, reason: str = "Collected") -> HistoryEntry:
    return HistoryEntry(
        id=of.uid,
        trigger=of.trigger,
        request=of.request,
        job=of.name,
        started_at=of.created_at,
        completed_at=(of.finished_at or NOW) - timedelta(seconds=5),
        result=result,
        reason=reason,
        message="Everything is in the binder.",
        collected=3,
    )


def status_after(*jobs: Job, handled: str | None = None) -> Body:
    """Return the run's part of the status when these runs, the newest last, have reported."""
    entries = [entry(one).to_dict() for one in reversed(jobs)]
    status: Body = {"history": entries}
    if entries:
        status |= {"lastRun": entries[0], "checkpoint": {"revision": 1, "committedAt": format_time(NOW)}}
    return status if handled is None else status | {"lastHandledRequestedAt": handled}


def settled_children(of: Channel, prerequisites: Prerequisites, *, settings: Settings = SETTINGS) -> dict[Kind, object]:
    """Return the children as they are when all has been applied, each with its kind as uid."""
    bare = Observed(of, "7", dict.fromkeys(CHILD_KINDS), prerequisites, free_slots=0)
    applied = [action for action in plan(bare, settings, now=NOW).actions if isinstance(action, Apply)]
    return {
        one.kind: one.manifest | {"metadata": {**one.manifest["metadata"], "uid": one.kind.kind}} for one in applied
    }  # type: ignore[dict-item]


def observed(of: Channel, *, prerequisites: Prerequisites | None = None, **members: object) -> Observed:
    """Return what is observed when the children are as they should be."""
    prerequisites = prerequisites or met()
    children: Mapping[Kind, object] = settled_children(of, prerequisites)
    return Observed(
        **{  # type: ignore[arg-type]
            "channel": of,
            "resource_version": "7",
            "children": children,
            "prerequisites": prerequisites,
            **members,
        }
    )
