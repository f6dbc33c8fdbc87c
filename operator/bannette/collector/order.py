"""What a run is asked to do: who started it, when, and under which name it reports."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bannette.errors import PersonNeeded
from bannette.resources import Trigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Minutes since 1970 stand in the names of a CronJob's Jobs; anything else after the last dash isn't one.
_LATEST_MINUTE = 2**31


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run.

    Attributes:
        id: uid of the Job, the same over all its pods.
        request: the request that a manual run answers.
        job: name of the Job.
        due_at: the scheduled minute; when the run started, for one that isn't scheduled.
    """

    id: str
    trigger: Trigger
    started_at: datetime
    due_at: datetime
    request: str | None = None
    job: str | None = None

    @property
    def automatic(self) -> bool:
        """Whether it counts as the day's automatic run."""
        return self.trigger is not Trigger.MANUAL


def order_by_hand(trigger: Trigger, *, now: datetime) -> Order:
    """Return the order of a run outside Kubernetes."""
    return Order(id=str(uuid.uuid4()), trigger=trigger, started_at=now, due_at=now)


def order_of_pod(environ: Mapping[str, str], *, now: datetime) -> Order:
    """Return the order that the controller gave this pod in its environment.

    Raises:
        PersonNeeded: the environment isn't one that the controller makes.
    """
    run, trigger = environ.get("BANNETTE_RUN_ID"), environ.get("BANNETTE_TRIGGER")
    if not run or trigger not in set(Trigger):
        raise PersonNeeded(
            "--in-cluster is for the pods that the operator makes (BANNETTE_RUN_ID and BANNETTE_TRIGGER are not set): "
            "annotate the channel with bannette.io/requestedAt to start a run, or use -f FILE.",
            reason="NotInCluster",
        )
    job = environ.get("BANNETTE_JOB_NAME") or None
    scheduled = Trigger(trigger) is Trigger.SCHEDULED
    return Order(
        id=run,
        trigger=Trigger(trigger),
        started_at=now,
        due_at=(scheduled_minute(job) if scheduled and job else None) or now,
        request=environ.get("BANNETTE_REQUEST") or None,
        job=job,
    )


def scheduled_minute(job: str) -> datetime | None:
    """Return the minute for which a CronJob made the Job of this name; None if the name doesn't end in one.

    Source: Kubernetes' CronJob controller, getJobName: ``<cronjob>-<minutes since the epoch>``.
    """
    minutes = job.rpartition("-")[2]
    if not (minutes.isascii() and minutes.isdecimal()) or int(minutes) > _LATEST_MINUTE:
        return None
    return _EPOCH + timedelta(minutes=int(minutes))
