"""Which channels need a person, and how far the run of a request is, by what their status says."""

from __future__ import annotations

from typing import Any

import pytest

from bannette.cli.plugin.following import Stage, progress_of
from bannette.cli.plugin.needs import need_of

SINCE = "2026-11-24T05:30:00Z"
FAILED = {
    "id": "1",
    "trigger": "Manual",
    "request": "now",
    "startedAt": SINCE,
    "completedAt": SINCE,
    "result": "Failed",
    "reason": "FolderNotFound",
    "message": "No folder.",
}


def channel(*conditions: tuple[str, str, str, str], **status: object) -> dict[str, Any]:
    said = [
        {"type": kind, "status": state, "reason": reason, "message": message, "lastTransitionTime": SINCE}
        for kind, state, reason, message in conditions
    ]
    return {"metadata": {"namespace": "acme", "name": "a"}, "status": {"conditions": said, **status}}


READY = ("Ready", "True", "Scheduled", "Collects every day.")
UNMET = ("PrerequisitesMet", "False", "BinderMissing", "No binder.")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (channel(READY), None),
        (channel(), None),
        (channel(("Ready", "False", "PrerequisitesMissing", "No run."), UNMET), "BinderMissing"),
        (channel(READY, ("Connected", "False", "NotSignedIn", "Sign in.")), "NotSignedIn"),
        (channel(("Ready", "False", "ForeignObject", "x"), ("Stalled", "True", "ForeignObject", "x")), "ForeignObject"),
        (channel(("Ready", "True", "RunBlocked", "No image.")), "RunBlocked"),
        (channel(READY, lastRun=FAILED), "FolderNotFound"),
        (channel(READY, lastRun=FAILED | {"result": "Succeeded"}), None),
        (channel(("Ready", "True", "Suspended", "Suspended.")), None),
    ],
)
def test_a_channel_says_what_it_needs_a_person_for(body: dict[str, Any], reason: str | None) -> None:
    found = need_of(body)
    assert (found.reason if found else None) == reason


@pytest.mark.parametrize(
    ("body", "stage"),
    [
        (channel(READY), Stage.ASKED),
        (channel(("Ready", "True", "Suspended", "Suspended. The request of now is held until then.")), Stage.HELD),
        (channel(("Ready", "True", "RunWaiting", "The request of now waits: a run goes on.")), Stage.WAITING),
        (channel(READY, lastHandledRequestedAt="now"), Stage.STARTED),
        (channel(READY, lastHandledRequestedAt="now", history=[FAILED]), Stage.ENDED),
        (channel(READY, lastHandledRequestedAt="now", lastRun=FAILED), Stage.ENDED),
        (channel(READY, lastHandledRequestedAt="before", history=[FAILED | {"request": "before"}]), Stage.ASKED),
    ],
)
def test_a_request_is_somewhere(body: dict[str, Any], stage: Stage) -> None:
    assert progress_of(body, "now").stage is stage
