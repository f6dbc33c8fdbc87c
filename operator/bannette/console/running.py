"""Asking for a run, and watching it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bannette.console.channels import opened
from bannette.console.faults import Fault, Stopped
from bannette.console.histories import took
from bannette.console.visits import Reply, Visit, is_late, new_request, query_after, request_in
from bannette.resources import REQUESTED_AT
from bannette.resources.channel import MAX_REQUEST_LENGTH
from bannette.resources.progress import Stage, progress_of

# A form that is sent again so long after its run has ended is meant for another one: by a browser's way back.
_REPEATED: Final = timedelta(minutes=2)
# It would only take the place of somebody else's request of meanwhile.
_ACKNOWLEDGED: Final = (Stage.STARTED, Stage.BLOCKED, Stage.ENDED)


def confirm(visit: Visit) -> Reply:
    """Ask whether the channel is really to be collected now."""
    channel = opened(visit)
    if not channel.may_run:
        raise Stopped(Fault.FORBIDDEN)
    facts: dict[str, object] = {"zone": channel.channel.schedule.time_zone, "request": new_request(visit)}
    return Reply("run_confirm", channel.facts | facts)


def ask(visit: Visit) -> Reply:
    """Ask for the run."""
    channel = opened(visit)
    request = request_in(visit)
    progress = progress_of(channel.body, request)
    if progress.entry is not None and progress.entry.completed_at < visit.office.now() - _REPEATED:
        request = new_request(visit)
        progress = progress_of(channel.body, request)
    if progress.stage not in _ACKNOWLEDGED:
        visit.cluster.annotate(channel.channel.namespace, channel.channel.name, REQUESTED_AT, request)
    return Reply(location=f"{channel.path}/run/progress?{query_after(visit, request=request)}")


def watch(visit: Visit) -> Reply:
    """Show how far the run of a request is."""
    channel = opened(visit)
    request = visit.query.get("request", "")
    if not 0 < len(request) <= MAX_REQUEST_LENGTH or not request.isprintable():
        raise Stopped(Fault.REQUEST)
    progress = progress_of(channel.body, request)
    # A later request takes the place of one that the operator hasn't acknowledged.
    replaced = progress.stage is not Stage.ENDED and request not in (
        channel.channel.requested_at,
        channel.channel.status.last_handled_requested_at,
    )
    facts: dict[str, object] = {
        "progress": progress,
        "stage": progress.stage.name.lower(),
        "replaced": replaced,
        "late": progress.stage is Stage.ASKED and is_late(visit),
        "refreshes": not replaced and progress.stage is not Stage.ENDED,
        "zone": channel.channel.schedule.time_zone,
        "took": took(progress.entry) if progress.entry else "",
    }
    return Reply("run_progress", channel.facts | facts)


PAGES: Final = (
    ("GET", "/channels/{namespace}/{name}/run", confirm),
    ("POST", "/channels/{namespace}/{name}/run", ask),
    ("GET", "/channels/{namespace}/{name}/run/progress", watch),
)
