"""What becomes of a binder's inbox: whether the Job that serves it is made, replaced or left. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

from bannette.controller.api import Manifest
from bannette.controller.inbox_job import PORT, is_ours
from bannette.controller.runs import CANNOT_START, Pod
from bannette.resources import INBOX_OPENED, INBOX_READER, InboxState, InboxStatus

_SOON: Final = timedelta(seconds=1)
_LATER: Final = timedelta(seconds=10)
# So long an end may go unseen; whoever finds nobody there asks again at once.
_OPEN: Final = timedelta(seconds=30)
_TIME_TO_START: Final = timedelta(seconds=15)
_TIME_TO_MOUNT: Final = timedelta(seconds=60)
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_LONGEST_REQUEST: Final = 64


@dataclass(frozen=True)
class Wish:
    """What the Binder's annotations ask for: an inbox for whoever has the token with this hash, opened at that time."""

    reader: str
    opened: str


@dataclass(frozen=True)
class ReaderPod:
    """The pod that serves an inbox; *address* once it listens."""

    address: str
    pod: Pod


@dataclass(frozen=True)
class Seen:
    """What is.

    Attributes:
        job: the Job of the inbox's name, whosesoever it is.
        pods: those of that Job.
        lacking: why the storage can't be mounted; empty: nothing is known to be missing.
        slot: whether another inbox may be open.
        outdated: the Job has another image than one that is made now.
    """

    uid: str
    wish: Wish | None
    status: InboxStatus | None
    job: Manifest | None
    pods: tuple[ReaderPod, ...] = ()
    lacking: str = ""
    slot: bool = True
    outdated: bool = False


@dataclass(frozen=True)
class Decision:
    """What is to be done: delete the Job, make one, say *status*; and when to look again, if nothing wakes us."""

    status: InboxStatus | None
    create: bool = False
    delete: bool = False
    look_again: timedelta | None = None


def wish_of(body: Mapping[str, object]) -> Wish | None:
    """Return what a Binder's annotations ask for; None if that is nothing, or nothing that a console writes."""
    metadata = cast("dict[str, Any]", body["metadata"])
    annotations = metadata.get("annotations") or {}
    reader, opened = annotations.get(INBOX_READER, ""), annotations.get(INBOX_OPENED, "")
    if "deletionTimestamp" in metadata or not _DIGEST.fullmatch(reader) or not 0 < len(opened) <= _LONGEST_REQUEST:
        return None
    return Wish(reader, opened)


def decide(seen: Seen, *, now: datetime) -> Decision:
    """Return what becomes of an inbox."""
    job, wish = seen.job, seen.wish
    ours = job is not None and is_ours(job, seen.uid)
    if wish is None:
        return Decision(None, delete=ours)
    if job is not None and not ours:
        return Decision(_blocked(seen, wish, f"{_foreign(job)}: delete or rename it."), look_again=_LATER)
    if job is None:
        return _without_job(seen, wish)
    annotations = _metadata(job).get("annotations") or {}
    fits = annotations.get(INBOX_READER) == wish.reader
    answered = fits and annotations.get(INBOX_OPENED) == wish.opened
    if "deletionTimestamp" in _metadata(job) or _has_ended(job):
        if answered:
            closed = InboxStatus(InboxState.CLOSED, wish.opened, wish.reader, message=_why(job, seen.pods))
            return Decision(closed)
        return Decision(_opening(seen), delete=True, look_again=_SOON)
    if not fits:
        return Decision(_opening(seen), delete=True, look_again=_SOON)
    return _with_job(seen, wish, job, now=now)


def _without_job(seen: Seen, wish: Wish) -> Decision:
    status = seen.status
    if status is not None and _is_answered(seen, wish):
        message = status.message if status.state is InboxState.CLOSED else ""
        return Decision(InboxStatus(InboxState.CLOSED, wish.opened, wish.reader, message=message))
    if seen.lacking:
        return Decision(_blocked(seen, wish, seen.lacking), look_again=_LATER)
    if not seen.slot:
        message = "As many inboxes are open as may be at once: it is opened when another one closes."
        waiting = InboxStatus(InboxState.WAITING, _answered(seen), message=message)
        return Decision(waiting, look_again=_LATER)
    return Decision(InboxStatus(InboxState.OPENING, wish.opened, wish.reader), create=True, look_again=_SOON)


