"""Which channels need a person, and how far the run of a request is, by what their status says."""

from __future__ import annotations

from typing import Any

import pytest

from bannette.cli.plugin.following import hopeless, overdue
from bannette.cli.plugin.status import summary
from bannette.controller.names import on_demand_job_name
from bannette.resources.needs import need_of
from bannette.resources.progress import Progress, Stage, progress_of

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
    return {"metadata": {"namespace": "acme", "name": "a", "uid": "1"}, "status": {"conditions": said, **status}}


READY = ("Ready", "True", "Scheduled", "Collects every day.")
BLOCKED = ("Ready", "True", "RunBlocked", "A run doesn't start: no image.")
BEHIND = ("Ready", "True", "RunBlocked", "A run doesn't start: no image. The request of now waits behind it.")
ACTIVE = {
    "id": "1",
    "trigger": "Manual",
    "job": on_demand_job_name("a", "1", request="now"),
    "startedAt": SINCE,
    "heartbeat": SINCE,
}
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


def test_a_channel_that_was_changed_since_its_run_failed_needs_a_run() -> None:
    body = channel(READY, lastRun=FAILED | {"generation": 3})
    body["metadata"]["generation"] = 3
    assert (need_of(body) or pytest.fail("no need")).message == "The last run failed: No folder."
    body["metadata"]["generation"] = 4
    said = "The channel was changed since its last run, which failed: ask for a run. It said: No folder."
    assert (need_of(body) or pytest.fail("no need")).message == said


@pytest.mark.parametrize(
    ("reason", "connected", "told"),
    [
        (
            "ClientSecretInvalid",
            "True",
            "The account was connected since its last run, which failed: ask for a run. It",
        ),
        ("ClientSecretInvalid", "Unknown", "The last run failed"),
        ("FolderNotFound", "True", "The last run failed"),
    ],
)
def test_a_channel_that_was_connected_since_its_run_failed_needs_a_run(reason: str, connected: str, told: str) -> None:
    connection = ("Connected", connected, "CredentialsPresent", "Checked.")
    found = need_of(channel(READY, connection, lastRun=FAILED | {"reason": reason})) or pytest.fail("no need")
    assert found.message.startswith(told)
    assert found.outdated == ("since" in told)


@pytest.mark.parametrize(
    ("body", "stage"),
    [
        (channel(READY), Stage.ASKED),
        (channel(("Ready", "True", "Suspended", "Suspended. The request of now is held until then.")), Stage.HELD),
        (channel(("Ready", "True", "RunWaiting", "The request of now waits: a run goes on.")), Stage.WAITING),
        (channel(BEHIND), Stage.HELD),
        (channel(BLOCKED), Stage.ASKED),
        (channel(READY, lastHandledRequestedAt="now"), Stage.STARTED),
        (channel(BLOCKED, lastHandledRequestedAt="now"), Stage.BLOCKED),
        (channel(BLOCKED, lastHandledRequestedAt="now", activeRun=ACTIVE | {"job": "a-collect-1"}), Stage.BLOCKED),
        (channel(BLOCKED, lastHandledRequestedAt="now", activeRun=ACTIVE), Stage.STARTED),
        (channel(READY, lastHandledRequestedAt="now", history=[FAILED]), Stage.ENDED),
        (channel(READY, lastHandledRequestedAt="now", lastRun=FAILED), Stage.ENDED),
        (channel(READY, lastHandledRequestedAt="before", history=[FAILED | {"request": "before"}]), Stage.ASKED),
    ],
)
def test_a_request_is_somewhere(body: dict[str, Any], stage: Stage) -> None:
    assert progress_of(body, "now").stage is stage


def test_the_run_of_another_job_is_not_shown_as_that_of_the_request() -> None:
    of_another = ACTIVE | {"job": "a-collect-1"}
    assert progress_of(channel(READY, lastHandledRequestedAt="now", activeRun=of_another), "now").active is None
    assert progress_of(channel(READY, lastHandledRequestedAt="now", activeRun=ACTIVE), "now").active is not None


@pytest.mark.parametrize(
    ("stage", "reason", "said"),
    [
        (Stage.ASKED, "NotAcknowledged", "hasn't acknowledged the request in 3 s"),
        (Stage.WAITING, "TimedOut", "hasn't started in 3 s; it still waits. As it says."),
        (Stage.BLOCKED, "RunBlocked", "hasn't started in 3 s. As it says."),
        (Stage.STARTED, "TimedOut", "hasn't ended in 3 s; it goes on."),
    ],
)
def test_what_takes_too_long_is_said_to_be_where_it_is(stage: Stage, reason: str, said: str) -> None:
    error = overdue(Progress(stage, "As it says."), seconds=3)
    assert (error.reason, said in str(error)) == (reason, True), str(error)


@pytest.mark.parametrize(
    ("stage", "asked", "blocked", "reason"),
    [
        (Stage.ASKED, 60, 0, None),
        (Stage.ASKED, 61, 0, "NotAcknowledged"),
        (Stage.WAITING, 20_000, 0, None),
        (Stage.STARTED, 20_000, 0, None),
        (Stage.BLOCKED, 20_000, 300, None),
        (Stage.BLOCKED, 400, 301, "RunBlocked"),
    ],
)
def test_what_may_yet_come_is_waited_for(stage: Stage, asked: float, blocked: float, reason: str | None) -> None:
    error = hopeless(Progress(stage, "As it says."), asked=asked, blocked=blocked)
    assert (error and error.reason) == reason


@pytest.mark.parametrize(
    ("needs", "of", "sentence"),
    [
        (0, 1, "The channel needs no person."),
        (1, 1, "The channel needs a person."),
        (0, 3, "None of 3 channels needs a person."),
        (1, 3, "1 of 3 channels needs a person."),
        (2, 3, "2 of 3 channels need a person."),
    ],
)
def test_how_many_need_a_person_is_a_sentence(needs: int, of: int, sentence: str) -> None:
    assert summary(needs, of=of) == sentence
