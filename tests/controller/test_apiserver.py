"""The operator against a real API server with its controllers; the tests play people and the kubelet."""

from __future__ import annotations

import pytest

from bannette.controller.names import (
    CHANNEL,
    CHILD_KINDS,
    CRON_JOB,
    JOB,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    child_name,
)
from tests.controller.cluster import Cluster, eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def test_a_channel_gets_its_children_and_its_first_run(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    channel = tenant.add_channel()
    tenant.wait_for_job("Initial")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    for kind in CHILD_KINDS:
        child = tenant.cluster.get(kind, tenant.namespace, child_name(kind, "acme-onedrive"))
        assert [owner["uid"] for owner in child["metadata"]["ownerReferences"]] == [channel["metadata"]["uid"]]
    assert tenant.cron_job()["spec"]["suspend"] is False
    assert tenant.condition("PrerequisitesMet")["status"] == "True"
    assert tenant.condition("Connected")["status"] == "True"
    assert tenant.status()["schedule"]["cron"] == "30 5 * * *"
    assert tenant.channel()["metadata"].get("finalizers") is None
    assert tenant.channel()["metadata"].get("annotations") is None


def test_a_restart_writes_nothing(cluster: Cluster, tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.add_prerequisites()
    demanding = {"resources": {"limits": {"memory": "4096Mi", "cpu": 2}, "requests": {"cpu": "0.5"}}}
    tenant.add_channel(collector=demanding)
    tenant.add_channel("acme-delegated", delegated=True)
    # Runs that other tests have left unfinished take places as well.
    operator = new_operator("--max-concurrent-runs=1000", namespace=None).start()
    tenant.run(tenant.wait_for_job("Initial"))
    tenant.wait_for_condition("Ready", status="True", reason="NotConnected", name="acme-delegated")
    eventually(lambda: tenant.status().get("connection", {}).get("connectedAt"), "the app was let in")
    assert operator.stop() == 0

    position = cluster.audit_position()
    operator.start()
    # Other tests' channels may be in the midst of anything.
    within = f"/namespaces/{tenant.namespace}/"

    def were_looked_at() -> bool:
        reads = cluster.requests_of(Operator.user, since=position)
        names = ("binders/purchases", "secrets/acme-delegated-onedrive")
        return all(any(read.endswith(f"{within}{name}") for read in reads) for name in names)

    eventually(were_looked_at, "both channels were looked at again")
    tenant.request("to see that it works")
    tenant.wait_for_job("Manual")
    writes = eventually(
        lambda: [write for write in cluster.writes_of(Operator.user, since=position) if within in write],
        "the write is in the audit log",
    )
    assert [write for write in writes if "/jobs?" in write] == writes[:1]
    assert not [write for write in writes if "acme-delegated" in write]


def test_a_foreign_object_with_a_childs_name_stalls_the_channel_and_is_not_touched(
    tenant: Tenant, operator: Operator
) -> None:
    tenant.add_prerequisites()
    name = child_name(ROLE, "acme-onedrive")
    foreign = tenant.cluster.create(ROLE, tenant.namespace, {"metadata": {"name": name}, "rules": []})
    tenant.add_channel()
    stalled = tenant.wait_for_condition("Stalled", status="True", reason="ForeignObject")
    assert name in stalled["message"]
    assert tenant.condition("Ready")["status"] == "False"
    assert tenant.jobs() == []
    assert tenant.cluster.get(ROLE, tenant.namespace, name) == foreign


def test_a_foreign_job_with_a_requests_name_stalls_the_channel(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first)
    tenant.request("A")
    job = tenant.wait_for_job("Manual")
    # After that it writes nothing more of which an answer could be on its way.
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged")
    operator.kill()
    name = job["metadata"]["name"]
    tenant.cluster.delete(JOB, tenant.namespace, name)
    eventually(lambda: tenant.cluster.find(JOB, tenant.namespace, name) is None, "the Job is gone")
    tenant.cluster.patch(
        CHANNEL, tenant.namespace, "acme-onedrive", {"status": {"lastHandledRequestedAt": None}}, subresource="status"
    )
    pod = {"restartPolicy": "Never", "containers": [{"name": "other", "image": "other"}]}
    spec = {"template": {"spec": pod}, "suspend": True}
    foreign = tenant.cluster.create(JOB, tenant.namespace, {"metadata": {"name": name}, "spec": spec})
    operator.start()
    tenant.wait_for_condition("Stalled", status="True", reason="ForeignObject")
    assert tenant.cluster.get(JOB, tenant.namespace, name)["metadata"]["uid"] == foreign["metadata"]["uid"]


def test_prerequisites_may_come_later_and_are_named_until_then(tenant: Tenant, operator: Operator) -> None:
    tenant.add_channel()
    missing = tenant.wait_for_condition("PrerequisitesMet", status="False", reason="SeveralMissing")
    for word in ("marie", "purchases", "acme-app"):
        assert word in missing["message"]
    assert tenant.cron_job()["spec"]["suspend"] is True
    tenant.add_recipient()
    tenant.add_binder()
    tenant.add_claim()
    tenant.wait_for_condition("PrerequisitesMet", status="False", reason="CredentialsMissing")
    tenant.add_credentials(password="p")
    lacks = eventually(
        lambda: (found := tenant.condition("PrerequisitesMet")) and "lacks" in found["message"] and found,
        "the missing key is named",
    )
    assert "clientSecret" in lacks["message"]
    assert tenant.jobs() == []
    tenant.cluster.patch(SECRET, tenant.namespace, "acme-app", {"stringData": {"clientSecret": "s"}})
    tenant.wait_for_job("Initial")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert tenant.cron_job()["spec"]["suspend"] is False
    volumes = tenant.cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "binder", "persistentVolumeClaim": {"claimName": "binders"}} in volumes


def test_the_first_collection_follows_the_clients_sign_in(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel(delegated=True)
    tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")
    assert tenant.condition("Ready")["status"] == "True"
    assert tenant.jobs() == []
    signed_in = {
        "metadata": {
            "annotations": {
                "bannette.io/account": "compta@acme.example",
                "bannette.io/connection-id": "first",
                "bannette.io/connected-at": "2026-11-24T10:00:00Z",
            }
        },
        "stringData": {"token-cache": "{}"},
    }
    tenant.cluster.patch(SECRET, tenant.namespace, "acme-onedrive-onedrive", signed_in)
    tenant.wait_for_job("Initial")
    tenant.wait_for_condition("Connected", status="True", reason="SignedIn")
    assert tenant.status()["connection"] == {
        "account": "compta@acme.example",
        "connectedAt": "2026-11-24T10:00:00Z",
    }


def test_drift_in_children_is_repaired(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    role, cron_job, account = (child_name(kind, "acme-onedrive") for kind in (ROLE, CRON_JOB, SERVICE_ACCOUNT))
    rules = tenant.cluster.get(ROLE, tenant.namespace, role)["rules"]
    tenant.cluster.patch(ROLE, tenant.namespace, role, {"rules": []})
    tenant.cluster.patch(CRON_JOB, tenant.namespace, cron_job, {"spec": {"suspend": True, "schedule": "0 0 * * *"}})
    tenant.cluster.delete(SERVICE_ACCOUNT, tenant.namespace, account)
    eventually(lambda: tenant.cluster.get(ROLE, tenant.namespace, role)["rules"] == rules, "the Role is repaired")
    eventually(lambda: tenant.cron_job()["spec"]["schedule"] == "30 5 * * *", "the schedule is repaired")
    eventually(lambda: not tenant.cron_job()["spec"]["suspend"], "the CronJob isn't suspended")
    eventually(lambda: tenant.cluster.find(SERVICE_ACCOUNT, tenant.namespace, account), "the account is made again")


def test_every_child_that_somebody_deletes_comes_back(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    children = {kind: child_name(kind, "acme-onedrive") for kind in CHILD_KINDS}
    before = {kind: tenant.cluster.get(kind, tenant.namespace, name) for kind, name in children.items()}
    for kind, name in children.items():
        tenant.cluster.delete(kind, tenant.namespace, name)
    for kind, name in children.items():
        found = eventually(
            lambda kind=kind, name=name: tenant.cluster.find(kind, tenant.namespace, name), f"{name} is made again"
        )
        assert found["metadata"]["uid"] != before[kind]["metadata"]["uid"]
        for part in ("rules", "roleRef", "subjects", "spec"):
            assert found.get(part) == before[kind].get(part)


def test_a_binding_that_was_turned_to_another_role_is_told_and_to_delete_it_is_enough(
    tenant: Tenant, operator: Operator
) -> None:
    """The API server lets nobody change what a RoleBinding is about, and the operator may delete none."""
    tenant.add_prerequisites()
    tenant.add_channel(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    name = child_name(ROLE_BINDING, "acme-onedrive")
    right = tenant.cluster.get(ROLE_BINDING, tenant.namespace, name)
    kept = {member: right["metadata"][member] for member in ("name", "labels", "annotations", "ownerReferences")}
    operator.kill()
    tenant.cluster.delete(ROLE_BINDING, tenant.namespace, name)
    turned = right | {"metadata": kept, "roleRef": right["roleRef"] | {"name": "another"}}
    tenant.cluster.create(ROLE_BINDING, tenant.namespace, turned)
    operator.start()
    said = tenant.wait_for_condition("Ready", status="False", reason="ApplyFailed")["message"]
    assert name in said
    assert "cannot change roleRef" in said
    tenant.cluster.delete(ROLE_BINDING, tenant.namespace, name)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    assert tenant.cluster.get(ROLE_BINDING, tenant.namespace, name)["roleRef"] == right["roleRef"]


def test_a_label_that_was_taken_off_comes_back(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    name = child_name(CRON_JOB, "acme-onedrive")
    stripped = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    tenant.cluster.patch(CRON_JOB, tenant.namespace, name, stripped)
    label = "app.kubernetes.io/managed-by"
    eventually(lambda: tenant.cron_job()["metadata"]["labels"].get(label) == "bannette", "the label is back")


def test_a_channel_can_be_deleted_while_the_operator_is_down_and_made_again(tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    operator.kill()
    tenant.cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
    assert tenant.cluster.find(CHANNEL, tenant.namespace, "acme-onedrive") is None
    tenant.add_channel()
    operator.start()
    eventually(
        lambda: [job["metadata"]["uid"] for job in tenant.jobs("Initial")] not in ([], [first["metadata"]["uid"]]),
        "the new channel has a first run of its own",
    )
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    uid = tenant.channel()["metadata"]["uid"]
    for kind in CHILD_KINDS:
        child = tenant.cluster.get(kind, tenant.namespace, child_name(kind, "acme-onedrive"))
        assert [owner["uid"] for owner in child["metadata"]["ownerReferences"]] == [uid]


def test_the_operator_outlives_the_api_server(cluster: Cluster, tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_job("Initial")
    cluster.server.restart()
    role = child_name(ROLE, "acme-onedrive")
    tenant.cluster.patch(ROLE, tenant.namespace, role, {"rules": []})
    eventually(lambda: tenant.cluster.get(ROLE, tenant.namespace, role)["rules"], "the Role is repaired")
    tenant.change(schedule={"time": "06:15"})
    eventually(lambda: tenant.status().get("schedule", {}).get("cron") == "15 6 * * *", "the channel is followed")


def test_of_two_replicas_one_works_and_the_other_takes_over(tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.add_prerequisites()
    first = new_operator("--lease-namespace=bannette-system", pod="first")
    second = new_operator("--lease-namespace=bannette-system", pod="second")
    first.start(until="lease.held")
    first.wait_for_line("operator.ready")
    second.start(until="")
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert "lease.held" not in second.log.read_text()
    assert first.stop() == 0
    second.wait_for_line("operator.ready")
    tenant.change(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")


def test_a_new_channel_and_a_request_cost_few_writes(cluster: Cluster, tenant: Tenant, operator: Operator) -> None:
    tenant.add_prerequisites()
    position = cluster.audit_position()
    tenant.add_channel()
    tenant.run(tenant.wait_for_job("Initial"))
    eventually(lambda: tenant.status().get("connection", {}).get("connectedAt"), "the app was let in")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    made = _without_events(cluster.writes_of(Operator.user, since=position))
    children = [write for write in made if write.partition("?")[0].rpartition("/")[2] != "status"]
    assert len(children) == 5, made  # ServiceAccount, Role, RoleBinding, CronJob, the first Job
    assert len(made) <= 8, made

    position = cluster.audit_position()
    tenant.add_channel("later", suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended", name="later")
    made = eventually(
        lambda: found if len(found := _without_events(cluster.writes_of(Operator.user, since=position))) >= 5 else None,
        "all writes are in the audit log",
    )
    assert len(made) == 5, made  # without a Job, and with a status

    position = cluster.audit_position()
    tenant.request("once")
    tenant.run(tenant.wait_for_job("Manual"))
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "once", "the request was acknowledged")
    made = _without_events(cluster.writes_of(Operator.user, since=position))
    assert len(made) <= 3, made


def _without_events(writes: list[str]) -> list[str]:
    return [write for write in writes if "/events" not in write]
