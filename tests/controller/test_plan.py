"""What is planned for a channel: its children, its prerequisites, and what its status says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bannette.controller.actions import Announce, Apply, Confirm, Create, PatchStatus, Suspend
from bannette.controller.names import CHILD_KINDS, CRON_JOB, JOB, ROLE, SERVICE_ACCOUNT
from bannette.controller.plan import Observed, Plan, plan
from bannette.controller.prerequisites import Missing, Prerequisites, no_binder, no_recipient
from tests.controller.planned import FIRST, announced, condition, planned, settled, written
from tests.controller.scene import NOW, SETTINGS, Body, binder, channel, met, observed, recipient, status_after


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
    assert [(one.kind, one.uid) for one in result.actions if isinstance(one, Apply)] == [(kind, None)]
    # Nobody is asked whether the channel is still there: the garbage collector would take the child with it.
    assert not any(isinstance(action, Confirm) for action in result.actions)


def test_a_role_that_was_widened_is_repaired() -> None:
    seen = observed(settled(status=status_after(FIRST)), jobs=(FIRST,))
    role = cast("dict[str, Any]", seen.children[ROLE])
    wider = role | {"rules": [*role["rules"], {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}
    result = planned(replace(seen, children={**seen.children, ROLE: wider}))
    # That very one: another may have its name by now.
    assert [(one.kind, one.uid) for one in result.actions if isinstance(one, Apply)] == [(ROLE, "Role")]


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
    result = planned(Observed(leaving, "7", children, met()))
    suspends = [one for one in result.actions if not isinstance(one, PatchStatus)]
    assert suspends == ([] if suspended else [Suspend("acme-onedrive-collect", "c")])
    assert (condition(result, "Ready")["status"], condition(result, "Ready")["reason"]) == ("False", "Deleting")


def test_a_channel_that_is_being_deleted_and_says_so_is_left_alone() -> None:
    gone = {"deletionTimestamp": "2026-11-24T09:00:00Z"}
    children = dict.fromkeys(CHILD_KINDS)
    first = planned(Observed(channel(metadata=gone, requested="A"), "7", children, met()))
    leaving = channel(metadata=gone, requested="A", status=written(first))
    assert planned(Observed(leaving, "7", children, met())) == Plan()


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
