"""Two replicas of the operator, as the chart deploys them: the one that works dies, and another takes over."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from demo.installation import OPERATOR_NAMESPACE, SIMULATOR_ORIGIN, install_operator, wait_for_rollout
from devcluster import chart
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from tests.cluster.tenant import Tenant

OF_REPLICAS = "poddisruptionbudget/bannette-operator,role/bannette-operator,rolebinding/bannette-operator"


@pytest.fixture
def replicas(kubectl: Kubectl, image_names: dict[str, str], ca_file: Path) -> Iterator[Kubectl]:
    """Two replicas, both ready; afterwards there is one again."""
    settings = {
        "operator.replicas": "2",
        "images.operator": image_names["operator"],
        "images.collector": image_names["collector"],
        "onedrive.graphUrl": SIMULATOR_ORIGIN,
        "onedrive.authorityUrl": SIMULATOR_ORIGIN,
    }
    text = chart.render(*(f"{name}={value}" for name, value in settings.items()))
    documents = [document for document in yaml.safe_load_all(text) if document]
    try:
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(documents))
        wait_for_rollout(kubectl, OPERATOR_NAMESPACE, "bannette-operator")
        yield kubectl
    finally:
        kubectl("-n", OPERATOR_NAMESPACE, "delete", "--ignore-not-found", *OF_REPLICAS.split(","))
        origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
        install_operator(kubectl, image_names, environment=origins)


def _leader(kubectl: Kubectl) -> str:
    """Return the name of the pod that holds the Lease; "" while it names none, or one of earlier that left it so."""
    chosen = ("get", "pods", "-l", "app.kubernetes.io/component=operator", "-o", "json")
    pods = json.loads(kubectl("-n", OPERATOR_NAMESPACE, *chosen))["items"]
    there = [one["metadata"]["name"] for one in pods if "deletionTimestamp" not in one["metadata"]]
    try:
        lease = json.loads(kubectl("-n", OPERATOR_NAMESPACE, "get", "lease", "bannette-operator", "-o", "json"))
    except CommandFailed:
        return ""
    holder = str(lease["spec"].get("holderIdentity") or "")
    return holder if holder in there else ""


def _stop_processes(kubectl: Kubectl, pod: str) -> None:
    """Let the processes of *pod* do nothing more, so that it dies without giving anything back."""
    name = ("get", "pod", pod, "-o", "jsonpath={.metadata.uid}")
    uid = kubectl("-n", OPERATOR_NAMESPACE, *name).strip()
    stopped = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            is_its = f"pod{uid}" in (process / "cgroup").read_text()
            runs_python = "python" in (process / "cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_its and runs_python:
            os.kill(int(process.name), signal.SIGSTOP)
            stopped.append(process.name)
    assert stopped, f"no process of {pod} is found on the node"


def test_when_the_pod_that_works_dies_another_takes_over(replicas: Kubectl, tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    leader = str(tenant.wait("a leader", lambda: _leader(replicas)))
    tenant.drop("3.txt", "A third one")
    _stop_processes(replicas, leader)
    tenant.request("to whoever works")
    # The kubelet asks it to end, which it can't hear, and kills it.
    replicas("-n", OPERATOR_NAMESPACE, "delete", "pod", leader, "--grace-period=1", "--wait=false")
    tenant.wait("another to take over", lambda: _leader(replicas) not in ("", leader))
    tenant.wait_for_runs(2)
    assert [(run["trigger"], run["collected"]) for run in tenant.history] == [("Manual", 1), ("Initial", 2)]
    tenant.wait("the acknowledgement", lambda: tenant.status.get("lastHandledRequestedAt") == "to whoever works")
    assert len(tenant.jobs()) == 2
