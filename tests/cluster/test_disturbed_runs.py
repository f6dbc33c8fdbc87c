"""What clusters do to runs: kill and evict them, drain their node, restart under them, take away what they use."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from pathlib import Path

from devcluster.layout import NODE_NAME, Layout, Record, state_folder
from tests.cluster.tenant import CHANNEL, Json, Tenant


def _pod_of_the_active_run(tenant: Tenant) -> str:
    active = tenant.wait("the run to be active", lambda: tenant.status.get("activeRun"))
    assert isinstance(active, dict)
    job = f"batch.kubernetes.io/job-name={active['job']}"
    return tenant.kubectl("get", "pods", "-l", job, "-o", "jsonpath={.items[0].metadata.name}")


def _has_everything_once(tenant: Tenant, *names: str) -> None:
    assert sorted(str(entry["name"]) for entry in tenant.inbox()) == sorted(names)


def test_an_evicted_pod_is_replaced_and_is_no_failure(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    pod = _pod_of_the_active_run(tenant)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    path = f"/api/v1/namespaces/{tenant.namespace}/pods/{pod}/eviction"
    tenant.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    tenant.wait("the run to succeed", lambda: [run for run in tenant.history if run["result"] == "Succeeded"])
    _has_everything_once(tenant, "1.txt", "2.txt")
    # podFailurePolicy doesn't count it.
    done = "jsonpath={.items[*].status.conditions[?(@.type=='Complete')].status}"
    tenant.wait("the one Job to be complete", lambda: tenant.kubectl("get", "jobs", "-o", done) == "True")


def test_a_drained_node_delays_the_run_and_loses_nothing(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    pod = _pod_of_the_active_run(tenant)
    try:
        tenant.kubectl(
            "drain", NODE_NAME, "--force", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=90s",
            f"--pod-selector=bannette.io/channel={CHANNEL}",
        )  # fmt: skip
        tenant.wait("the pod to be gone", lambda: pod not in str(tenant.pods()))
        assert len(tenant.jobs()) == 1
    finally:
        tenant.kubectl("uncordon", NODE_NAME)
    tenant.wait("the run to succeed", lambda: [run for run in tenant.history if run["result"] == "Succeeded"])
    _has_everything_once(tenant, "1.txt", "2.txt")


def test_too_little_memory_is_named_and_more_is_enough(tenant: Tenant) -> None:
    little = {"resources": {"limits": {"memory": "24Mi"}, "requests": {"memory": "24Mi"}}}
    tenant.create_channel(collector={**_ca(), **little}, ocr={"enabled": False})
    tenant.wait("the run to fail", lambda: tenant.history)
    (entry,) = tenant.history
    assert (entry["result"], entry["reason"]) == ("Failed", "OOMKilled")
    assert "spec.collector.resources.limits" in str(entry["message"])
    enough = {"resources": {"limits": {"memory": "512Mi"}, "requests": {"memory": "64Mi"}}}
    tenant.create_channel(collector={**_ca(), **enough}, ocr={"enabled": False})
    tenant.request("again")
    tenant.wait("the run to succeed", lambda: [run for run in tenant.history if run["result"] == "Succeeded"])
    _has_everything_once(tenant, "1.txt", "2.txt")


def _ca() -> Json:
    return {"caBundle": {"configMap": "simulator-ca", "key": "ca.crt"}}


def test_the_api_server_restarted_during_a_run_costs_it_nothing(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    _pod_of_the_active_run(tenant)
    _signal_component("kube-apiserver", signal.SIGKILL)
    tenant.wait("the API server to answer", lambda: _answers(tenant))
    tenant.wait_for_runs(1)
    assert [(run["result"], run["collected"]) for run in tenant.history] == [("Succeeded", 2)]
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    _has_everything_once(tenant, "1.txt", "2.txt")


def test_a_binder_deleted_during_a_run_loses_nothing_and_holds_the_next_one(tenant: Tenant) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    tenant.drop("3.txt", "A slow one")
    tenant.slow_down(15)
    tenant.request("with a binder")
    _pod_of_the_active_run(tenant)
    uid = tenant.kubectl("get", "binder", "purchases", "-o", "jsonpath={.metadata.uid}")
    tenant.kubectl("delete", "binder", "purchases")
    tenant.wait_for_runs(2)
    tenant.wait("it to be said", lambda: tenant.condition("PrerequisitesMet").get("status") == "False")
    tenant.drop("4.txt", "Later")
    tenant.request("without one")
    tenant.wait("the request to be held", lambda: "without one" in str(tenant.condition("Ready").get("message")))
    assert len(tenant.history) == 2
    tenant.create_binder()
    tenant.wait_for_runs(3)
    # Another resource of that name may be another company's: a person says that it isn't.
    assert (tenant.history[0]["result"], tenant.history[0]["reason"]) == ("Failed", "BinderReplaced")
    tenant.kubectl("annotate", "binder", "purchases", f"bannette.io/adopt={uid}")
    tenant.request("adopted")
    tenant.wait_for_runs(4)
    _has_everything_once(tenant, "1.txt", "2.txt", "3.txt", "4.txt")


def test_a_secret_rotated_during_a_run_is_used_by_the_next(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    _pod_of_the_active_run(tenant)
    tenant.kubectl("patch", "secret", "acme-app", "-p", '{"stringData": {"clientSecret": "not-the-right-one"}}')
    tenant.wait_for_runs(1)
    # It had its token, or is refused: either way it says so, and keeps what it has.
    tenant.drop("3.txt", "With the wrong secret")
    tenant.request("wrong")
    tenant.wait_for_runs(2)
    assert (tenant.history[0]["result"], tenant.history[0]["collected"]) == ("Failed", 0)
    tenant.wait_for_condition("Connected", status="False")
    tenant.kubectl("patch", "secret", "acme-app", "-p", '{"stringData": {"clientSecret": "simulated-secret"}}')
    tenant.request("right")
    tenant.wait_for_runs(3)
    assert tenant.history[0]["result"] == "Succeeded"
    tenant.wait_for_condition("Connected", status="True")
    _has_everything_once(tenant, "1.txt", "2.txt", "3.txt")


def test_a_limit_range_that_refuses_the_pod_is_told(tenant: Tenant) -> None:
    limits = [{"type": "Container", "max": {"memory": "1Gi"}}]
    limit_range = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"}, "spec": {"limits": limits}}
    tenant.apply(limit_range)
    tenant.create_channel()
    tenant.wait("the Job", tenant.jobs)
    tenant.wait("it to be told", lambda: "kubectl describe job" in str(tenant.condition("Ready").get("message")))
    tenant.kubectl("delete", "limitrange", "small")
    tenant.wait_for_runs(1)
    _has_everything_once(tenant, "1.txt", "2.txt")


def test_a_namespace_of_restricted_pods_and_quotas_takes_runs_as_they_are(tenant: Tenant) -> None:
    tenant.kubectl("label", "namespace", tenant.namespace, "pod-security.kubernetes.io/enforce=restricted")
    # What a quota counts every pod must name.
    hard = {"pods": "1", "requests.cpu": "500m", "requests.memory": "1Gi", "limits.memory": "2Gi"}
    limits = [{"type": "Container", "defaultRequest": {"cpu": "100m"}, "max": {"memory": "2Gi"}}]
    tenant.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tenant"}, "spec": {"hard": hard}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "tenant"}, "spec": {"limits": limits}},
    )
    tenant.create_channel()
    tenant.wait_for_runs(1)
    # A pod that has ended is counted no more: there is room for the next.
    tenant.request("again")
    tenant.wait_for_runs(2)
    assert [(run["result"], run["collected"]) for run in tenant.history] == [("Succeeded", 0), ("Succeeded", 2)]
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")


def test_etcd_that_stands_still_for_half_a_minute_costs_a_run_nothing(tenant: Tenant) -> None:
    tenant.slow_down(15)
    tenant.create_channel()
    _pod_of_the_active_run(tenant)
    _signal_component("etcd", signal.SIGSTOP)
    try:
        time.sleep(30)
    finally:
        _signal_component("etcd", signal.SIGCONT)
    tenant.wait("the API server to answer", lambda: _answers(tenant))
    tenant.wait_for_runs(1)
    assert [(run["result"], run["collected"]) for run in tenant.history] == [("Succeeded", 2)]
    assert len(tenant.jobs()) == 1
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    _has_everything_once(tenant, "1.txt", "2.txt")


def _signal_component(name: str, number: signal.Signals) -> None:
    """Send a signal to a component of the node; the supervisor starts it again when that ends it."""
    layout = Layout(state_folder())
    record = Record.load(layout.record)
    assert record is not None
    (component,) = [one for one in json.loads(layout.running.read_text()) if one["name"] == name]
    os.kill(_outer_pid(record.pid, component["pid"]), number)


def _outer_pid(supervisor: int, within: int) -> int:
    """Return our pid of the supervisor's child that has the pid *within* in the node."""
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended in between: it has all orphans
            (inner,) = re.findall(r"^NSpid:.*\t(\d+)$", Path(f"/proc/{child}/status").read_text(), re.MULTILINE)
            if int(inner) == within:
                return int(child)
    raise AssertionError(f"No process {within} in the node")


def _answers(tenant: Tenant) -> bool:
    return tenant.kubectl("get", "--raw", "/readyz") == "ok"