def _with_job(seen: Seen, wish: Wish, job: Manifest, *, now: datetime) -> Decision:
    newest = max(seen.pods, key=lambda one: one.pod.created_at, default=None)
    if newest is not None and newest.address:
        return Decision(InboxStatus(InboxState.OPEN, wish.opened, wish.reader, newest.address), look_again=_OPEN)
    if seen.outdated:
        return Decision(_opening(seen), delete=True, look_again=_SOON)
    age = now - datetime.fromisoformat(_metadata(job)["creationTimestamp"])
    name, namespace = _metadata(job)["name"], _metadata(job)["namespace"]
    if age > _TIME_TO_START and newest is None:
        message = (
            "No pod can be made for it: a quota, a LimitRange or a policy of the namespace is in its way; see "
            f"`kubectl describe job {name} -n {namespace}`."
        )
        return Decision(_blocked(seen, wish, message), look_again=_LATER)
    if age > _TIME_TO_START and newest is not None and newest.pod.reason in CANNOT_START:
        message = f"It doesn't start: {CANNOT_START[newest.pod.reason]} (pod {newest.pod.name})."
        return Decision(_blocked(seen, wish, message), look_again=_LATER)
    if age > _TIME_TO_MOUNT and newest is not None:
        message = (
            f"Pod {newest.pod.name} doesn't start. A volume that one node at a time may mount may be in use on another "
            f"one; `kubectl describe pod {newest.pod.name} -n {namespace}` says more."
        )
        return Decision(_blocked(seen, wish, message), look_again=_LATER)
    opened = (_metadata(job).get("annotations") or {}).get(INBOX_OPENED, "")
    return Decision(InboxStatus(InboxState.OPENING, opened, wish.reader), look_again=_SOON)


def _is_answered(seen: Seen, wish: Wish) -> bool:
    status = seen.status
    return status is not None and (status.opened, status.reader) == (wish.opened, wish.reader)


def _answered(seen: Seen) -> str:
    return seen.status.opened if seen.status is not None else ""


def _opening(seen: Seen) -> InboxStatus:
    # Without a reader it is the answer to no wish yet.
    return InboxStatus(InboxState.OPENING, _answered(seen))


def _blocked(seen: Seen, wish: Wish, message: str) -> InboxStatus:
    return InboxStatus(InboxState.BLOCKED, _answered(seen), wish.reader, message=message)


def _foreign(job: Manifest) -> str:
    return f'Not this Binder\'s, and in the way of its inbox: Job "{_metadata(job)["name"]}"'


def _has_ended(job: Manifest) -> bool:
    status = cast("dict[str, Any]", job.get("status") or {})
    return any(
        one.get("type") in ("Complete", "Failed") and one.get("status") == "True"
        for one in status.get("conditions") or ()
    )


def _why(job: Manifest, pods: tuple[ReaderPod, ...]) -> str:
    """Return why an inbox closed, if that isn't as it should be."""
    status = cast("dict[str, Any]", job.get("status") or {})
    failed = [one for one in status.get("conditions") or () if one.get("type") == "Failed"]
    if not failed or failed[0].get("reason") == "DeadlineExceeded":
        return ""
    newest = max((one.pod for one in pods), key=lambda pod: pod.created_at, default=None)
    said = ((newest.message if newest else None) or "").strip().splitlines()
    if said:
        return said[-1].removeprefix("bannette: ")
    reason = (newest.reason if newest else None) or failed[0].get("reason")
    return f"What served it ended by itself ({reason}): open it again."


def address_of(ip: str) -> str:
    return f"[{ip}]:{PORT}" if ":" in ip else f"{ip}:{PORT}"


def _metadata(body: Manifest) -> dict[str, Any]:
    return cast("dict[str, Any]", body["metadata"])
