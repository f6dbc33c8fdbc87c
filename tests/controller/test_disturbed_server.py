"""What API servers, etcd and the network do to the operator: each is provoked, and the channel is right afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bannette.controller.names import CHANNEL, ROLE, child_name
from devcluster.apiserver import ApiServer
from tests.controller.between import After, Answer, Asked, Before, Between, Fault, Late
from tests.controller.cluster import Cluster, eventually, install_rights
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(900)]

# Of an operator of one namespace: channels, binders, recipients, Jobs, and four kinds of children.
_WATCHES = 8


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Cluster]:
    """An API server that nobody else is disturbed by."""
    audit_log = tmp_path / "audit.log"
    with ApiServer(controller_manager=True, audit_log=audit_log) as server:
        server.install_crds(Path("crds"))
        made = Cluster(server, audit_log)
        install_rights(made)
        yield made


def test_etcd_that_stands_still_for_half_a_minute_costs_nothing_but_time(apart: Cluster, tmp_path: Path) -> None:
    tenant = Tenant(apart, "tenant")
    tenant.add_prerequisites()
    tenant.add_channel("before")
    with Operator(apart, tmp_path) as operator:
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="before")
        tenant.add_channel("during")
        with apart.server.paused("etcd"):
            time.sleep(30)
        eventually(lambda: _answers(apart), "the API server has etcd again")
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="during")
        tenant.run(eventually(lambda: tenant.jobs("Initial"), "a first run")[0])
        tenant.request("after", "before")
        tenant.change("during", suspend=True)
        tenant.wait_for_condition("Ready", status="True", reason="Suspended", name="during")
        assert operator.running
    made = apart.created_by(Operator.user, "jobs", namespace="tenant", since=0)
    assert len(made) == len(set(made))


def _answers(cluster: Cluster) -> bool:
    # What it asked meanwhile may have failed; so does what is asked until it has noticed that etcd is back.
    try:
        return bool(cluster.request("GET", CHANNEL.path("tenant"))["items"])
    except (AssertionError, requests.RequestException):
        return False


def test_a_server_that_is_killed_in_the_middle_of_reconciles_costs_nothing(apart: Cluster, tmp_path: Path) -> None:
    tenant = Tenant(apart, "tenant")
    tenant.add_prerequisites()
    wanted, met = {"acme-onedrive-collect", "jobs", "status"}, set[str]()
    restarted: list[str] = []

    def fault(asked: Asked) -> Fault | None:
        """Kill the server when it has made a child, the Job and the status, each before the operator knows."""
        what = asked.path.rpartition("/")[2]
        if not asked.writes or what in met or what not in wanted:
            return None
        met.add(what)

        def restart() -> None:
            apart.server.restart()
            restarted.append(what)

        return Late(restart)

    with Between(apart.server) as between:
        between.fault = fault
        with Operator(apart, tmp_path, server=between.url) as operator:
            tenant.add_channel()
            eventually(lambda: set(restarted) == wanted, "the server was killed three times", seconds=500)
            tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
            tenant.run(tenant.wait_for_job("Initial"))
            tenant.request("A")
            tenant.run(tenant.wait_for_job("Manual"))
            eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged")
            assert operator.running
    # The killed server's audit log lacks what it did last: the Jobs themselves are counted.
    assert sorted(job["metadata"]["labels"]["bannette.io/trigger"] for job in tenant.jobs()) == ["Initial", "Manual"]
    assert [entry["trigger"] for entry in tenant.status()["history"]] == ["Manual", "Initial"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer.refusal(409, "Conflict"),
        Answer.refusal(429, "TooManyRequests"),
        Answer.refusal(500, "InternalError"),
        Answer(503, "no healthy upstream"),
        Answer(200, "<html>Sign in to go on.</html>"),
        Before(),
        After(),
    ],
    ids=["conflict", "too-many", "error", "no-json", "sign-in-page", "request-lost", "answer-lost"],
)
def test_a_write_that_fails_at_first_is_made_once(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator, between: Between, answer: Fault
) -> None:
    wanted, met = {"acme-onedrive-collect", "jobs", "status"}, set[str]()

    def fault(asked: Asked) -> Fault | None:
        what = asked.path.rpartition("/")[2]
        # Not every child: each failure doubles the wait for the next attempt.
        if not asked.writes or what in met or what not in wanted:
            return None
        met.add(what)
        return answer

    between.fault = fault
    position = cluster.audit_position()
    tenant.add_prerequisites()
    operator = new_operator(server=between.url).start()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    tenant.run(tenant.wait_for_job("Initial"))
    tenant.request("A")
    tenant.wait_for_job("Manual")
    eventually(lambda: tenant.status().get("lastHandledRequestedAt") == "A", "A is acknowledged")
    assert met == wanted
    assert operator.running
    made = cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position)
    assert len(made) == len(set(made)) == 2


def test_a_status_that_changes_while_it_is_decided_about_loses_nothing(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    """A run writes its entry between the operator's read and its write: the server itself says 409."""
    tenant.add_prerequisites()
    new_operator(server=between.url).start()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    theirs = {**tenant.entry(job), "id": "00000000-0000-4000-8000-000000000001", "collected": 7}
    interfered: list[str] = []

    def fault(asked: Asked) -> Fault | None:
        if asked.method == "PATCH" and asked.path.endswith("/status") and not interfered:
            interfered.append(asked.path)
            tenant.report({"history": [theirs]})
        return None

    between.fault = fault
    tenant.run(job, report=False)
    assert tenant.wait_for_entry(job)["collected"] == 3
    assert interfered
    assert {entry["collected"] for entry in tenant.status()["history"]} == {3, 7}


