from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bannette.controller.history import entry_for, unrecorded, with_entries
from bannette.controller.runs import JobState, Pod, obstacle, parse_job, parse_pod
from bannette.resources import ChannelStatus, RunResult, Trigger
from tests.controller.scene import NOW, entry, job, status_after

DONE = job(Trigger.SCHEDULED, state=JobState.COMPLETE)
FAILED = job(Trigger.SCHEDULED, state=JobState.FAILED, minutes_ago=31, failure="BackoffLimitExceeded")


def pod(*, message: str | None = None, exit_code: int | None = None, reason: str | None = None, age: int = 5) -> Pod:
    return Pod("p", NOW - timedelta(minutes=age), message, exit_code, reason)


def test_a_run_is_recorded_in_its_own_words() -> None:
    said = json.dumps(entry(DONE).to_dict())
    assert entry_for(DONE, [pod(message=said)]) == entry(DONE)


def test_the_last_pods_words_count() -> None:
    first = entry(DONE, result=RunResult.FAILED, reason="ServiceUnavailable")
    pods = [pod(message=json.dumps(first.to_dict()), age=20), pod(message=json.dumps(entry(DONE).to_dict()), age=2)]
    assert entry_for(DONE, pods).result is RunResult.SUCCEEDED


@pytest.mark.parametrize("message", [None, "", "Killed", "[]", "{}", json.dumps(entry(FAILED).to_dict())])
def test_words_that_are_not_this_runs_are_not_believed(message: str | None) -> None:
    assert entry_for(DONE, [pod(message=message)]).reason == "ReportMissing"


@pytest.mark.parametrize(
    ("failure", "pods", "reason"),
    [
        ("BackoffLimitExceeded", [pod(exit_code=137, reason="OOMKilled")], "OOMKilled"),
        ("DeadlineExceeded", [], "DeadlineExceeded"),
        ("DeadlineExceeded", [pod(reason="ImagePullBackOff")], "ImagePullBackOff"),
        ("DeadlineExceeded", [pod(reason="Unschedulable")], "Unschedulable"),
        ("DeadlineExceeded", [pod(reason="CreateContainerConfigError")], "CreateContainerConfigError"),
        ("PodFailurePolicy", [pod(exit_code=2, reason="Error")], "PersonNeeded"),
        ("BackoffLimitExceeded", [pod(reason="Evicted")], "Evicted"),
        ("BackoffLimitExceeded", [pod(exit_code=3, reason="Error")], "BackoffLimitExceeded"),
        (None, [], "Failed"),
    ],
)
def test_without_words_the_job_and_its_pods_say_why(failure: str | None, pods: list[Pod], reason: str) -> None:
    found = entry_for(replace(FAILED, failure=failure), pods)
    assert (found.result, found.reason) == (RunResult.FAILED, reason)
    assert FAILED.name in found.message
    assert (found.id, found.trigger, found.job) == (FAILED.uid, Trigger.SCHEDULED, FAILED.name)
    assert found.started_at <= found.completed_at


def test_unfinished_and_recorded_runs_lack_nothing() -> None:
    at_work = job(Trigger.MANUAL, request="A")
    assert unrecorded([at_work, DONE], ChannelStatus.parse(status_after(DONE)), limit=10) == ()


def test_a_wiped_status_gets_back_what_the_jobs_still_know() -> None:
    first = job(Trigger.INITIAL, state=JobState.COMPLETE, minutes_ago=900)
    missing = unrecorded([DONE, first], ChannelStatus(), limit=10)
    assert missing == (first, DONE)
    status = with_entries(ChannelStatus(), [entry(one) for one in missing], limit=10)
    assert [one.id for one in status.history] == [DONE.uid, first.uid]
    assert status.last_run is not None
    assert status.last_run.id == DONE.uid


def test_a_run_that_a_full_history_has_forgotten_lacks_nothing() -> None:
    first = job(Trigger.INITIAL, state=JobState.COMPLETE, minutes_ago=9000)
    runs = [job(Trigger.SCHEDULED, state=JobState.COMPLETE, minutes_ago=minutes) for minutes in (600, 500, 400)]
    status = ChannelStatus.parse(status_after(*runs))
    assert unrecorded([first, *runs], status, limit=3) == ()
    assert unrecorded([first, *runs], status, limit=4) == (first,)


