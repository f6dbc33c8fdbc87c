"""Answers of the API server that are overtaken by what happened to their object since."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import requests

from bannette.controller.names import CHANNEL, JOB, SERVICE_ACCOUNT, Kind
from tests.controller.between import Asked, Between, Fault, Late
from tests.controller.cluster import PATIENCE, Cluster, eventually
from tests.controller.operator_process import NewOperator
from tests.controller.tenant import Tenant
from tests.controller.test_operator_port import free_port

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


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
