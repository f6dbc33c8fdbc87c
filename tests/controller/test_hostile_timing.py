"""Answers of the API server that are overtaken by what happened to their object since."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import requests

from bannette.controller.names import CHANNEL, JOB, SERVICE_ACCOUNT, Kind
from tests.controller.between import Asked, Between, Fault, Late
from tests.controller.cluster import PATIENCE, Cluster, eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant
from tests.controller.test_operator_port import free_port

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.fixture
def overtaken(cluster: Cluster, tenant: Tenant, between: Between) -> Callable[[str, str, Kind, str], threading.Event]:
    """Have an object deleted, and the operator told of it, before the answer to a request about it arrives."""

    done = threading.Event()

    def prepare(method: str, ending: str, kind: Kind, name: str) -> threading.Event:
        def act() -> None:
            found = next(
                one for one in cluster.list(kind, tenant.namespace) if one["metadata"]["name"].startswith(name)
            )
            cluster.delete(kind, tenant.namespace, found["metadata"]["name"])
            eventually(lambda: not cluster.find(kind, tenant.namespace, found["metadata"]["name"]), f"{name} is gone")
            # What comes later is seen: so is this.
            tenant.add_channel("later")
            tenant.wait_for_condition("PrerequisitesMet", status="True", reason="AllPresent", name="later")
            done.set()

        left = [Late(act)]

        def fault(asked: Asked) -> Fault | None:
            return left.pop() if left and asked.method == method and asked.path.endswith(ending) else None

        between.fault = fault
        return done

    return prepare


def test_a_job_that_is_deleted_before_its_answer_comes_holds_nothing_up(
    tenant: Tenant, between: Between, new_operator: NewOperator, overtaken: Callable[..., threading.Event]
) -> None:
    tenant.add_prerequisites()
    new_operator("--max-concurrent-runs=2", server=between.url).start()
    done = overtaken("POST", "/jobs", JOB, "acme-onedrive-initial")
    tenant.add_channel()
    assert done.wait(PATIENCE)
    eventually(
        lambda: (
            {job["metadata"]["labels"]["bannette.io/channel"] for job in tenant.jobs("Initial")}
            == {"acme-onedrive", "later"}
        ),
        "both first collections are started",
    )


def test_a_child_that_is_deleted_before_its_answer_comes_is_made_again(
    cluster: Cluster,
    tenant: Tenant,
    between: Between,
    new_operator: NewOperator,
    overtaken: Callable[..., threading.Event],
) -> None:
    tenant.add_prerequisites()
    new_operator(server=between.url).start()
    name = "acme-onedrive-collector"
    done = overtaken("PATCH", f"/serviceaccounts/{name}", SERVICE_ACCOUNT, name)
    tenant.add_channel()
    assert done.wait(PATIENCE)
    eventually(lambda: cluster.find(SERVICE_ACCOUNT, tenant.namespace, name), "the ServiceAccount is there again")


@pytest.mark.parametrize("change", ["suspended", "collected"])
def test_a_channel_that_changes_before_its_first_run_is_made_gets_none(
    cluster: Cluster, tenant: Tenant, between: Between, new_operator: NewOperator, change: str
) -> None:
    """As when its watch is behind: it is looked at once more right before."""
    tenant.add_prerequisites()
    new_operator(server=between.url).start()
    position, changed = cluster.audit_position(), threading.Event()
    entry = {
        "id": "11111111-2222-3333-4444-555555555555",
        "trigger": "Initial",
        "startedAt": "2026-11-24T10:00:00Z",
        "completedAt": "2026-11-24T10:00:10Z",
        "result": "Succeeded",
        "reason": "Collected",
        "message": "3 documents.",
    }

    def change_first(asked: Asked) -> Fault | None:
        if asked.method == "GET" and asked.path.endswith("/collectionchannels/acme-onedrive") and not changed.is_set():
            changed.set()
            if change == "suspended":
                tenant.change(suspend=True)
            else:
                tenant.report({"history": [entry], "lastRun": entry})
        return None

    between.fault = change_first
    tenant.add_channel()
    assert changed.wait(PATIENCE)
    ready = {"suspended": "Suspended", "collected": "Scheduled"}[change]
    tenant.wait_for_condition("Ready", status="True", reason=ready)
    tenant.change(historyLimit=9)
    eventually(lambda: tenant.status()["observedGeneration"] == tenant.channel()["metadata"]["generation"], "looked at")
    assert cluster.created_by(Operator.user, "jobs", namespace=tenant.namespace, since=position) == []


def test_a_channel_that_is_deleted_before_its_answer_comes_is_forgotten(
    tenant: Tenant, between: Between, new_operator: NewOperator, overtaken: Callable[..., threading.Event]
) -> None:
    tenant.add_prerequisites()
    port = free_port()
    new_operator(f"--listen=127.0.0.1:{port}", server=between.url).start()
    done = overtaken("PATCH", "/collectionchannels/acme-onedrive/status", CHANNEL, "acme-onedrive")
    tenant.add_channel()
    assert done.wait(PATIENCE)

    def known() -> str:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text

    eventually(lambda: 'bannette_channel_suspended{channel="later"' in known(), "the later channel has series")
    assert 'channel="acme-onedrive"' not in known()
