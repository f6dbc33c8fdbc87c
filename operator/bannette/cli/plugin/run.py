"""``kubectl collection run``: asks for a run, and follows it to its end."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import Final

from bannette.cli.output import plain, print_data
from bannette.cli.plugin.following import hopeless, overdue, overtaken
from bannette.cli.plugin.kubectl import CHANNELS, Json, Kubectl
from bannette.cli.plugin.live import Live
from bannette.cli.plugin.told import Told
from bannette.errors import ExitCode, PersonNeeded, Transient
from bannette.resources import REQUESTED_AT, HistoryEntry, RunResult
from bannette.resources.progress import Progress, Stage, progress_of

# Between two looks at the Job of a run that says nothing.
_LOOK_SECONDS: Final = 5.0


def run(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    name = arguments.name
    kubectl.text("get", CHANNELS, name, "-o", "name")
    if not arguments.yes and not confirmed(f"Collect {kubectl.namespace()}/{name} now?"):
        print("Nothing was asked for.", file=sys.stderr)
        return 0
    request = datetime.now(UTC).isoformat()
    kubectl.text("annotate", CHANNELS, name, f"{REQUESTED_AT}={request}", "--overwrite")
    entry = _follow(kubectl, name, request, wait=arguments.wait, seconds=arguments.timeout)
    if entry is None:
        return 0
    if arguments.output == "text":
        print(f"{entry.result.value}: {plain(entry.message)}")
    else:
        print_data(entry.to_dict(), arguments.output)
    return ExitCode.TRANSIENT if entry.result is RunResult.FAILED else ExitCode.DONE


def confirmed(question: str) -> bool:
    """Ask at the terminal. Raises: PersonNeeded: NotConfirmed."""
    if not sys.stdin.isatty():
        raise PersonNeeded(
            "There is no terminal to confirm at: give --yes to ask for it all the same.", reason="NotConfirmed"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _follow(kubectl: Kubectl, name: str, request: str, *, wait: bool, seconds: float) -> HistoryEntry | None:
    """Return how the run of *request* ended; None if it began and isn't waited for.

    Raises: PersonNeeded: Held, RunBlocked. Transient: NotAcknowledged, Overtaken, TimedOut, JobDeleted.
    """
    began = looked = unblocked = time.monotonic()
    progress = Progress(Stage.ASKED)
    with Live() as live:
        for body in kubectl.states(name, deadline=began + seconds):
            if body is not None:
                progress = progress_of(body, request)
                live.show(progress)
                found = (body["metadata"].get("annotations") or {}).get(REQUESTED_AT)
                if progress.stage is Stage.ASKED and (later := overtaken(found, request)) is not None:
                    raise later
            has_begun = progress.stage in (Stage.STARTED, Stage.BLOCKED)
            if has_begun and progress.active is None and time.monotonic() - looked > _LOOK_SECONDS:
                progress = _unless_deleted(kubectl, name, request, progress)
                looked = time.monotonic()
            if progress.stage is Stage.HELD:
                raise Told(f"The request is held: {progress.message}", reason="Held")
            if has_begun and not wait:
                print("The run has started.")
                return None
            entry = progress.entry
            if entry is not None and (entry.result is not RunResult.FAILED or _is_final(kubectl, entry)):
                return entry
            now = time.monotonic()
            unblocked = unblocked if progress.stage is Stage.BLOCKED else now
            error = hopeless(progress, asked=now - began, blocked=now - unblocked)
            if error is not None:
                raise error
    raise overdue(progress, seconds=seconds)


def _unless_deleted(kubectl: Kubectl, name: str, request: str, progress: Progress) -> Progress:
    """Return *progress*, or a later one, of a run whose Job should be there.

    Raises: Transient: JobDeleted.
    """
    try:
        if kubectl.find("jobs.batch", progress.job) is not None:
            return progress
        # The watch may be behind.
        latest = progress_of(kubectl.json("get", CHANNELS, name), request)
    except Transient:
        # How long the cluster may be away is the watch's matter.
        return progress
    except PersonNeeded as error:
        # Whoever may not look at Jobs waits for the operator's word.
        if error.reason != "Forbidden":
            raise
        return progress
    if latest.entry is None and latest.active is None:
        raise Transient("The run's Job was deleted before it ended: ask for another run.", reason="JobDeleted")
    return latest


def _is_final(kubectl: Kubectl, entry: HistoryEntry) -> bool:
    """Whether the Job of a run that failed has given up: until then it tries again, and the entry is replaced."""
    if entry.job is None:
        return True
    try:
        job: Json = kubectl.json("get", "jobs.batch", entry.job)
    except Transient:
        return False
    except PersonNeeded as error:
        # Whoever may not look at Jobs takes the entry's word.
        if error.reason in ("NotFound", "Forbidden"):
            return True
        raise
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)
