"""Jobs and their pods as the controller sees them: who started a run, whether it ended, and how. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, cast

from bannette.controller.names import (
    CHANNEL,
    CHANNEL_LABEL,
    CHANNEL_UID_LABEL,
    COLLECTOR_CONTAINER,
    CRON_JOB,
    REQUEST_ANNOTATION,
    TRIGGER_LABEL,
    Key,
)
from bannette.resources import Trigger, parse_time

if TYPE_CHECKING:
    from bannette.controller.api import Manifest


class JobState(Enum):
    UNFINISHED = auto()
    COMPLETE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Job:
    """A run's Job.

    Attributes:
        channel_uid: of the channel that it was made for; another one than today's if the channel was made again.
        owners: uids of its owners, so far as they may be its channel or a CronJob: those that Kubernetes takes it away
            with. Another owner of that uid would be somebody's invention.
        finished_at: when it was found complete or failed; None while it isn't.
        failure: the reason of the Failed condition, one CamelCase word.
    """

    name: str
    namespace: str
    uid: str
    resource_version: str
    channel: str
    channel_uid: str
    owners: tuple[str, ...]
    trigger: Trigger
    request: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    state: JobState
    failure: str | None = None
    deleting: bool = False

    @property
    def key(self) -> Key:
        return Key(self.namespace, self.channel)

    @property
    def finished(self) -> bool:
        return self.state is not JobState.UNFINISHED

    @property
    def on_demand(self) -> bool:
        """Made by the operator: it counts against maxConcurrentRuns, and the CronJob knows nothing of it."""
        return self.channel_uid in self.owners


def parse_job(body: Mapping[str, Any]) -> Job:
    """Return the view of a Job that has our labels."""
    metadata, status = body["metadata"], body.get("status") or {}
    labels = metadata.get("labels") or {}
    conditions = {one["type"]: one for one in status.get("conditions") or () if one.get("status") == "True"}
    ended = conditions.get("Complete") or conditions.get("Failed")
    created_at = parse_time(metadata["creationTimestamp"])
    trigger = labels.get(TRIGGER_LABEL)
    return Job(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        resource_version=metadata.get("resourceVersion", "0"),
        channel=labels.get(CHANNEL_LABEL, ""),
        channel_uid=labels.get(CHANNEL_UID_LABEL, ""),
        owners=tuple(owner["uid"] for owner in metadata.get("ownerReferences") or () if _may_own(owner, labels)),
        trigger=Trigger(trigger) if trigger in set(Trigger) else Trigger.SCHEDULED,
        request=(metadata.get("annotations") or {}).get(REQUEST_ANNOTATION),
        created_at=created_at,
        started_at=_time(status.get("startTime")),
        finished_at=(_time(status.get("completionTime")) or _time(ended.get("lastTransitionTime")) or created_at)
        if ended
        else None,
        state=JobState.UNFINISHED
        if ended is None
        else JobState.COMPLETE
        if ended["type"] == "Complete"
        else JobState.FAILED,
        failure=ended.get("reason") if ended else None,
        deleting="deletionTimestamp" in metadata,
    )


def _may_own(owner: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    kind = (owner.get("apiVersion"), owner.get("kind"))
    of_channel = kind == (CHANNEL.api_version, CHANNEL.kind) and owner.get("name") == labels.get(CHANNEL_LABEL)
    return of_channel or kind == (CRON_JOB.api_version, CRON_JOB.kind)


@dataclass(frozen=True)
class Pod:
    """A run's pod, as far as it says why the run ended.

    Attributes:
        message: the termination message.
        exit_code: None if the collector never ran, or was never seen to end.
        reason: why it ended (OOMKilled, Evicted), or waits (ImagePullBackOff).
    """

    name: str
    created_at: datetime
    message: str | None
    exit_code: int | None
    reason: str | None


#: Why a pod waits that can't start, by the reason that Kubernetes gives.
CANNOT_START: Final = {
    "ImagePullBackOff": "the collector's image can't be pulled",
    "ErrImagePull": "the collector's image can't be pulled",
    "ErrImageNeverPull": "the collector's image isn't on the node, and may not be pulled",
    "InvalidImageName": "the collector's image has an impossible name",
    "CreateContainerConfigError": "a Secret or ConfigMap of the pod is missing",
    "CreateContainerError": "the container can't be created",
    "Unschedulable": "no node has room for it, or its volume",
}


def obstacle(job: str, pods: Iterable[Pod], *, namespace: str) -> str | None:
    """Return why the newest of a Job's pods doesn't start; None if nothing is known to be in its way.

    Args:
        job: its name. It is asked about when it should have a pod.
    """
    newest = max(pods, key=lambda pod: pod.created_at, default=None)
    if newest is None:
        # Its events say which; to read them would take the right to read everybody's.
        return (
            f"no pod can be made for it: a quota, a LimitRange or a policy of the namespace is in its way; "
            f"see `kubectl describe job {job} -n {namespace}`"
        )
    if newest.reason not in CANNOT_START:
        return None
    # Without the reason itself: it goes back and forth between two while an image can't be pulled.
    return (
        f"{CANNOT_START[newest.reason]} (pod {newest.name}). Its pod stays as it was made: if the collector's image or "
        f"the channel was wrong, mend it, then `kubectl delete job {job} -n {namespace}` and ask for a run"
    )


def parse_pod(body: Manifest) -> Pod:
    metadata = cast("dict[str, Any]", body["metadata"])
    status = cast("dict[str, Any]", body.get("status") or {})
    containers = {one.get("name"): one for one in status.get("containerStatuses") or ()}
    state = (containers.get(COLLECTOR_CONTAINER) or {}).get("state") or {}
    ended, waits = state.get("terminated") or {}, state.get("waiting") or {}
    return Pod(
        name=metadata["name"],
        created_at=_time(metadata.get("creationTimestamp")) or datetime.min.replace(tzinfo=UTC),
        message=ended.get("message"),
        exit_code=ended.get("exitCode"),
        reason=status.get("reason") or ended.get("reason") or waits.get("reason") or _unschedulable(status),
    )


def _unschedulable(status: Mapping[str, Any]) -> str | None:
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return str(condition.get("reason") or "Unschedulable")
    return None


def _time(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        # Whoever may write the status of a Job may write years that Python doesn't have: none ends the operator.
        return None
