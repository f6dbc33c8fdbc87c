from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bannette.controller.names import CHILD_KINDS, CRON_JOB, JOB, ROLE, SECRET, SERVICE_ACCOUNT
from bannette.controller.plan import (
    Announce,
    Apply,
    Confirm,
    Create,
    Delete,
    Ended,
    Observed,
    PatchStatus,
    Plan,
    Suspend,
    plan,
)
from bannette.controller.prerequisites import Missing, Prerequisites, Presence, no_binder, no_recipient
from bannette.controller.runs import JobState, Pod
from bannette.onedrive import sign_in_refusals
from bannette.resources import Channel, RunResult, Trigger
from tests.controller.scene import (
    DELEGATED,
    NOW,
    SETTINGS,
    Body,
    binder,
    channel,
    channel_body,
    entry,
    job,
    met,
    observed,
    recipient,
    signed_in,
    status_after,
)

FIRST = job(Trigger.INITIAL, state=JobState.COMPLETE, minutes_ago=900)
DAILY = job(Trigger.SCHEDULED, state=JobState.COMPLETE, minutes_ago=600)
# Whatever Microsoft's refusal of a sign-in makes of a run.
SIGN_IN_REASONS = {"ConnectionUnreadable", "NotConnected", "SignInFailed", "TokenRefused"} | {
    reason
    for table in (sign_in_refusals._LOST, sign_in_refusals._CONFIGURATION, sign_in_refusals._REGISTRATION)
    for reason, _ in table.values()
}


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


def test_a_new_channel_gets_its_children_its_first_run_and_a_status_in_this_order() -> None:
    result = planned(Observed(channel(), "7", dict.fromkeys(CHILD_KINDS), met()))
    steps = [
        action.kind.kind if isinstance(action, Apply | Create) else type(action).__name__ for action in result.actions
    ]
    assert steps == ["Confirm", "ServiceAccount", "Role", "RoleBinding", "Job", "CronJob", "PatchStatus", "Announce"]
    assert announced(result) == ["FirstRunStarted"]
    assert condition(result, "Ready")["status"] == "True"
    assert written(result)["observedGeneration"] == 1
    assert written(result)["schedule"] == {
        "cron": "30 5 * * *",
        "timeZone": "Europe/Paris",
        "nextRunTime": "2026-11-25T04:30:00Z",
    }


def test_a_settled_channel_costs_nothing() -> None:
    result = planned(observed(settled(status=status_after(FIRST)), jobs=(FIRST,)))
    assert result.actions == ()


def test_the_channel_is_looked_at_again_when_its_next_run_is_due() -> None:
    result = planned(observed(settled(status=status_after(FIRST)), jobs=(FIRST,)))
    assert result.look_again == timedelta(hours=18, minutes=30, seconds=1)


@pytest.mark.parametrize("kind", CHILD_KINDS, ids=lambda kind: kind.kind)
def test_a_child_that_was_deleted_is_made_again(kind: Any) -> None:
    seen = observed(settled(status=status_after(FIRST)), jobs=(FIRST,))
    result = planned(replace(seen, children={**seen.children, kind: None}))
    assert [action.kind for action in result.actions if isinstance(action, Apply)] == [kind]
    # Nobody is asked whether the channel is still there: the garbage collector would take the child with it.
    assert not any(isinstance(action, Confirm) for action in result.actions)


