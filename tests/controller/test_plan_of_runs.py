"""What is planned for a channel's runs: their Jobs, their entries in the status, and who is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bannette.controller.actions import Create, Delete, PatchStatus
from bannette.controller.plan import Ended
from bannette.controller.runs import JobState, Pod
from bannette.resources import RunResult, Trigger, format_time
from tests.controller.planned import DAILY, FIRST, announced, condition, planned, settled, written
from tests.controller.scene import NOW, Body, channel, entry, job, observed, status_after


def test_a_request_that_waits_for_a_slot_says_so_and_asks_for_one() -> None:
    subject = channel(requested="A", status=status_after(FIRST))
    result = planned(observed(subject, jobs=(FIRST,), free_slots=0))
    assert condition(result, "Ready")["reason"] == "RunWaiting"
    assert "limit" in condition(result, "Ready")["message"]
    assert result.waits_for_slot
    assert result.look_again == timedelta(seconds=60)


def test_a_request_behind_a_first_collection_that_waits_is_seen_to_wait_too() -> None:
    result = planned(observed(channel(requested="A"), free_slots=0))
    ready = condition(result, "Ready")
    assert ready["reason"] == "RunWaiting"
    assert ready["message"].startswith("The first collection waits: ")
    assert ready["message"].endswith("The request of A comes after it.")


def test_a_request_is_acknowledged_after_its_job_is_made() -> None:
    subject = channel(requested="A", status=status_after(FIRST))
    result = planned(observed(subject, jobs=(FIRST,)))
    kinds = [type(action) for action in result.actions]
    assert kinds.index(Create) < kinds.index(PatchStatus)
    assert written(result)["lastHandledRequestedAt"] == "A"
    assert "RunRequested" in announced(result)


def test_jobs_that_are_superfluous_go_after_the_status_has_their_entries() -> None:
    older = job(Trigger.MANUAL, request="A", state=JobState.COMPLETE, minutes_ago=120)
    newer = job(Trigger.MANUAL, request="B", state=JobState.COMPLETE, minutes_ago=60)
    subject = channel(requested="B", status=status_after(FIRST, newer, handled="B"))
    result = planned(observed(subject, jobs=(FIRST, older, newer), ended=(Ended(older),)))
    kinds = [type(action) for action in result.actions]
    assert kinds.index(PatchStatus) < kinds.index(Delete)
    assert [action.name for action in result.actions if isinstance(action, Delete)] == [older.name]


def test_a_run_that_left_no_entry_gets_one_under_a_precondition_and_is_no_longer_active() -> None:
    active = {
        "id": DAILY.uid,
        "trigger": "Scheduled",
        "job": DAILY.name,
        "startedAt": "2026-11-24T00:00:00Z",
        "heartbeat": "2026-11-24T00:01:00Z",
    }
    failed = replace(DAILY, state=JobState.FAILED, failure="BackoffLimitExceeded")
    subject = settled(status=status_after(FIRST) | {"activeRun": active})
    pods = (Pod("p", NOW, None, 137, "OOMKilled"),)
    result = planned(
        observed(subject, jobs=(FIRST, failed), ended=(Ended(failed, pods),), announced=frozenset({FIRST.uid}))
    )
    [patch] = [action for action in result.actions if isinstance(action, PatchStatus)]
    assert patch.resource_version == "7"
    assert patch.status["activeRun"] is None
    last = cast("Body", patch.status["lastRun"])
    assert (last["id"], last["result"], last["reason"]) == (DAILY.uid, "Failed", "OOMKilled")
    assert [one["id"] for one in cast("list[Body]", patch.status["history"])] == [DAILY.uid, FIRST.uid]
    assert announced(result) == ["RunFailed"]


def test_a_run_whose_job_was_deleted_is_recorded_as_failed() -> None:
    active = {
        "id": "gone",
        "trigger": "Manual",
        "job": "acme-onedrive-manual-1",
        "startedAt": "2026-11-24T09:00:00Z",
        "heartbeat": "2026-11-24T09:10:00Z",
    }
    subject = settled(status=status_after(FIRST) | {"activeRun": active})
    result = planned(observed(subject, jobs=(FIRST,), vanished=True))
    assert written(result)["activeRun"] is None
    assert cast("Body", written(result)["lastRun"])["reason"] == "JobDeleted"


def test_a_run_is_announced_once_and_not_after_a_restart() -> None:
    subject = settled(status=status_after(FIRST))
    assert announced(planned(observed(subject, jobs=(FIRST,), announced=frozenset()))) == ["RunSucceeded"]
    assert announced(planned(observed(subject, jobs=(FIRST,), announced=frozenset({FIRST.uid})))) == []
    assert announced(planned(observed(subject, jobs=(FIRST,), announced=None))) == []


def test_a_run_that_ended_is_told_before_the_one_that_starts_after_it() -> None:
    subject = channel(requested="A", status=status_after(FIRST))
    result = planned(observed(subject, jobs=(FIRST,), announced=frozenset()))
    assert [one for one in announced(result) if one.startswith("Run")] == ["RunSucceeded", "RunRequested"]


def test_a_failure_is_announced_only_when_its_job_gives_up() -> None:
    trying = replace(DAILY, state=JobState.UNFINISHED, finished_at=None)
    failed = entry(DAILY, result=RunResult.FAILED).to_dict()
    before = status_after(FIRST)
    status = before | {"lastRun": failed, "history": [failed, *cast("list[object]", before["history"])]}
    subject = settled(status=status)
    seen = observed(subject, jobs=(FIRST, trying), announced=frozenset({FIRST.uid}))
    assert announced(planned(seen)) == []
    assert planned(seen).announced == {FIRST.uid}
    over = replace(seen, jobs=(FIRST, replace(DAILY, state=JobState.FAILED)))
    assert announced(planned(over)) == ["RunFailed"]
    assert planned(over).announced == {FIRST.uid, DAILY.uid}


def test_every_run_that_ended_meanwhile_is_told_and_counted_in_their_order() -> None:
    runs = [replace(DAILY, uid=f"run-{number}", name=f"run-{number}") for number in range(3)]
    newest_first = [entry(run).to_dict() for run in reversed(runs)]
    subject = settled(status=status_after(FIRST) | {"lastRun": newest_first[0], "history": newest_first})
    result = planned(observed(subject, jobs=(FIRST, *runs), announced=frozenset({"run-0"})))
    assert [one.id for one in result.ended_runs] == ["run-1", "run-2"]
    assert announced(result) == ["RunSucceeded", "RunSucceeded"]
    assert result.announced == {"run-0", "run-1", "run-2"}


def test_a_run_that_does_not_start_is_seen_before_its_deadline() -> None:
    at_work = job(Trigger.MANUAL, request="A")
    subject = settled(status=status_after(FIRST, handled="A"), requested="A")
    seen = observed(subject, jobs=(FIRST, at_work), obstacle="the collector's image can't be pulled (pod p)")
    result = planned(seen)
    ready = condition(result, "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "RunBlocked")
    assert "image" in ready["message"]
    assert announced(result) == ["RunBlocked"]
    assert result.look_again == timedelta(seconds=60)
    again = replace(seen, channel=channel(status=subject.status.to_dict() | written(result), requested="A"))
    assert planned(again).actions == ()


def test_a_failed_run_is_told_in_ready_until_one_succeeds() -> None:
    status = status_after(FIRST)
    failed = entry(FIRST, result=RunResult.FAILED, reason="FolderNotFound")
    status |= {"history": [failed.to_dict()], "lastRun": failed.to_dict()}
    result = planned(observed(channel(status=status), jobs=(FIRST,)))
    assert condition(result, "Ready")["message"] == (
        "The last run failed: Everything is in the binder. "
        "Tried again every day at 05:30 (Europe/Paris) and on request."
    )
    trying = replace(FIRST, state=JobState.UNFINISHED, finished_at=None)
    result = planned(observed(channel(status=status), jobs=(trying,)))
    assert condition(result, "Ready")["message"] == (
        "The last run failed: Everything is in the binder. It is being tried again."
    )
    result = planned(observed(channel(status=status_after(FIRST)), jobs=(FIRST,)))
    assert condition(result, "Ready")["message"] == "Collects every day at 05:30 (Europe/Paris)."


@pytest.mark.parametrize(("read", "outdated"), [(3, True), (4, False), (None, False)])
def test_what_a_run_said_of_an_earlier_spec_is_told_as_such(read: int | None, outdated: bool) -> None:
    failed = replace(entry(FIRST, result=RunResult.FAILED, reason="FolderNotFound"), generation=read).to_dict()
    subject = channel(status={"history": [failed], "lastRun": failed}, metadata={"generation": 4})
    message = str(condition(planned(observed(subject, jobs=(FIRST,))), "Ready")["message"])
    assert message.startswith("Changed since the last run, which failed. The next run, every day at 05:30") == outdated
    assert "Everything is in the binder." in message


@pytest.mark.parametrize(("minutes", "connected"), [(1, True), (-60, False)])
def test_a_sign_in_that_failed_and_was_found_good_since_is_told_as_such(minutes: int, connected: bool) -> None:
    failed = entry(FIRST, result=RunResult.FAILED, reason="ClientSecretInvalid")
    checked = format_time(failed.completed_at + timedelta(minutes=minutes))
    said = failed.to_dict()
    pages = {"verdict": {"checkedAt": checked, "holds": True}}
    subject = channel(status={"history": [said], "lastRun": said, "pages": pages})
    result = planned(observed(subject, jobs=(FIRST,)))
    assert (condition(result, "Connected")["status"] == "True") == connected
    message = str(condition(result, "Ready")["message"])
    told = "Connected since the last run, which failed. The next run, every day at 05:30"
    assert message.startswith(told) == connected
    assert "Everything is in the binder." in message
