"""What is planned for a channel, and what of it the tests look at."""

from __future__ import annotations

from typing import Any, cast

from bannette.controller.actions import Announce, PatchStatus
from bannette.controller.plan import Observed, Plan, plan
from bannette.controller.runs import JobState
from bannette.resources import Channel, Trigger
from tests.controller.scene import NOW, SETTINGS, Body, channel_body, job, observed

FIRST = job(Trigger.INITIAL, state=JobState.COMPLETE, minutes_ago=900)
DAILY = job(Trigger.SCHEDULED, state=JobState.COMPLETE, minutes_ago=600)


def planned(seen: Observed) -> Plan:
    return plan(seen, SETTINGS, now=NOW)


def written(result: Plan) -> Body:
    [patch] = [action for action in result.actions if isinstance(action, PatchStatus)]
    return patch.status


def condition(result: Plan, kind: str) -> dict[str, Any]:
    found = cast("list[dict[str, Any]]", written(result)["conditions"])
    return next((one for one in found if one["type"] == kind), {})


def announced(result: Plan) -> list[str]:
    return [action.announcement.reason for action in result.actions if isinstance(action, Announce)]


def settled(**members: object) -> Channel:
    """Return a channel whose status says what the plan would write."""
    body = channel_body(**members)  # type: ignore[arg-type]
    first = planned(observed(Channel.parse(body), jobs=(FIRST,)))
    merged = cast("Body", body["status"]) | written(first)
    return Channel.parse(body | {"status": merged})
