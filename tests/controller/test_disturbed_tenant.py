"""What tenants, administrators and clocks do to a channel while the operator works."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from bannette.controller.names import CHANNEL, CRON_JOB, JOB, SECRET, Kind
from tests.clocks import with_clock
from tests.controller.between import Between
from tests.controller.cluster import Cluster, eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.people import Person
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(900)]

_QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
_CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")


def test_a_channel_edited_a_hundred_times_in_a_second_is_what_the_last_edit_says(
    cluster: Cluster, tenant: Tenant, operator: Operator
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    position = cluster.audit_position()
    for number in range(100):
        tenant.change(schedule={"time": f"{number % 24:02}:{number % 60:02}"}, historyLimit=1 + number % 30)
    eventually(
        lambda: tenant.status()["observedGeneration"] == tenant.channel()["metadata"]["generation"],
        "the last edit is observed",
    )
    # 99 % 24 and 99 % 60
    eventually(lambda: tenant.cron_job()["spec"]["schedule"] == "39 3 * * *", "the CronJob is the last edit's")
    assert tenant.status()["schedule"]["cron"] == "39 3 * * *"
    writes = [one for one in cluster.writes_of(Operator.user, since=position) if "/events" not in one]
    assert len(writes) <= 2 * 100 + 2
    assert not [one for one in writes if "/jobs" in one.partition("?")[0]]


def test_the_same_request_fifty_times_from_ten_people_is_one_run(
    cluster: Cluster, tenant: Tenant, operator: Operator
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    position = cluster.audit_position()
    for _ in range(50):
        tenant.request("now")
    tenant.run(tenant.wait_for_job("Manual"))
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "now", "it is acknowledged")
    tenant.change(historyLimit=9)
    eventually(lambda: tenant.status()["observedGeneration"] == 2, "the channel was looked at again")
    assert len(cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position)) == 1


def _forbid(tenant: Tenant, *counted: str) -> None:
    """Make a quota "none" that allows none of these, and wait until the API server heeds it."""
    hard = dict.fromkeys([*counted, "count/configmaps"], "0")
    tenant.cluster.create(_QUOTA, tenant.namespace, {"metadata": {"name": "none"}, "spec": {"hard": hard}})
    eventually(
        lambda: tenant.cluster.get(_QUOTA, tenant.namespace, "none").get("status", {}).get("hard"), "the quota is known"
    )
    admin = Person(tenant.cluster, "admin", "system:masters")
    body = {"apiVersion": _CONFIG_MAP.api_version, "kind": _CONFIG_MAP.kind, "metadata": {"name": "one-more"}}
    path = _CONFIG_MAP.path(tenant.namespace)
    eventually(lambda: "exceeded quota" in str(admin.ask("POST", path, body).body), "the quota is heeded")


def test_a_quota_that_refuses_the_children_is_told_and_lifting_it_is_enough(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    _forbid(tenant, "count/cronjobs.batch", "count/jobs.batch")
    tenant.add_channel()
    said = tenant.wait_for_condition("Ready", status="False", reason="ApplyFailed")
    assert "quota" in said["message"]
    assert tenant.jobs() == []
    tenant.cluster.delete(_QUOTA, tenant.namespace, "none")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    tenant.wait_for_job("Initial")


def test_a_quota_that_refuses_pods_is_told(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    _forbid(tenant, "count/pods")
    tenant.add_channel()
    tenant.wait_for_job("Initial")
    tenant.request("A")

    def told() -> bool:
        said = tenant.condition("Ready").get("message", "")
        return "quota" in said and "The request of A waits behind it" in said

    eventually(told, "that no pod can be made is told", seconds=240)
    tenant.cluster.delete(_QUOTA, tenant.namespace, "none")
    tenant.wait_for_pod(tenant.jobs("Initial")[0])
    tenant.run(tenant.jobs("Initial")[0])
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")


def test_a_namespace_that_is_being_deleted_gets_nothing_and_the_operator_goes_on(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator
) -> None:
    # Of these two only: the runs that other tests left unfinished would take the slots.
    operator = new_operator(f"--namespace={tenant.namespace}-other").start()
    tenant.add_prerequisites()
    holding = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    cluster.create(SECRET, tenant.namespace, holding)
    tenant.add_channel()
    tenant.wait_for_job("Initial")
    cluster.request("DELETE", f"/api/v1/namespaces/{tenant.namespace}")
    eventually(lambda: cluster.find(CHANNEL, tenant.namespace, "acme-onedrive") is None, "the channel is gone")
    for kind in (CRON_JOB, JOB):
        eventually(lambda kind=kind: not cluster.list(kind, tenant.namespace), f"its {kind.kind} is gone")
    time.sleep(2)
    for kind in (CRON_JOB, JOB):
        assert cluster.list(kind, tenant.namespace) == []
    assert operator.running
    other = Tenant(cluster, f"{tenant.namespace}-other")
    other.add_prerequisites()
    other.add_channel()
    other.wait_for_condition("Ready", status="True", reason="Scheduled")
    cluster.patch(SECRET, tenant.namespace, "held", {"metadata": {"finalizers": None}})


def test_a_channel_that_others_keep_from_going_starts_nothing_more(
    cluster: Cluster, tenant: Tenant, operator: Operator
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", {"metadata": {"finalizers": ["example.com/hold"]}})
    cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
    eventually(lambda: tenant.cron_job()["spec"]["suspend"], "the CronJob is suspended")
    tenant.wait_for_condition("Ready", status="False", reason="Deleting")
    assert "nextRunTime" not in tenant.status()["schedule"]
    tenant.request("A")
    tenant.change(historyLimit=9)
    eventually(
        lambda: tenant.status()["observedGeneration"] == tenant.channel()["metadata"]["generation"],
        "it was looked at again",
    )
    assert tenant.jobs("Manual") == []
    assert operator.running
    cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", {"metadata": {"finalizers": None}})
    eventually(lambda: cluster.find(CHANNEL, tenant.namespace, "acme-onedrive") is None, "the channel is gone")


def test_definitions_may_be_upgraded_under_the_running_operator(
    cluster: Cluster, tenant: Tenant, operator: Operator
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    (body,) = yaml.safe_load_all(Path("crds/collectionchannels.yaml").read_text())
    (version,) = body["spec"]["versions"]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["ofALaterVersion"] = {"type": "string"}
    version["additionalPrinterColumns"].append({"name": "Later", "type": "string", "jsonPath": ".spec.ofALaterVersion"})
    try:
        cluster.server.apply(yaml.safe_dump(body))
        eventually(
            lambda: "ofALaterVersion" in _change(tenant, ofALaterVersion="new").get("spec", {}), "the field is served"
        )
        tenant.change(schedule={"time": "08:45"})
        eventually(lambda: tenant.cron_job()["spec"]["schedule"] == "45 8 * * *", "the channel is followed")
        tenant.request("A")
        tenant.run(tenant.wait_for_job("Initial"))
        tenant.wait_for_job("Manual")
        # Nobody took away what the operator doesn't know.
        assert tenant.channel()["spec"]["ofALaterVersion"] == "new"
    finally:
        cluster.server.apply(Path("crds/collectionchannels.yaml"))
    tenant.change(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    assert operator.running


def _change(tenant: Tenant, **spec: object) -> dict[str, object]:
    tenant.change(**spec)
    return tenant.channel()


def test_a_secret_without_the_key_and_one_that_comes_later(tenant: Tenant, operator: Operator) -> None:
    tenant.add_recipient()
    tenant.add_binder()
    tenant.add_claim()
    tenant.add_credentials(password="not the key that is asked for")
    tenant.add_channel()
    said = tenant.wait_for_condition("PrerequisitesMet", status="False", reason="CredentialsMissing")
    assert "acme-app" in said["message"]
    assert "clientSecret" in said["message"]
    assert tenant.jobs() == []
    tenant.cluster.patch(SECRET, tenant.namespace, "acme-app", {"stringData": {"clientSecret": "here it is"}})
    tenant.wait_for_job("Initial")
    tenant.wait_for_condition("PrerequisitesMet", status="True", reason="AllPresent")


@pytest.mark.parametrize("offset", ["+2d", "-2d"], ids=["two-days-ahead", "two-days-behind"])
def test_a_clock_that_is_wrong_by_days_starts_no_run_and_loses_none(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator, between: Between, offset: str
) -> None:
    tenant.add_prerequisites()
    operator = new_operator().start()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first)
    tenant.wait_for_entry(first)
    operator.kill()
    position = cluster.audit_position()
    # Without TLS: to a clock that is behind, the server's certificate would not be valid yet.
    moved = new_operator(environ=with_clock(offset), server=between.url, forked=False).start()
    said_at = datetime.fromisoformat(moved.log.read_text().split(maxsplit=1)[0])
    assert abs(said_at - datetime.now(UTC)) > timedelta(hours=1), "its clock wasn't moved"
    tenant.request("A")
    job = tenant.wait_for_job("Manual")
    tenant.run(job, report=False)
    tenant.wait_for_entry(job)
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged")
    tenant.change(schedule={"time": "09:10"})
    eventually(lambda: tenant.cron_job()["spec"]["schedule"] == "10 9 * * *", "the channel is followed")
    assert moved.running
    moved.kill()
    # And back to the right time.
    operator.start()
    tenant.change(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    assert len(cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position)) == 1
    assert [entry["id"] for entry in tenant.status()["history"]] == [job["metadata"]["uid"], first["metadata"]["uid"]]
