"""The operator's own port, asked while it works."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

import pytest
import requests

from devcluster.processes import free_ports
from tests.controller.between import Answer, Between
from tests.controller.cluster import eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant
from tests.controller.test_metrics import text_string_to_metric_families

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def free_port() -> int:
    """Return a port that the kernel gives to nobody else before an operator listens there."""
    (port,) = free_ports(1)
    return port


@pytest.fixture
def address(new_operator: Callable[..., Operator]) -> str:
    port = free_port()
    new_operator(f"--listen=127.0.0.1:{port}").start()
    return f"http://127.0.0.1:{port}"


def answer(address: str, path: str) -> requests.Response:
    return requests.get(f"{address}{path}", timeout=60)


def test_it_is_alive_and_ready(address: str) -> None:
    assert (answer(address, "/healthz").status_code, answer(address, "/healthz").text) == (200, "ok\n")
    eventually(lambda: answer(address, "/readyz").ok, "ready")


def test_it_is_alive_and_not_ready_while_it_cannot_list_what_is_there(
    new_operator: Callable[..., Operator], between: Between
) -> None:
    between.fault = lambda asked: Answer(503, "") if asked.path.endswith("/jobs") and not asked.watches else None
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    new_operator(f"--listen=127.0.0.1:{port}", server=between.url).start(until="watch.failed")
    ready = answer(address, "/readyz")
    assert (ready.status_code, "listed" in ready.text) == (503, True)
    assert answer(address, "/healthz").status_code == 200
    between.fault = lambda asked: None
    eventually(lambda: answer(address, "/readyz").ok, "ready")


def test_what_it_does_inside_is_told(tenant: Tenant, new_operator: Callable[..., Operator], between: Between) -> None:
    port = free_port()
    operator = new_operator(f"--listen=127.0.0.1:{port}", server=between.url).start()

    def value(sample: str) -> float:
        text = answer(f"http://127.0.0.1:{port}", "/metrics").text
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = [value(f"bannette_{name}_seconds_count") for name in ("queue_latency", "reconcile_duration")]
    tenant.add_prerequisites()
    between.fault = lambda asked: Answer.refusal(403, "Forbidden") if asked.writes and "/roles/" in asked.path else None
    tenant.add_channel()
    eventually(lambda: value('bannette_reconcile_errors_total{reason="Forbidden"}'), "the refusal is counted")
    name = f"{tenant.namespace}/acme-onedrive"
    operator.wait_for_line(f"ERROR reconcile.refused channel={name} ")
    between.fault = lambda asked: None
    job = tenant.wait_for_job("Initial")
    operator.wait_for_line(f"INFO run.requested channel={name} job={job['metadata']['name']}")
    run = f"channel={name} run={job['metadata']['uid']} trigger=Initial"
    tenant.run(job, result="Failed", reason="FolderNotFound")
    operator.wait_for_line(f"ERROR run.ended {run} result=Failed reason=FolderNotFound")
    after = [value(f"bannette_{name}_seconds_count") for name in ("queue_latency", "reconcile_duration")]
    assert all(now > then for now, then in zip(after, before, strict=True))


def test_its_metrics_follow_a_channel_from_its_first_run_to_its_end(tenant: Tenant, address: str) -> None:
    def value(name: str, **labels: str) -> float | None:
        of_channel = {"namespace": tenant.namespace, "channel": "acme-onedrive"}
        text = answer(address, "/metrics").text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and (of_channel | labels).items() <= sample.labels.items():
                    return float(sample.value)
        return None

    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first, collected=3, pages=5, requests=8)
    eventually(lambda: value("bannette_runs_total", trigger="Initial", result="Succeeded") == 1, "the run is counted")
    assert value("bannette_run_documents_total") == 3
    assert value("bannette_run_graph_requests_total") == 8
    eventually(lambda: value("bannette_channel_condition", type="Ready") == 1, "the channel is ready")
    assert value("bannette_channel_next_run_timestamp_seconds") is not None
    text = answer(address, "/metrics").text
    assert 'bannette_kubernetes_requests_total{code="201",method="POST",resource="jobs"} 1.0' in text
    assert "bannette_run_slots 20.0" in text
    tenant.cluster.request(
        "DELETE", f"/apis/bannette.io/v1alpha1/namespaces/{tenant.namespace}/collectionchannels/acme-onedrive"
    )
    eventually(lambda: tenant.namespace not in answer(address, "/metrics").text, "its series are gone")


def test_a_port_that_is_taken_is_named(new_operator: Callable[..., Operator]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=rf"Port {port} can't be opened"):
            new_operator(f"--listen=127.0.0.1:{port}").start()
