"""One request is one run, whatever is repeated, lost or killed; the tests play people and the kubelet."""

from __future__ import annotations

import pytest

from bannette.controller.names import CHANNEL, SERVICE_ACCOUNT, child_name
from tests.controller.cluster import eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def test_one_request_is_one_run_however_often_it_is_made(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    for _ in range(20):
        tenant.request("2026-11-24T10:00:00+01:00")
    job = tenant.wait_for_job("Manual")
    eventually(lambda: tenant.status().get("lastHandledRequestedAt"), "the request is acknowledged")
    tenant.run(job)
    for _ in range(20):
        tenant.request("2026-11-24T10:00:00+01:00")
    tenant.change(historyLimit=9)
    eventually(lambda: tenant.status().get("observedGeneration") == 2, "the channel was looked at again")
    assert len(tenant.jobs("Manual")) == 1


def test_of_the_requests_during_a_run_the_latest_is_run_afterwards(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    for value in ("A", "B", "C"):
        tenant.request(value)
    eventually(lambda: "request of C waits" in tenant.condition("Ready").get("message", ""), "C is said to wait")
    assert "lastHandledRequestedAt" not in tenant.status()
    tenant.run(first)
    job = tenant.wait_for_job("Manual")
    assert job["metadata"]["annotations"]["bannette.io/request"] == "C"
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "C", "C is acknowledged")
    assert len(tenant.jobs("Manual")) == 1


def test_only_the_newest_requests_job_is_kept(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    for value in ("A", "B"):
        tenant.request(value)
        tenant.run(tenant.wait_for_job("Manual", request=value))
    eventually(lambda: len(tenant.jobs("Manual")) == 1, "the older Job is removed")
    assert tenant.jobs("Manual")[0]["metadata"]["annotations"]["bannette.io/request"] == "B"
    assert len(tenant.jobs("Initial")) == 1


def test_a_wiped_status_starts_nothing_and_comes_back(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first)
    tenant.request("A")
    second = tenant.wait_for_job("Manual")
    tenant.run(second)
    path = CHANNEL.path(tenant.namespace, "acme-onedrive", "status")
    tenant.cluster.request(
        "PATCH", path, [{"op": "remove", "path": "/status"}], content_type="application/json-patch+json"
    )
    for job in (second, first):
        assert tenant.wait_for_entry(job)["collected"] == 3
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "the request is acknowledged again")
    assert tenant.status()["lastRun"]["id"] == second["metadata"]["uid"]
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert len(tenant.jobs()) == 2


def test_a_suspended_channel_holds_its_request_until_it_may_run(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel(suspend=True)
    tenant.request("A")
    ready = eventually(
        lambda: (found := tenant.condition("Ready")) and "held" in found["message"] and found, "the request is held"
    )
    assert (ready["status"], ready["reason"]) == ("True", "Suspended")
    assert tenant.cron_job()["spec"]["suspend"] is True
    assert tenant.jobs() == []
    tenant.change(suspend=False)
    tenant.run(tenant.wait_for_job("Initial"))
    assert tenant.wait_for_job("Manual")["metadata"]["annotations"]["bannette.io/request"] == "A"


def test_runs_beyond_the_limit_wait_visibly_and_go_on(tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.add_prerequisites()
    new_operator("--max-concurrent-runs=1").start()
    for name in ("one", "two", "three"):
        tenant.add_channel(name)
    ran: list[str] = []
    for waiting in (2, 1, 0):
        [job] = eventually(
            lambda: [job for job in tenant.jobs() if job["metadata"]["name"] not in ran], "the next Job is made"
        )
        name = job["metadata"]["labels"]["bannette.io/channel"]
        others = {"one", "two", "three"} - {one.rsplit("-initial-", 1)[0] for one in ran} - {name}
        assert len(others) == waiting
        for other in others:
            said = tenant.wait_for_condition("Ready", status="True", reason="RunWaiting", name=other)
            assert "limit" in said["message"]
        ran.append(job["metadata"]["name"])
        tenant.run(job)
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="three")


def test_a_killed_operator_makes_no_second_run(tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.add_prerequisites()
    operator = new_operator()
    operator.start()
    tenant.add_channel()
    account = child_name(SERVICE_ACCOUNT, "acme-onedrive")
    for begun in (lambda: tenant.cluster.find(SERVICE_ACCOUNT, tenant.namespace, account), tenant.jobs):
        eventually(begun, "the operator has begun")
        operator.kill()
        operator.start()
        if tenant.jobs():
            break
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    tenant.request("A")
    tenant.run(tenant.wait_for_job("Initial"))
    operator.wait_for_line("run.requested")
    operator.kill()
    operator.start()
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "the request is acknowledged")
    assert len(tenant.jobs()) == 2
