"""Doing an errand: its pod is made, waited for, read, and removed whatever happens."""

from __future__ import annotations

import secrets
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from bannette.cli.output import plain
from bannette.cli.plugin.errand import ERRAND_LABEL, Errand, errand_pod, leftovers, reply_of
from bannette.cli.plugin.kubectl import Json, Kubectl
from bannette.cli.plugin.reply import Reply
from bannette.controller.names import COLLECTOR_CONTAINER, cron_job_name
from bannette.controller.runs import parse_pod
from bannette.errors import BannetteError, PersonNeeded, Transient

RIGHTS: Final = (
    "it takes the rights to get CronJobs, to create, get, list, watch and delete pods, and to get pods/log, in the "
    "channel's namespace; the ClusterRole edit has them"
)
# What is in a pod's way often goes by itself: an image that comes at the second attempt, a node that is added.
_PATIENCE: Final = 30.0
_ENDED: Final = ("Succeeded", "Failed")
# What a container waits for while nothing is in its way.
_ON_ITS_WAY: Final = (None, "ContainerCreating", "PodInitializing")


def do(kubectl: Kubectl, channel: str, errand: Errand) -> Reply:
    """Return what a pod made as those of *channel* answers.

    Raises:
        PersonNeeded: Forbidden, NoCronJob, PodBlocked, PodFailed, ImageTooOld, ReplyIncomplete.
        Transient: TimedOut, ApiUnavailable.
    """
    try:
        cron_job = kubectl.find("cronjobs.batch", cron_job_name(channel))
        if cron_job is None:
            raise PersonNeeded(
                f'Channel "{channel}" has no CronJob yet: is the operator running? `kubectl collection doctor` tells.',
                reason="NoCronJob",
            )
        _remove_leftovers(kubectl)
        manifest = errand_pod(cron_job, errand, suffix=secrets.token_hex(3), now=datetime.now(UTC))
        with _ending_by_signals(), _made(kubectl, manifest) as name:
            pod = _ended(kubectl, name, seconds=errand.seconds)
            return reply_of(pod, _log(kubectl, name))
    except PersonNeeded as error:
        if error.reason == "Forbidden" and " cannot " in str(error):
            raise PersonNeeded(f"{error}; {RIGHTS}.", reason="Forbidden") from error
        raise


@contextmanager
def _made(kubectl: Kubectl, manifest: Json) -> Iterator[str]:
    name: str = manifest["metadata"]["name"]
    try:
        kubectl.created([manifest])
        yield name
    finally:
        # Perhaps it was made, though nothing said so.
        try:
            kubectl.text("delete", "pod", name, "--ignore-not-found", "--wait=false")
        except BannetteError as error:
            if not isinstance(sys.exception(), PersonNeeded):
                print(f"kubectl collection: pod {name} stays behind: {plain(str(error))}", file=sys.stderr)


@contextmanager
def _ending_by_signals() -> Iterator[None]:
    """Let what ends this process end the block, so that its pod is removed."""

    def end(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _remove_leftovers(kubectl: Kubectl) -> None:
    found = kubectl.json("get", "pods", "-l", ERRAND_LABEL)["items"]
    if names := leftovers(found, now=datetime.now(UTC)):
        kubectl.text("delete", "pod", *names, "--ignore-not-found", "--wait=false")


def _ended(kubectl: Kubectl, name: str, *, seconds: float) -> Json:
    """Return the pod *name* when it has ended.

    Raises: PersonNeeded: PodBlocked. Transient: TimedOut.
    """
    began = time.monotonic()
    pod: Json = {"metadata": {"name": name}}
    patience = min(_PATIENCE, seconds / 2)
    blocked: tuple[str | None, float] | None = None
    for body in kubectl.states(name, kind="pods", deadline=began + seconds):
        now = time.monotonic()
        if body is not None:
            pod = body
            if (pod.get("status") or {}).get("phase") in _ENDED:
                return pod
            reason = parse_pod(pod).reason
            blocked = None if reason in _ON_ITS_WAY else (reason, blocked[1] if blocked else now)
        if blocked is not None and now - blocked[1] > patience:
            raise PersonNeeded(
                f"The pod doesn't start ({blocked[0]}): {_why(pod) or _warning(kubectl, name)}", reason="PodBlocked"
            )
    phase = (pod.get("status") or {}).get("phase")
    raise Transient(_overdue(phase, seconds=seconds, warning=_warning(kubectl, name)), reason="TimedOut")


def _overdue(phase: str | None, *, seconds: float, warning: str) -> str:
    if phase == "Running":
        return f"The pod hasn't ended in {seconds:.0f} s: `--timeout` gives it longer. {warning}".strip()
    return f"The pod hasn't started in {seconds:.0f} s: {warning or 'is there a node with room for it?'}"


def _why(pod: Mapping[str, Any]) -> str:
    status = pod.get("status") or {}
    waiting = [((one.get("state") or {}).get("waiting") or {}) for one in status.get("containerStatuses") or ()]
    said = [one.get("message") for one in (*waiting, *(status.get("conditions") or ())) if one.get("message")]
    return str(said[0]) if said else ""


def _warning(kubectl: Kubectl, name: str) -> str:
    """Return the newest warning about the pod, as far as it can be read."""
    try:
        events = kubectl.json("get", "events", "--field-selector", f"involvedObject.name={name},type=Warning")["items"]
    except BannetteError:
        return ""
    return str(events[-1].get("message", "")) if events else ""


def _log(kubectl: Kubectl, name: str) -> str:
    try:
        return kubectl.text("logs", name, "-c", COLLECTOR_CONTAINER)
    except PersonNeeded as error:
        if error.reason == "Forbidden":
            raise
        # Of a container that never ran there is none.
        return ""