def test_watches_that_are_cut_go_on_and_miss_nothing(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url).start()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    role = child_name(ROLE, "acme-onedrive")
    for minute in (10, 20, 30):
        # All of them: those that are cut again and again come back later and later.
        eventually(lambda: between.watches >= _WATCHES, "all watches go on")
        between.cut_watches()
        # While nobody watches.
        tenant.change(schedule={"time": f"07:{minute}"})
        tenant.cluster.patch(ROLE, tenant.namespace, role, {"rules": []})
        eventually(
            lambda minute=minute: tenant.cron_job()["spec"]["schedule"] == f"{minute} 7 * * *", "the change is seen"
        )
        eventually(lambda: tenant.cluster.get(ROLE, tenant.namespace, role)["rules"], "the Role is repaired")
    assert operator.running


def test_a_version_that_is_too_old_to_watch_from_is_listed_anew(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url).start()
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    gone = Answer.refusal(410, "Expired")
    refused = _refuse_watches_once(between, Answer(200, f'{{"type":"ERROR","object":{gone.body}}}\n'))
    _change_unseen(tenant)
    eventually(lambda: len(refused) >= _WATCHES, "all watches were refused")
    _is_followed(tenant)
    assert operator.running


@pytest.mark.parametrize(
    "answer",
    [
        Answer.refusal(410, "Expired"),
        Answer.refusal(404, "NotFound"),
        Answer(200, '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}\n'),
    ],
    ids=["expired", "not-found", "error-event"],
)
def test_a_watch_that_kopf_gives_up_ends_the_process_and_the_next_one_misses_nothing(
    tenant: Tenant, new_operator: NewOperator, between: Between, answer: Answer
) -> None:
    tenant.add_prerequisites()
    operator = new_operator(server=between.url)
    with operator.kept_alive() as starts:
        tenant.add_channel()
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
        _refuse_watches_once(between, answer)
        _change_unseen(tenant)
        _is_followed(tenant)
        # kopf has three watches: the process may end with the first one before the others have met their refusal.
        assert 2 <= starts() <= 4


def _refuse_watches_once(between: Between, answer: Answer) -> set[str]:
    """Cut all watches, and answer each next one with *answer*; return the paths of those, as they come."""
    refused: set[str] = set()

    def fault(asked: Asked) -> Fault | None:
        if not asked.watches or asked.path in refused:
            return None
        refused.add(asked.path)
        return answer

    between.fault = fault
    between.cut_watches()
    return refused


def _change_unseen(tenant: Tenant) -> None:
    role = child_name(ROLE, "acme-onedrive")
    tenant.cluster.patch(ROLE, tenant.namespace, role, {"rules": []})
    tenant.change(suspend=True)


def _is_followed(tenant: Tenant) -> None:
    role = child_name(ROLE, "acme-onedrive")
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    eventually(lambda: tenant.cluster.get(ROLE, tenant.namespace, role)["rules"], "the Role is repaired")


def test_a_slot_that_a_channel_was_given_in_vain_goes_to_the_next_one_at_once(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    new_operator("--max-concurrent-runs=1", server=between.url).start()
    refused: list[str] = []

    def queue_another() -> None:
        tenant.add_channel("second")
        tenant.wait_for_condition("Ready", status="True", reason="RunWaiting", name="second")
        tenant.change("first", suspend=True)

    def fault(asked: Asked) -> Fault | None:
        """Let another channel come when the first one has its slot, and refuse the first one's run then."""
        if asked.method == "PATCH" and asked.path.endswith("/serviceaccounts/first-collector") and not refused:
            return Late(queue_another)
        if asked.method == "POST" and asked.path.endswith("/jobs") and not refused:
            refused.append(asked.path)
            return Answer.refusal(409, "Conflict")
        return None

    between.fault = fault
    tenant.add_channel("first")
    # A minute after it began to wait the second one would look by itself.
    job = eventually(lambda: tenant.jobs(), "the second one's run", seconds=45)[0]
    assert refused
    assert job["metadata"]["labels"]["bannette.io/channel"] == "second"


def test_a_channel_that_cannot_be_looked_after_keeps_nobody_from_a_slot(
    tenant: Tenant, new_operator: NewOperator, between: Between
) -> None:
    tenant.add_prerequisites()
    operator = new_operator("--max-concurrent-runs=1", server=between.url).start()
    tenant.add_channel("first")
    job = tenant.wait_for_job("Initial")
    tenant.add_channel("second")
    tenant.wait_for_condition("Ready", status="True", reason="RunWaiting", name="second")
    between.fault = lambda asked: Answer.refusal(403, "Forbidden") if "/second/" in asked.path else None
    tenant.change("second", historyLimit=9)
    operator.wait_for_line("reconcile.refused")
    tenant.add_channel("third")
    tenant.wait_for_condition("Ready", status="True", reason="RunWaiting", name="third")
    tenant.run(job)
    eventually(lambda: any("third" in one["metadata"]["name"] for one in tenant.jobs()), "the third one's run")
