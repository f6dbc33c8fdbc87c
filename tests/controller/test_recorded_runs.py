"""Each run is recorded and told once, whether or not it could say how it ended; tests play people and the kubelet."""

from __future__ import annotations

import pytest

from bannette.controller.names import CHANNEL, JOB
from tests.controller.cluster import Cluster, Json, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        ({"exit_code": 2, "reason": "Error"}, "PersonNeeded"),
        ({"exit_code": 2, "reason": "OOMKilled"}, "OOMKilled"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_run_that_says_nothing_is_recorded_from_its_job(
    tenant: Tenant, operator: Operator, ends: dict[str, object], reason: str
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    _report_begun(tenant, job)
    tenant.end_pod(tenant.wait_for_pod(job), **ends)  # type: ignore[arg-type]
    entry = tenant.wait_for_entry(job)
    assert (entry["result"], entry["reason"]) == ("Failed", reason)
    assert "activeRun" not in tenant.status()
    assert tenant.status()["lastRun"] == entry


def test_a_run_that_could_not_reach_the_status_is_recorded_in_its_own_words(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    said = tenant.run(job, report=False, collected=12)
    assert tenant.wait_for_entry(job).items() >= said.items()


def test_a_run_that_reported_is_not_recorded_again(cluster: Cluster, tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    said = tenant.run(tenant.wait_for_job("Initial"))
    tenant.change(historyLimit=9)
    eventually(lambda: tenant.status().get("observedGeneration") == 2, "the channel was looked at again")
    assert tenant.status()["history"] == [said]


def test_a_run_whose_job_was_deleted_is_recorded_and_no_longer_active(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    _report_begun(tenant, job)
    tenant.cluster.delete(JOB, tenant.namespace, job["metadata"]["name"])
    assert tenant.wait_for_entry(job)["reason"] == "JobDeleted"
    assert "activeRun" not in tenant.status()
    assert tenant.jobs() == []


def test_a_run_whose_job_was_deleted_and_made_anew_is_recorded(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    earlier = {**job, "metadata": {**job["metadata"], "uid": "11111111-2222-3333-4444-555555555555"}}
    _report_begun(tenant, earlier)
    assert tenant.wait_for_entry(earlier)["reason"] == "JobDeleted"
    tenant.run(job)
    assert [entry["id"] for entry in tenant.status()["history"]] == [
        job["metadata"]["uid"],
        earlier["metadata"]["uid"],
    ]


def test_a_request_whose_job_was_deleted_before_it_ran_is_recorded_once(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    tenant.request("A")
    job = tenant.wait_for_job("Manual")
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged")
    tenant.cluster.delete(JOB, tenant.namespace, job["metadata"]["name"])
    eventually(lambda: tenant.status()["lastRun"].get("request") == "A", "A is recorded")
    last = tenant.status()["lastRun"]
    assert (last["result"], last["reason"], last["job"]) == ("Failed", "JobDeleted", job["metadata"]["name"])
    tenant.request("B")
    tenant.run(tenant.wait_for_job("Manual", request="B"))
    entries = tenant.status()["history"]
    assert [entry.get("request") for entry in entries] == ["B", "A", None]


def test_people_are_told_once_what_happened(tenant: Tenant, operator: Operator) -> None:
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="False", reason="PrerequisitesMissing")
    tenant.add_prerequisites()
    tenant.run(tenant.wait_for_job("Initial"))
    wanted = {"PrerequisitesMissing", "PrerequisitesMet", "FirstRunStarted", "RunSucceeded"}

    def reasons() -> list[str]:
        items = tenant.cluster.request("GET", f"/apis/events.k8s.io/v1/namespaces/{tenant.namespace}/events")["items"]
        return [item["reason"] for item in items if item["regarding"]["kind"] == "CollectionChannel"]

    eventually(lambda: wanted <= set(reasons()), "all is told")
    assert reasons().count("FirstRunStarted") == reasons().count("RunSucceeded") == 1


def test_describe_tells_the_story_in_its_order(tenant: Tenant, operator: Operator) -> None:
    tenant.add_binder()
    tenant.add_credentials()
    tenant.add_claim()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="False", reason="PrerequisitesMissing")
    tenant.add_recipient()
    tenant.run(tenant.wait_for_job("Initial"))
    tenant.request("today")
    failed = {
        "result": "Failed",
        "reason": "FolderNotFound",
        "message": "There is no folder /Factures: make it.",
        "collected": 0,
    }
    # A person is needed: the Job doesn't try again.
    job = tenant.wait_for_job("Manual")
    said = tenant.entry(job, **failed)
    tenant.report({"history": [said, *tenant.status()["history"]], "lastRun": said})
    tenant.end_pod(tenant.wait_for_pod(job), exit_code=2, reason="Error")
    tenant.wait_until_finished(job)
    story = [
        ("Warning", "PrerequisitesMissing", 'Recipient "marie"'),
        ("Normal", "PrerequisitesMet", "exist."),
        ("Normal", "FirstRunStarted", "The first collection starts."),
        ("Normal", "RunSucceeded", "Initial run: 3 documents."),
        ("Normal", "RunRequested", "A run starts for the request of today."),
        ("Warning", "RunFailed", "Manual run, FolderNotFound: There is no folder /Factures: make it."),
    ]
    wanted = {reason for _, reason, _ in story}

    def told() -> list[tuple[str, str, str]] | None:
        described = tenant.cluster.server.kubectl("-n", tenant.namespace, "describe", "cch", "acme-onedrive")
        lines = [line.split(maxsplit=4) for line in described.partition("\nEvents:\n")[2].splitlines()[2:]]
        found = [(words[0], words[1], words[4]) for words in lines if words[1] in wanted]
        return found if {reason for _, reason, _ in found} == wanted else None

    for (kind, reason, message), expected in zip(eventually(told, "all is told"), story, strict=True):
        assert (kind, reason) == expected[:2]
        assert expected[2] in message


def _report_begun(tenant: Tenant, job: Json) -> None:
    """Say in the status what a run says when it begins."""
    active = {
        "id": job["metadata"]["uid"],
        "trigger": "Initial",
        "job": job["metadata"]["name"],
        "startedAt": "2026-11-24T10:00:00Z",
        "heartbeat": "2026-11-24T10:00:00Z",
    }
    tenant.cluster.patch(
        CHANNEL, tenant.namespace, "acme-onedrive", {"status": {"activeRun": active}}, subresource="status"
    )
