"""Inboxes that a console asks for, on a real API server: one Job each, and nothing at rest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bannette.controller.names import BINDER, JOB, POD
from tests.controller.between import Asked, Between, Fault, Late
from tests.controller.cluster import PATIENCE, Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

READER, OTHER = "a" * 64, "b" * 64
Json = dict[str, Any]


@pytest.fixture
def stocked(tenant: Tenant) -> Tenant:
    tenant.add_binder()
    tenant.add_claim()
    return tenant


def ask(tenant: Tenant, opened: str | None, reader: str | None = READER, name: str = "purchases") -> None:
    annotations = {"bannette.io/inbox-reader": reader, "bannette.io/inbox-opened": opened}
    tenant.cluster.patch(BINDER, tenant.namespace, name, {"metadata": {"annotations": annotations}})


def inbox(tenant: Tenant, name: str = "purchases") -> Json:
    body = tenant.cluster.get(BINDER, tenant.namespace, name)
    found: Json = (body.get("status") or {}).get("inbox") or {}
    return found


def wait_for(tenant: Tenant, state: str, name: str = "purchases", **members: str) -> Json:
    def says() -> Json | None:
        found = inbox(tenant, name)
        return found if {"state": state, **members}.items() <= found.items() else None

    return eventually(says, f"the inbox of {name} is {state} {members}; it is {inbox(tenant, name)}")


def job_of(tenant: Tenant, name: str = "purchases-inbox") -> Json:
    return eventually(lambda: tenant.cluster.find(JOB, tenant.namespace, name), f"Job {name}")


def listen(tenant: Tenant, job: Json, ip: str = "10.1.2.3") -> Json:
    """Say what the kubelet says when the pod listens."""
    pod = tenant.wait_for_pod(job)
    conditions = [{"type": "Ready", "status": "True"}]
    status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": conditions}
    name = pod["metadata"]["name"]
    return tenant.cluster.patch(POD, tenant.namespace, name, {"status": status}, subresource="status")


def test_an_inbox_is_opened_and_told_and_closed_and_opened_again(
    cluster: Cluster, stocked: Tenant, operator: Operator
) -> None:
    ask(stocked, "1")
    job = job_of(stocked)
    assert wait_for(stocked, "Opening")["opened"] == "1"
    listen(stocked, job)
    assert wait_for(stocked, "Open", address="10.1.2.3:8377", opened="1")["reader"] == READER
    ask(stocked, "2")
    wait_for(stocked, "Open", opened="2")
    assert job_of(stocked)["metadata"]["uid"] == job["metadata"]["uid"]
    stocked.end_pod(stocked.cluster.list(POD, stocked.namespace)[0])
    eventually(lambda: job_of(stocked)["status"].get("completionTime"), "the Job is complete")
    ask(stocked, "3")
    again = eventually(
        lambda: found if (found := job_of(stocked))["metadata"]["uid"] != job["metadata"]["uid"] else None, "a new Job"
    )
    listen(stocked, again, "fd00::7")
    wait_for(stocked, "Open", address="[fd00::7]:8377", opened="3")
    ask(stocked, None, None)
    eventually(lambda: not stocked.cluster.list(JOB, stocked.namespace), "the Job goes when nobody wants it")
    eventually(lambda: not inbox(stocked), "and nothing is said of it")


def test_a_pod_of_an_inbox_may_do_nothing_in_the_cluster_and_goes_with_its_binder(
    stocked: Tenant, operator: Operator
) -> None:
    ask(stocked, "1")
    # The namespace enforces the restricted profile: there would be no pod else.
    pod = stocked.wait_for_pod(job_of(stocked))
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert not any(volume.get("projected") for volume in pod["spec"]["volumes"])
    stocked.cluster.delete(BINDER, stocked.namespace, "purchases")
    eventually(lambda: not stocked.cluster.list(JOB, stocked.namespace), "the Job goes with its Binder")


def test_another_token_means_another_pod(stocked: Tenant, operator: Operator) -> None:
    ask(stocked, "1")
    first = job_of(stocked)
    listen(stocked, first)
    wait_for(stocked, "Open")
    ask(stocked, "1", OTHER)
    listen(
        stocked,
        eventually(
            lambda: found if (found := job_of(stocked))["metadata"]["uid"] != first["metadata"]["uid"] else None,
            "a new Job",
        ),
        "10.1.2.4",
    )
    assert wait_for(stocked, "Open", reader=OTHER)["address"] == "10.1.2.4:8377"


def test_somebody_elses_job_is_never_taken_over(stocked: Tenant, operator: Operator) -> None:
    container = {"name": "c", "image": "i"}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}, "suspend": True}
    stocked.cluster.create(JOB, stocked.namespace, {"metadata": {"name": "purchases-inbox"}, "spec": spec})
    foreign = job_of(stocked)
    ask(stocked, "1")
    assert "purchases-inbox" in wait_for(stocked, "Blocked")["message"]
    ask(stocked, None, None)
    eventually(lambda: not inbox(stocked), "nothing is said any more")
    assert job_of(stocked)["metadata"]["uid"] == foreign["metadata"]["uid"]


def test_a_missing_claim_is_named_and_waited_for(tenant: Tenant, operator: Operator) -> None:
    tenant.add_binder()
    ask(tenant, "1")
    assert 'PersistentVolumeClaim "binders"' in wait_for(tenant, "Blocked")["message"]
    assert tenant.cluster.list(JOB, tenant.namespace) == []
    tenant.add_claim()
    job_of(tenant)


def test_no_more_are_open_than_may_be(stocked: Tenant, new_operator: Callable[..., Operator]) -> None:
    spec = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}}
    for name in ("second", "third"):
        stocked.cluster.create(BINDER, stocked.namespace, {"metadata": {"name": name}, "spec": spec})
    new_operator(environ={"BANNETTE_MAX_OPEN_INBOXES": "2"}).start()
    names = ("purchases", "second", "third")
    for name in names:
        ask(stocked, "1", name=name)
    waiting = eventually(
        lambda: [name for name in names if inbox(stocked, name).get("state") == "Waiting"], "one has to wait"
    )
    assert len(waiting) == 1
    # The place is taken before the Job is there.
    jobs = eventually(
        lambda: found if len(found := stocked.cluster.list(JOB, stocked.namespace)) >= 2 else None, "two are opened"
    )
    assert len(jobs) == 2
    (open_one, _) = [name for name in names if name not in waiting]
    ask(stocked, None, None, name=open_one)
    wait_for(stocked, "Opening", waiting[0])


def test_a_restart_finds_what_is_open_and_writes_nothing(
    cluster: Cluster, stocked: Tenant, new_operator: Callable[..., Operator]
) -> None:
    first = new_operator().start()
    ask(stocked, "1")
    job = job_of(stocked)
    listen(stocked, job)
    wait_for(stocked, "Open")
    first.stop()
    since = cluster.audit_position()
    second = new_operator().start()
    path = JOB.path(stocked.namespace, "purchases-inbox")
    eventually(
        lambda: any(path in one for one in cluster.requests_of(Operator.user, since=since)),
        "the open inbox is looked at",
    )
    second.stop()
    assert cluster.writes_of(Operator.user, since=since) == []


def test_a_closed_inbox_costs_nothing_at_a_restart(
    cluster: Cluster, stocked: Tenant, new_operator: Callable[..., Operator]
) -> None:
    first = new_operator().start()
    ask(stocked, "1")
    pod = stocked.wait_for_pod(job_of(stocked))
    stocked.end_pod(pod, exit_code=2, reason="Error", message="bannette: The volume is away.\n")
    assert wait_for(stocked, "Closed")["message"] == "The volume is away."
    stocked.cluster.delete(JOB, stocked.namespace, "purchases-inbox")
    eventually(lambda: not stocked.cluster.list(JOB, stocked.namespace), "the Job is gone")
    first.stop()
    since = cluster.audit_position()
    second = new_operator().start()
    # Something that is done by the same watch, after the list.
    spec = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "none"}}}
    stocked.cluster.create(BINDER, stocked.namespace, {"metadata": {"name": "later"}, "spec": spec})
    ask(stocked, "1", name="later")
    wait_for(stocked, "Blocked", "later")
    second.stop()
    assert not [one for one in cluster.requests_of(Operator.user, since=since) if "purchases" in one]
    assert stocked.cluster.list(JOB, stocked.namespace) == []


def test_a_hundred_requests_are_one_job(cluster: Cluster, stocked: Tenant, operator: Operator) -> None:
    since = cluster.audit_position()
    for number in range(100):
        ask(stocked, str(number))
    listen(stocked, job_of(stocked))
    wait_for(stocked, "Open", opened="99")
    assert cluster.created_by(Operator.user, "jobs", namespace=stocked.namespace, since=since) == ["purchases-inbox"]


def test_what_was_decided_about_a_binder_is_not_said_of_the_next_one_of_its_name(
    stocked: Tenant, new_operator: Callable[..., Operator], between: Between
) -> None:
    new_operator(server=between.url).start()
    swapped, answered = threading.Event(), threading.Event()

    def fault(asked: Asked) -> Fault | None:
        if swapped.is_set() or asked.method != "PATCH" or not asked.path.endswith("/binders/purchases/status"):
            return None
        swapped.set()
        stocked.cluster.delete(BINDER, stocked.namespace, "purchases")
        stocked.add_binder()
        return Late(answered.set)

    between.fault = fault
    ask(stocked, "1")
    assert answered.wait(PATIENCE)
    assert inbox(stocked) == {}
    ask(stocked, "2", OTHER)
    wait_for(stocked, "Opening", opened="2", reader=OTHER)


def test_a_run_that_counts_while_an_inbox_is_opened_holds_nothing_up(
    stocked: Tenant, new_operator: Callable[..., Operator], between: Between
) -> None:
    new_operator(server=between.url).start()
    since: list[str] = []

    def fault(asked: Asked) -> Fault | None:
        if "/purchases" not in asked.path:
            return None
        what = f"{asked.method} {asked.path.rpartition('/')[2]}"
        if not since and what == "PATCH status":
            status = {"documents": 3}
            stocked.cluster.patch(BINDER, stocked.namespace, "purchases", {"status": status}, subresource="status")
        if since or what == "PATCH status":
            since.append(what)
        return None

    between.fault = fault
    ask(stocked, "1")
    wait_for(stocked, "Opening", opened="1")
    assert stocked.cluster.get(BINDER, stocked.namespace, "purchases")["status"]["documents"] == 3
    # It doesn't begin again with the Job, after a while.
    assert since[:3] == ["PATCH status", "GET purchases", "PATCH status"]
