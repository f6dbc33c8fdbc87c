"""A run as a pod does it, with the binder in a bucket and the bucket's Secret mounted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bannette.binder import Binder, open_store
from bannette.collector import ClusterAssignment, Interruption, Run
from bannette.collector.order import Order
from bannette.kube import ClusterApi
from bannette.resources import Trigger
from devcluster.apiserver import ApiServer
from tests.collector.test_in_cluster import CRDS, NAMESPACE, RESOURCES
from tests.stores.services import S3_KEY, S3_SECRET, s3_location

pytestmark = [pytest.mark.stores, pytest.mark.apiserver, pytest.mark.timeout(1200)]


@pytest.fixture
def location(gateway):
    return s3_location(gateway)


@pytest.fixture
def api(simulator, location):
    """The API server with a channel whose binder is in a bucket."""
    named = f"bucket: {location.bucket}, prefix: {location.prefix}, endpoint: '{location.endpoint}'"
    resources = RESOURCES.format(
        namespace=NAMESPACE, tenant=simulator.tenant_id, user=simulator.user, client=simulator.client_id
    ).replace("{persistentVolumeClaim: {claimName: purchases}}", f"{{s3: {{{named}, credentialsSecret: {{name: b}}}}}}")
    with ApiServer() as server:
        server.install_crds(CRDS)
        server.kubectl("create", "namespace", NAMESPACE)
        server.apply(resources)
        yield ClusterApi(server.url, namespace=NAMESPACE, token=server.token, ca=server.ca_file.read_text())


@pytest.fixture
def mounted(tmp_path, simulator) -> Path:
    """The folders that the operator mounts into the pod."""
    for name, members in {
        "credentials": {"clientSecret": simulator.client_secret},
        "store": {"accessKeyId": S3_KEY, "secretAccessKey": f"{S3_SECRET}\n"},
    }.items():
        (tmp_path / name).mkdir()
        for key, value in members.items():
            (tmp_path / name / key).write_text(value)
    return tmp_path


def test_a_pod_collects_into_a_bucket_with_the_mounted_keys(api, mounted, simulator, location):
    simulator.control.create("/Invoices/a.txt", "alpha")
    now = datetime.now(UTC)
    order = Order(id="run-1", trigger=Trigger.MANUAL, started_at=now, due_at=now, job="job-1")
    environment = {**simulator.environment, "BANNETTE_TERMINATION_LOG": str(mounted / "log")}

    def collect(order):
        assignment = ClusterAssignment(
            api, channel="acme-onedrive", credentials=mounted / "credentials", store=mounted / "store"
        )
        # Pods have a /tmp of their own; tests that run side by side have one.
        assignment.scratch = mounted / "scratch"
        return Run(assignment, order, Interruption(), environ=environment, in_pod=True).run()

    entry, code = collect(order)
    assert (code, entry.collected) == (0, 1), entry
    assert [each.record.name for each in Binder.existing(open_store(location)).inbox()] == ["a.txt"]
    (mounted / "store" / "secretAccessKey").unlink()
    entry, code = collect(replace(order, id="run-2"))
    assert (code, entry.reason) == (2, "StoreCredentialsMissing")
    assert f'Secret "b" of namespace "{NAMESPACE}" lacks' in entry.message
    assert json.loads((mounted / "log").read_text())["id"] == "run-2"
