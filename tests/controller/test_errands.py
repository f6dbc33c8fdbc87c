"""The pods that ``kubectl collection history`` and ``inbox`` make, on an API server whose pods never start."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.controller.calling import Called, Started, call, start
from tests.controller.cluster import PATIENCE, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import bind
from tests.controller.tenant import Tenant

__all__ = ["call", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

Json = dict[str, Any]


def errands(tenant: Tenant) -> list[Json]:
    path = f"/api/v1/namespaces/{tenant.namespace}/pods?labelSelector=bannette.io%2Ferrand"
    found: list[Json] = tenant.cluster.request("GET", path)["items"]
    return found


def wait_for_errand(tenant: Tenant) -> Json:
    return eventually(lambda: next(iter(errands(tenant)), None), "the pod of an errand")


@pytest.fixture
def scheduled(tenant: Tenant, operator: Operator) -> Tenant:
    """A channel that has its CronJob, in a namespace that takes restricted pods only."""
    tenant.add_prerequisites()
    tenant.add_channel(suspend=True)
    tenant.wait_for_condition("Ready", status="True", reason="Suspended")
    return tenant


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_pod_is_removed_though_its_caller_is_ended(scheduled: Tenant, start: Started, number: signal.Signals) -> None:
    process = start("history", "acme-onedrive")
    wait_for_errand(scheduled)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number), errors
    assert errors == ""
    eventually(lambda: not errands(scheduled), "the pod is removed")


def test_a_pod_may_do_no_more_than_it_must(scheduled: Tenant, start: Started) -> None:
    process = start("inbox", "-b", "purchases")
    pod = wait_for_errand(scheduled)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    spec = pod["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] == 300
    mounts = {mount["name"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    assert mounts == {"scratch": False, "binder": True}
    assert {volume["name"] for volume in spec["volumes"]} == {"scratch", "binder"}
    assert container["image"] == "registry.example/bannette-collector:1.0"
    assert pod["metadata"]["labels"]["bannette.io/channel"] == "acme-onedrive"
    assert [owner["uid"] for owner in pod["metadata"]["ownerReferences"]] == [scheduled.channel()["metadata"]["uid"]]


def test_a_pod_that_does_not_start_is_given_up_and_removed(scheduled: Tenant, call: Called) -> None:
    code, output, errors = call("history", "acme-onedrive", "--timeout", "3")
    assert (code, output) == (3, "")
    assert "The pod hasn't started in 3 s: is there a node with room for it?" in errors
    assert not errands(scheduled)


def test_a_pod_that_runs_for_too_long_is_given_up_and_removed(scheduled: Tenant, start: Started) -> None:
    process = start("history", "acme-onedrive", "--timeout", "12")
    name = wait_for_errand(scheduled)["metadata"]["name"]
    path = f"/api/v1/namespaces/{scheduled.namespace}/pods/{name}/status"
    running = {"status": {"phase": "Running"}}
    scheduled.cluster.request("PATCH", path, running, content_type="application/merge-patch+json")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert "The pod hasn't ended in 12 s: `--timeout` gives it longer." in errors
    assert not errands(scheduled)


def test_a_pod_whose_image_does_not_come_is_told(scheduled: Tenant, start: Started) -> None:
    # Half of that it is waited for.
    process = start("history", "acme-onedrive", "--timeout", "20")
    name = wait_for_errand(scheduled)["metadata"]["name"]
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: no such host."}
    container = {"name": "collector", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
    status = {"containerStatuses": [{**container, "state": {"waiting": waiting}}]}
    path = f"/api/v1/namespaces/{scheduled.namespace}/pods/{name}/status"
    scheduled.cluster.request("PATCH", path, {"status": status}, content_type="application/merge-patch+json")
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "doesn't start (ImagePullBackOff): Back-off pulling image: no such host." in errors
    assert not errands(scheduled)


def test_what_a_killed_call_left_is_removed_by_the_next_one_and_what_goes_on_is_not(
    scheduled: Tenant, start: Started, call: Called
) -> None:
    killed = start("history", "acme-onedrive")
    left = wait_for_errand(scheduled)["metadata"]["name"]
    killed.kill()
    killed.wait(timeout=PATIENCE)
    assert call("inbox", "acme-onedrive", "--timeout", "1")[0] == 3
    assert [pod["metadata"]["name"] for pod in errands(scheduled)] == [left]
    path = f"/api/v1/namespaces/{scheduled.namespace}/pods/{left}"
    past = {"metadata": {"annotations": {"bannette.io/until": "2026-01-01T00:00:00Z"}}}
    scheduled.cluster.request("PATCH", path, past, content_type="application/merge-patch+json")
    assert call("inbox", "acme-onedrive", "--timeout", "1")[0] == 3
    assert errands(scheduled) == []


def test_whoever_may_not_make_pods_is_told_what_it_takes(scheduled: Tenant, call: Called) -> None:
    bind(scheduled.cluster, scheduled.namespace, "rita", "bannette-viewer")
    code, output, errors = call("history", "acme-onedrive", user="rita")
    assert (code, output) == (2, "")
    assert "cronjobs" in errors
    assert "to create, get, list, watch and delete pods, and to get pods/log" in errors
    assert "the ClusterRole edit has them" in errors
    bind(scheduled.cluster, scheduled.namespace, "rita", "view")
    code, _, errors = call("inbox", "acme-onedrive", user="rita")
    assert code == 2
    assert 'cannot create resource "pods"' in errors
    assert "the ClusterRole edit has them" in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("history",), "Name a channel, or a binder with -b"),
        (("inbox", "acme-onedrive", "-b", "purchases"), "Name a channel, or a binder with -b"),
        (("history", "other"), '"other" not found'),
        (("inbox", "-b", "other"), '"other" not found'),
        (("history", "acme-onedrive", "--limit", "some"), "must be a whole number"),
        (("history", "acme-onedrive", "--timeout", "0"), "from 1 to 86400"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(
    tenant: Tenant, call: Called, arguments: tuple[str, ...], said: str
) -> None:
    code, output, errors = call(*arguments)
    assert (code, output) == (2, "")
    assert said in errors


def test_a_binder_that_no_channel_collects_into_and_a_channel_without_its_cron_job_are_told(
    tenant: Tenant, call: Called
) -> None:
    tenant.add_prerequisites()
    code, _, errors = call("inbox", "-b", "purchases")
    assert code == 2
    assert "No channel of namespace" in errors
    tenant.add_channel()
    code, _, errors = call("inbox", "-b", "purchases")
    assert code == 2
    assert "has no CronJob yet" in errors
