"""What becomes of an inbox, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bannette.controller.inbox_job import inbox_job_name
from bannette.controller.inbox_plan import ReaderPod, Seen, Wish, decide, wish_of
from bannette.controller.runs import Pod
from bannette.resources import INBOX_OPENED, INBOX_READER, InboxState, InboxStatus

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OURS, THEIRS = "a" * 64, "b" * 64
WISH = Wish(OURS, "2")


def job(
    *, reader: str = OURS, opened: str = "2", age: int = 1, ended: str = "", owner: str = "uid", **more: Any
) -> Any:
    reason = {"Failed": "BackoffLimitExceeded"}.get(ended)
    return {
        "metadata": {
            "name": "purchases-inbox",
            "namespace": "acme",
            "uid": "j",
            "creationTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
            "labels": {"app.kubernetes.io/managed-by": "bannette"},
            "annotations": {INBOX_READER: reader, INBOX_OPENED: opened},
            "ownerReferences": [{"kind": "Binder", "uid": owner}],
            **more,
        },
        "status": {"conditions": [{"type": ended, "status": "True", "reason": reason}] if ended else []},
    }


def pod(address: str = "", *, reason: str | None = None, message: str | None = None) -> ReaderPod:
    return ReaderPod(address, Pod("purchases-inbox-x", NOW, message, None, reason))


@dataclass
class Case:
    name: str
    seen: dict[str, Any]
    state: str | None
    do: str = ""
    message: str = ""
    opened: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


def status(state: str, opened: str = "2", reader: str = OURS, **more: Any) -> InboxStatus:
    return InboxStatus(InboxState(state), opened, reader, **more)


CASES = [
    Case("nothing is asked for, and nothing is there", {"wish": None}, None),
    Case("nothing is asked for any more", {"wish": None, "job": job(), "status": status("Open")}, None, "delete"),
    Case("another's Job stays when nothing is asked for", {"wish": None, "job": job(owner="x")}, None),
    Case("it is asked for the first time", {}, "Opening", "create", opened="2"),
    Case("it is asked for again after it closed", {"status": status("Closed", "1")}, "Opening", "create", opened="2"),
    Case("it closed, and nobody asked again", {"status": status("Closed")}, "Closed"),
    Case("its Job is gone while it was open", {"status": status("Open", address="10.0.0.1:8377")}, "Closed"),
    Case("why it closed stays said", {"status": status("Closed", message="Why.")}, "Closed", message="Why."),
    Case("for another token", {"status": status("Closed", reader=THEIRS)}, "Opening", "create"),
    Case("as many are open as may be", {"slot": False}, "Waiting", message="as may be at once"),
    Case("its claim is missing", {"lacking": "No claim."}, "Blocked", message="No claim."),
    Case("a Job of that name is somebody else's", {"job": job(owner="x")}, "Blocked", message="Not this Binder's"),
    Case("a Job without our label", {"job": job(labels={})}, "Blocked", message="Not this Binder's"),
    Case("its pod isn't there yet", {"job": job()}, "Opening", opened="2"),
    Case("its pod is there", {"job": job(), "pods": (pod(),)}, "Opening"),
    Case("its pod listens", {"job": job(), "pods": (pod("10.0.0.1:8377"),)}, "Open", opened="2"),
    Case(
        "it is open, and asked for again", {"job": job(opened="1"), "pods": (pod("10.0.0.1:8377"),)}, "Open", opened="2"
    ),
    Case("no pod can be made", {"job": job(age=16)}, "Blocked", message="a quota"),
    Case("no image", {"job": job(age=16), "pods": (pod(reason="ImagePullBackOff"),)}, "Blocked", message="image"),
    Case("no room", {"job": job(age=16), "pods": (pod(reason="Unschedulable"),)}, "Blocked", message="no node"),
    Case("it takes a while", {"job": job(age=16), "pods": (pod(reason="ContainerCreating"),)}, "Opening"),
    Case("its volume doesn't come", {"job": job(age=61), "pods": (pod(),)}, "Blocked", message="one node at a time"),
    Case("the image was mended meanwhile", {"job": job(age=9), "outdated": True}, "Opening", "delete"),
    Case("an older image that works", {"job": job(), "outdated": True, "pods": (pod("10.0.0.1:8377"),)}, "Open"),
    Case("its token was changed", {"job": job(reader=THEIRS), "pods": (pod("10.0.0.1:8377"),)}, "Opening", "delete"),
    Case("nobody used it any more", {"job": job(ended="Complete")}, "Closed"),
    Case("it was used for a whole day", {"job": job(ended="Complete"), "status": status("Open")}, "Closed"),
    Case("it closed, and was asked for again", {"job": job(opened="1", ended="Complete")}, "Opening", "delete"),
    Case(
        "it failed with a sentence",
        {"job": job(ended="Failed"), "pods": (pod(message="x\nbannette: The volume is away.\n"),)},
        "Closed",
        message="The volume is away.",
    ),
    Case(
        "it was killed",
        {"job": job(ended="Failed"), "pods": (pod(reason="OOMKilled"),)},
        "Closed",
        message="(OOMKilled)",
    ),
    Case("somebody deletes it", {"job": job(deletionTimestamp="x"), "status": status("Open")}, "Closed"),
    Case("it goes, and was asked for again", {"job": job(opened="1", deletionTimestamp="x")}, "Opening", "delete"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_inbox(case: Case) -> None:
    members: dict[str, Any] = {"wish": WISH, "status": None, "job": None, **case.seen}
    decision = decide(Seen("uid", **members), now=NOW)
    assert (decision.status.state.value if decision.status else None) == case.state
    assert ("create" if decision.create else "delete" if decision.delete else "") == case.do
    if decision.status is not None:
        assert case.message in decision.status.message
        assert bool(decision.status.message) == bool(case.message)
        assert bool(decision.status.address) == (case.state == "Open")
        if case.opened is not None:
            assert decision.status.opened == case.opened
        # What isn't settled is looked at again by itself.
        assert (decision.look_again is None) == (case.state == "Closed")


def test_a_request_stays_open_until_a_job_was_made_for_it() -> None:
    for first in (
        Seen("uid", WISH, None, None, slot=False),
        Seen("uid", WISH, status("Closed", "1"), None, lacking="No claim."),
        Seen("uid", WISH, status("Open", reader=THEIRS), job(reader=THEIRS)),
        Seen("uid", WISH, status("Opening"), job(), outdated=True),
    ):
        said = decide(first, now=NOW).status
        then = decide(Seen("uid", WISH, said, None), now=NOW)
        assert then.create, first


@pytest.mark.parametrize(
    ("annotations", "more"),
    [
        ({}, {}),
        ({INBOX_READER: OURS}, {}),
        ({INBOX_OPENED: "2"}, {}),
        ({INBOX_READER: "A" * 64, INBOX_OPENED: "2"}, {}),
        ({INBOX_READER: OURS + "0", INBOX_OPENED: "2"}, {}),
        ({INBOX_READER: OURS, INBOX_OPENED: "2" * 65}, {}),
        ({INBOX_READER: OURS, INBOX_OPENED: "2"}, {"deletionTimestamp": "x"}),
    ],
)
def test_what_no_console_writes_asks_for_nothing(annotations: Any, more: Any) -> None:
    assert wish_of({"metadata": {"annotations": annotations, **more}}) is None
    assert wish_of({"metadata": {"annotations": {INBOX_READER: OURS, INBOX_OPENED: "2"}}}) == WISH


@pytest.mark.parametrize("binder", ["a", "purchases.2026", "x" * 57, "x" * 58, "y" * 253, "x" * 47 + "." + "y" * 60])
def test_names_of_jobs_are_short_and_different(binder: str) -> None:
    name = inbox_job_name(binder)
    assert len(name) <= 63
    assert name.endswith("-inbox")
    assert ".-" not in name
    assert inbox_job_name(f"{binder}1") != name