def test_a_role_that_was_widened_is_repaired() -> None:
    seen = observed(settled(status=status_after(FIRST)), jobs=(FIRST,))
    role = cast("dict[str, Any]", seen.children[ROLE])
    wider = role | {"rules": [*role["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    result = planned(replace(seen, children={**seen.children, ROLE: wider}))
    assert [action.kind for action in result.actions if isinstance(action, Apply)] == [ROLE]


def test_a_changed_schedule_changes_the_cron_job_and_the_next_run() -> None:
    seen = observed(settled(status=status_after(FIRST)), jobs=(FIRST,))
    later = channel(status=seen.channel.status.to_dict(), schedule={"time": "06:15", "timeZone": "Europe/Paris"})
    result = planned(replace(seen, channel=later))
    assert [action.kind for action in result.actions if isinstance(action, Apply)] == [CRON_JOB]
    assert written(result)["schedule"] == {
        "cron": "15 6 * * *",
        "timeZone": "Europe/Paris",
        "nextRunTime": "2026-11-25T05:15:00Z",
    }


@pytest.mark.parametrize("suspended", [True, False])
def test_a_channel_that_is_being_deleted_starts_nothing_more(suspended: bool) -> None:
    leaving = channel(metadata={"deletionTimestamp": "2026-11-24T09:00:00Z"}, requested="A")
    own = {"metadata": {"name": "acme-onedrive-collect", "uid": "c"}, "spec": {"suspend": suspended}}
    children = {**dict.fromkeys(CHILD_KINDS), CRON_JOB: own}
    suspended_now = () if suspended else (Suspend("acme-onedrive-collect", "c"),)
    assert planned(Observed(leaving, "7", children, met())) == Plan(suspended_now)


def test_a_channel_that_is_being_deleted_and_has_no_children_is_left_alone() -> None:
    leaving = channel(metadata={"deletionTimestamp": "2026-11-24T09:00:00Z"}, requested="A")
    assert planned(Observed(leaving, "7", dict.fromkeys(CHILD_KINDS), met())) == Plan()


def test_missing_prerequisites_are_named_one_by_one_and_suspend_the_cron_job() -> None:
    subject = channel(requested="A")
    missing = (
        no_recipient(subject),
        no_binder(subject),
        Missing("CredentialsMissing", 'Secret "acme-app" is missing.'),
    )
    result = planned(Observed(subject, "7", dict.fromkeys(CHILD_KINDS), Prerequisites(missing=missing)))
    said = condition(result, "PrerequisitesMet")
    assert (said["status"], said["reason"]) == ("False", "SeveralMissing")
    for word in ("marie", "purchases", "acme-app"):
        assert word in said["message"]
    ready = condition(result, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "PrerequisitesMissing")
    assert "The request of A is held" in ready["message"]
    [cron_job] = [one.manifest for one in result.actions if isinstance(one, Apply) and one.kind == CRON_JOB]
    assert cast("dict[str, Any]", cron_job["spec"])["suspend"] is True
    assert "nextRunTime" not in cast("Body", written(result)["schedule"])
    assert announced(result) == ["PrerequisitesMissing"]
    assert result.look_again == timedelta(seconds=2)


def test_prerequisites_that_stay_away_are_looked_for_less_and_less_often() -> None:
    subject = channel()
    missing = Prerequisites(recipient(), None, missing=(no_binder(subject),))
    first = planned(observed(subject, prerequisites=missing))
    waiting = channel(status=written(first))
    for minutes, seconds in ((1, 30), (3, 90), (600, 120)):
        result = plan(observed(waiting, prerequisites=missing), SETTINGS, now=NOW + timedelta(minutes=minutes))
        assert result.look_again == timedelta(seconds=seconds)
        assert result.actions == ()


def test_prerequisites_that_appear_start_the_first_run_at_once() -> None:
    subject = channel()
    missing = Prerequisites(recipient(), None, missing=(no_binder(subject),))
    first = planned(observed(subject, prerequisites=missing))
    seen = observed(channel(status=written(first)), prerequisites=missing)
    result = planned(replace(seen, prerequisites=met()))
    assert [action.kind for action in result.actions if isinstance(action, Apply | Create)] == [JOB, CRON_JOB]
    assert announced(result) == ["PrerequisitesMet", "FirstRunStarted"]


def test_a_suspended_channel_is_ready_and_says_that_it_holds_a_request() -> None:
    result = planned(observed(channel(suspend=True, requested="A", status=status_after(FIRST)), jobs=(FIRST,)))
    ready = condition(result, "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "Suspended")
    assert "The request of A is held" in ready["message"]
    assert "lastHandledRequestedAt" not in written(result)


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


def test_a_delegated_account_that_nobody_signed_in_to_is_ready_but_runs_nothing() -> None:
    subject = channel(account=DELEGATED, requested="A")
    result = planned(Observed(subject, "7", dict.fromkeys(CHILD_KINDS), met()))
    assert (condition(result, "Ready")["status"], condition(result, "Ready")["reason"]) == ("True", "NotConnected")
    assert condition(result, "Connected")["status"] == "False"
    assert "`bannette connect -f FILE --manifest SECRET.yaml`" in condition(result, "Connected")["message"]
    assert condition(result, "Ready")["message"].startswith("No run starts before an account is connected: compta@")
    assert [action.kind for action in result.actions if isinstance(action, Create)] == [SECRET]
    assert written(result)["connection"] == {"account": "compta@acme.example"}


def test_the_first_collection_follows_the_sign_in() -> None:
    subject = channel(account=DELEGATED)
    waiting = channel(account=DELEGATED, status=written(planned(observed(subject))))
    result = planned(observed(waiting, prerequisites=met(token=signed_in())))
    assert [action.kind for action in result.actions if isinstance(action, Create)] == [JOB]
    assert condition(result, "Connected")["status"] == "True"
    assert announced(result) == ["Connected", "FirstRunStarted"]


@pytest.mark.parametrize(
    "token",
    [
        None,
        Presence(),
        Presence(frozenset({"token-cache"}), {"bannette.io/account": "compta@acme.example"}),
        Presence(frozenset(), signed_in().annotations),
        signed_in(connection=""),
        signed_in("somebody.else@acme.example"),
    ],
    ids=["no Secret", "empty", "tokens of no sign-in", "no tokens", "no id of the sign-in", "another account"],
)
def test_what_is_no_sign_in_of_the_channels_client_holds_it(token: Presence | None) -> None:
    result = planned(observed(channel(account=DELEGATED), prerequisites=met(token=token)))
    assert condition(result, "Connected")["reason"] == "NotSignedIn"
    assert not [action for action in result.actions if isinstance(action, Create) and action.kind == JOB]
    assert "nextRunTime" not in written(result)["schedule"]


def test_a_client_may_spell_the_address_in_other_case() -> None:
    result = planned(observed(channel(account=DELEGATED), prerequisites=met(token=signed_in("Compta@ACME.example"))))
    assert condition(result, "Connected")["status"] == "True"
    assert written(result)["connection"]["account"] == "Compta@ACME.example"


@pytest.mark.behaviour(7)
@pytest.mark.parametrize("reason", sorted(SIGN_IN_REASONS))
def test_a_connection_that_was_lost_shows_with_its_reason_until_the_client_signs_in_again(reason: str) -> None:
    last = entry(DAILY, result=RunResult.FAILED, reason=reason).to_dict()
    status = {"lastRun": last, "history": [last]}
    lost = observed(channel(account=DELEGATED, status=status), jobs=(DAILY,), prerequisites=met(token=signed_in()))
    connected = condition(planned(lost), "Connected")
    assert (connected["status"], connected["reason"], connected["message"]) == ("False", reason, last["message"])
    # The client may sign in again at any moment, and no watch tells.
    assert planned(lost).look_again == timedelta(seconds=5)
    again = Presence(
        frozenset({"token-cache"}), {**signed_in().annotations, "bannette.io/connected-at": "2036-01-01T00:00:00Z"}
    )
    renewed = observed(channel(account=DELEGATED, status=status), jobs=(DAILY,), prerequisites=met(token=again))
    assert condition(planned(renewed), "Connected")["status"] == "True"


def test_a_sign_in_that_failed_disconnects_the_channel_but_is_tried_again() -> None:
    subject = settled(status=status_after(FIRST))
    failed = entry(DAILY, result=RunResult.FAILED, reason="SignInFailed").to_dict()
    status = subject.status.to_dict() | {"lastRun": failed, "history": [failed]}
    result = planned(observed(channel(status=status), jobs=(FIRST, DAILY)))
    assert condition(result, "Connected")["status"] == "False"
    assert condition(result, "Connected")["reason"] == "SignInFailed"
    assert condition(result, "Ready")["status"] == "True"
    assert condition(result, "Ready")["message"].startswith("Tried every day at 05:30 (Europe/Paris) and on request: ")
    assert not any(isinstance(action, Apply) for action in result.actions)


def test_a_foreign_object_stalls_the_channel_and_is_not_touched() -> None:
    seen = Observed(channel(), "7", dict.fromkeys(CHILD_KINDS), met(), foreign=('Role "acme-onedrive-collector"',))
    result = planned(seen)
    assert {type(action) for action in result.actions} == {PatchStatus, Announce}
    assert condition(result, "Stalled")["status"] == "True"
    assert condition(result, "Ready")["status"] == "False"
    assert 'Role "acme-onedrive-collector"' in condition(result, "Stalled")["message"]


def test_a_foreign_object_that_goes_takes_stalled_with_it() -> None:
    seen = Observed(channel(), "7", dict.fromkeys(CHILD_KINDS), met(), foreign=('Role "x"',))
    result = planned(observed(channel(status=written(planned(seen)))))
    assert condition(result, "Stalled") == {}
    assert condition(result, "Ready")["status"] == "True"


def test_children_of_an_earlier_channel_are_waited_for() -> None:
    seen = Observed(channel(), "7", dict.fromkeys(CHILD_KINDS), met(), leftovers=('CronJob "x"',))
    result = planned(seen)
    assert {type(action) for action in result.actions} == {PatchStatus}
    assert condition(result, "Reconciling")["reason"] == "Replacing"
    assert result.look_again == timedelta(seconds=2)


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


def test_the_service_account_comes_before_the_job_that_needs_it() -> None:
    result = planned(Observed(channel(), "7", dict.fromkeys(CHILD_KINDS), met()))
    kinds = [action.kind for action in result.actions if isinstance(action, Apply | Create)]
    assert kinds.index(SERVICE_ACCOUNT) < kinds.index(JOB)


def test_a_missing_binder_leaves_no_stale_volume_in_the_cron_job() -> None:
    subject = channel()
    result = planned(
        replace(
            observed(subject, prerequisites=Prerequisites(recipient(), binder())),
            prerequisites=Prerequisites(recipient(), None, missing=(no_binder(subject),)),
        )
    )
    [cron_job] = [one.manifest for one in result.actions if isinstance(one, Apply)]
    assert "claimName" not in str(cron_job)


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