def test_a_late_entry_does_not_displace_a_later_run() -> None:
    status = with_entries(
        ChannelStatus.parse(status_after(DONE)),
        [entry(job(Trigger.MANUAL, request="A", state=JobState.FAILED, minutes_ago=900))],
        limit=10,
    )
    assert status.last_run is not None
    assert status.last_run.id == DONE.uid


def test_a_job_is_read_from_what_the_api_says() -> None:
    body = {
        "metadata": {
            "name": "acme-onedrive-manual-1",
            "namespace": "acme",
            "uid": "j",
            "resourceVersion": "5",
            "creationTimestamp": "2026-11-24T09:00:00Z",
            "labels": {
                "bannette.io/channel": "acme-onedrive",
                "bannette.io/channel-uid": "c",
                "bannette.io/trigger": "Manual",
            },
            "annotations": {"bannette.io/request": "A"},
            "ownerReferences": [
                {"apiVersion": "bannette.io/v1alpha1", "kind": "CollectionChannel", "name": "acme-onedrive", "uid": "c"}
            ],
        },
        "status": {
            "startTime": "2026-11-24T09:00:01Z",
            "conditions": [
                {"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"},
                {
                    "type": "Failed",
                    "status": "True",
                    "reason": "DeadlineExceeded",
                    "lastTransitionTime": "2026-11-24T15:00:01Z",
                },
            ],
        },
    }
    found = parse_job(body)
    assert (found.trigger, found.request, found.on_demand) == (Trigger.MANUAL, "A", True)
    assert (found.state, found.failure) == (JobState.FAILED, "DeadlineExceeded")
    assert found.finished_at is not None
    assert found.finished_at.hour == 15


@pytest.mark.parametrize("moment", ["0000-01-01T00:00:00Z", "10000-01-01T00:59:59Z"])
def test_a_job_with_times_that_python_does_not_have_is_read_all_the_same(moment: str) -> None:
    """The API server takes 9999-12-31T23:59:59-01:00, and has it in UTC from then on."""
    body = {
        "metadata": {"name": "a", "namespace": "b", "uid": "c", "creationTimestamp": "2026-11-24T09:00:00Z"},
        "status": {
            "startTime": moment,
            "completionTime": moment,
            "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": moment}],
        },
    }
    found = parse_job(body)
    assert (found.state, found.started_at, found.finished_at) == (JobState.COMPLETE, None, found.created_at)


def test_a_job_whose_failure_is_only_decided_is_unfinished() -> None:
    body = {
        "metadata": {"name": "a", "namespace": "b", "uid": "c", "creationTimestamp": "2026-11-24T09:00:00Z"},
        "status": {"conditions": [{"type": "FailureTarget", "status": "True", "reason": "DeadlineExceeded"}]},
    }
    assert parse_job(body).state is JobState.UNFINISHED


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImagePull"])
def test_an_image_that_cannot_be_pulled_is_one_obstacle(reason: str) -> None:
    said = obstacle("acme-collect-1", [pod(reason="Evicted", age=9), pod(reason=reason)], namespace="acme")
    assert said is not None
    assert said.startswith("the collector's image can't be pulled (pod p)")
    assert "`kubectl delete job acme-collect-1 -n acme`" in said


def test_a_job_without_a_pod_is_explained() -> None:
    said = obstacle("acme-collect-1", [], namespace="acme")
    assert said is not None
    assert "`kubectl describe job acme-collect-1 -n acme`" in said


@pytest.mark.parametrize("pods", [[pod()], [pod(reason="ContainerCreating")], [pod(reason="OOMKilled")]])
def test_a_pod_that_may_start_has_no_obstacle(pods: list[Pod]) -> None:
    assert obstacle("job", pods, namespace="acme") is None


def test_a_pod_is_read_from_what_the_api_says() -> None:
    body: dict[str, object] = {
        "metadata": {"name": "p", "creationTimestamp": "2026-11-24T09:00:00Z"},
        "status": {
            "containerStatuses": [
                {"name": "sidecar", "state": {"running": {}}},
                {
                    "name": "collector",
                    "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "x"}},
                },
            ]
        },
    }
    found = parse_pod(body)
    assert (found.exit_code, found.reason, found.message) == (137, "OOMKilled", "x")
