"""``kubectl collection`` as a person calls it, on a real API server beside a real operator."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from bannette.controller.names import CHANNEL, JOB, on_demand_job_name
from tests.controller.calling import Called, Started, call, start
from tests.controller.cluster import PATIENCE, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import bind
from tests.controller.tenant import Tenant

__all__ = ["call", "start"]

Json = dict[str, Any]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.fixture
def settled(tenant: Tenant, operator: Operator) -> Tenant:
    """A channel whose first run has ended."""
    tenant.add_prerequisites()
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first)
    tenant.wait_for_entry(first)
    return tenant


def test_status_tells_what_needs_a_person(tenant: Tenant, operator: Operator, call: Called) -> None:
    assert call("status") == (0, f"There is no channel in namespace {tenant.namespace}.\n", "")
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="False", reason="PrerequisitesMissing")
    code, output, _ = call("status")
    assert code == 0
    assert call("status", "--exit-code")[0] == 2
    assert f"{tenant.namespace}/acme-onedrive  SeveralMissing" in output
    assert 'Recipient "marie"' in output
    assert output.endswith("\nThe channel needs a person.\n")
    code, output, _ = call("status", "--exit-code", "-o", "json")
    assert code == 2
    [need] = json.loads(output)
    assert (need["name"], need["reason"]) == ("acme-onedrive", "SeveralMissing")
    tenant.add_prerequisites()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert call("status", "--exit-code")[:2] == (0, "The channel needs no person.\n")


def test_a_namespace_that_is_not_there_is_said_to_be_missing(tenant: Tenant, call: Called) -> None:
    code, output, errors = call("status", "-n", "nope")
    assert (code, output) == (2, "")
    assert "Namespace nope doesn't exist" in errors
    code, output, errors = call("doctor", "-n", "nope", "-o", "json")
    assert (code, errors) == (2, "")
    found = {one["check"]: one["message"] for one in json.loads(output)}
    assert "Namespace nope doesn't exist" in found["Namespace"]
    assert not {"Your rights", "Channels"} & set(found)


def test_whoever_may_not_see_all_namespaces_is_told_to_name_one(tenant: Tenant, call: Called) -> None:
    bind(tenant.cluster, tenant.namespace, "nora", "bannette-viewer")
    code, output, errors = call("status", "-A", user="nora")
    assert (code, output) == (2, "")
    assert "at the cluster scope: look at one namespace, by -n NAMESPACE in place of -A." in errors
    # Whether it exists is not theirs to know.
    code, output, errors = call("status", user="nora")
    assert (code, output, errors) == (0, f"There is no channel in namespace {tenant.namespace}.\n", "")


def test_run_follows_the_run_to_its_end(settled: Tenant, start: Started) -> None:
    process = start("run", "acme-onedrive", "--yes", "-o", "json")
    job = settled.wait_for_job("Manual")
    settled.run(job, collected=7)
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    entry = json.loads(output)
    assert (entry["result"], entry["collected"], entry["job"]) == ("Succeeded", 7, job["metadata"]["name"])
    assert errors.endswith("kubectl collection: the run has ended\n")


def test_a_run_that_fails_is_told_when_its_job_gives_up(settled: Tenant, start: Started) -> None:
    process = start("run", "acme-onedrive", "--yes")
    job = settled.wait_for_job("Manual")
    said = settled.entry(job, result="Failed", reason="ServiceUnavailable", message="OneDrive is unavailable.")
    status = {"history": [said, *settled.status()["history"]], "lastRun": said}
    settled.report(status)
    assert process.stderr is not None
    assert "kubectl collection: the run has ended\n" in process.stderr, "it doesn't know yet"
    # Its Job may still try again: that is looked at with each state.
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=3)
    settled.end_pod(settled.wait_for_pod(job), exit_code=2, reason="Error")
    settled.wait_until_finished(job)
    output, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (3, "Failed: OneDrive is unavailable.\n")


def test_run_ends_when_the_run_has_started_if_nobody_waits(settled: Tenant, call: Called) -> None:
    code, output, _ = call("run", "acme-onedrive", "--yes", "--no-wait")
    assert (code, output) == (0, "The run has started.\n")
    assert len(settled.jobs("Manual")) == 1


def test_a_request_that_is_held_says_why(settled: Tenant, call: Called) -> None:
    settled.change(suspend=True)
    settled.wait_for_condition("Ready", status="True", reason="Suspended")
    code, _, errors = call("run", "acme-onedrive", "--yes")
    assert code == 2
    assert "held" in errors
    assert "spec.suspend" in errors


BLOCKED = {
    "type": "Ready",
    "status": "True",
    "reason": "RunBlocked",
    "message": "A run doesn't start: the collector's image can't be pulled (pod x).",
    "lastTransitionTime": "2026-11-24T05:30:00Z",
}


def requested(tenant: Tenant) -> str:
    """Return the request, when there is one."""

    def asked() -> str | None:
        found: str | None = (tenant.channel()["metadata"].get("annotations") or {}).get("bannette.io/requestedAt")
        return found

    return eventually(asked, "a request")


def acknowledge(tenant: Tenant, *, condition: Json | None = None) -> str:
    """Acknowledge the request as an operator does; return its value."""
    request = requested(tenant)
    tenant.report({"lastHandledRequestedAt": request, **({"conditions": [condition]} if condition else {})})
    return request


def test_a_request_behind_a_run_that_is_blocked_is_held(tenant: Tenant, start: Started) -> None:
    tenant.add_channel()
    process = start("run", "acme-onedrive", "--yes")
    request = requested(tenant)
    behind = f"{BLOCKED['message']} The request of {request} waits behind it."
    tenant.report({"conditions": [BLOCKED | {"message": behind}]})
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"The request is held: {behind}" in errors


def test_a_request_that_waits_for_a_sign_in_names_the_page_for_it(tenant: Tenant, start: Started) -> None:
    tenant.add_channel()
    process = start("run", "acme-onedrive", "--yes")
    request = requested(tenant)
    page = "https://connect.example/c/acme/acme-onedrive"
    waits = f"Its owner gets the link again at {page}. The request of {request} is held until then."
    tenant.report({"conditions": [BLOCKED | {"reason": "NotConnected", "message": waits}]})
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"The request is held: {waits}" in errors


def test_a_run_that_is_blocked_shows_why_and_ends_with_it(tenant: Tenant, start: Started) -> None:
    tenant.add_channel()
    process = start("run", "acme-onedrive", "--yes", "--timeout", "20")
    channel = tenant.channel()
    name = on_demand_job_name("acme-onedrive", channel["metadata"]["uid"], request=requested(tenant))
    # It is missed when it isn't there though the request is acknowledged.
    tenant.cluster.create(JOB, tenant.namespace, job_that_waits(name))
    acknowledge(tenant, condition=BLOCKED)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, errors
    *_, shown, last = errors.splitlines()
    assert shown == f"kubectl collection: {BLOCKED['message']}"
    assert last == f"kubectl collection: The run hasn't started in 20 s. {BLOCKED['message']}"


def job_that_waits(name: str) -> Json:
    container = {"name": "collector", "image": "none"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"suspend": True, "template": template}}


def test_a_run_whose_job_was_deleted_is_followed_no_longer(settled: Tenant, start: Started) -> None:
    process = start("run", "acme-onedrive", "--yes")
    job = settled.wait_for_job("Manual")
    settled.cluster.delete(JOB, settled.namespace, job["metadata"]["name"])
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3
    assert "Job was deleted" in output + errors


def test_a_job_that_went_is_missed_though_the_operator_is_away(tenant: Tenant, start: Started) -> None:
    tenant.add_channel()
    process = start("run", "acme-onedrive", "--yes")
    acknowledge(tenant)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (3, "")
    assert "The run's Job was deleted before it ended" in errors


def test_a_run_whose_channel_was_deleted_is_followed_no_longer(tenant: Tenant, start: Started) -> None:
    tenant.add_channel()
    process = start("run", "acme-onedrive", "--yes")
    request = requested(tenant)
    name = on_demand_job_name("acme-onedrive", tenant.channel()["metadata"]["uid"], request=request)
    tenant.cluster.create(JOB, tenant.namespace, job_that_waits(name))
    # It is at work, by its own word: its Job needn't be looked for.
    active = {"id": "x", "job": name, "trigger": "Manual", "startedAt": "2026-11-24T05:30:00Z", "collected": 1}
    tenant.report({"lastHandledRequestedAt": request, "activeRun": active})
    assert process.stderr is not None
    assert "kubectl collection: the run has started\n" in process.stderr
    tenant.cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (2, "")
    assert "was deleted meanwhile" in errors


@pytest.mark.parametrize(
    ("command", "annotation"), [("run", "requestedAt"), ("check", "check-connection"), ("disconnect", "disconnect")]
)
def test_a_request_in_whose_place_another_stands_is_waited_for_no_longer(
    tenant: Tenant, start: Started, command: str, annotation: str
) -> None:
    tenant.add_channel(delegated=True)
    tenant.report({"connection": {"page": "https://connect.example/c/acme/acme-onedrive"}})
    process = start(command, "acme-onedrive", *(["--yes"] if command != "check" else []))
    name = f"bannette.io/{annotation}"
    eventually(lambda: name in (tenant.channel()["metadata"].get("annotations") or {}), "a request")
    later = {"metadata": {"annotations": {name: "later"}}}
    tenant.cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", later)
    output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output) == (3, "")
    assert "A later request, later, took the place of this one" in errors


def test_an_operator_that_is_away_has_not_acknowledged(tenant: Tenant, call: Called) -> None:
    tenant.add_channel()
    code, output, errors = call("run", "acme-onedrive", "--yes", "--timeout", "3")
    assert (code, output) == (3, "")
    assert "The operator hasn't acknowledged the request in 3 s" in errors


def test_a_name_that_is_wrong_is_told_with_its_namespace(tenant: Tenant, call: Called) -> None:
    _, _, errors = call("run", "other", "--yes")
    said = f'collectionchannels.bannette.io "other" not found in namespace {tenant.namespace}'
    assert errors == f"kubectl collection: {said}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "acme-onedrive"), "give --yes"),
        (("run", "other", "--yes"), '"other" not found'),
        (("run", "other", "--yes", "--context", "none"), 'context "none" does not exist'),
        (("stop",), "invalid choice: 'stop'"),
    ],
)
def test_what_is_wrong_is_said(settled: Tenant, call: Called, arguments: tuple[str, ...], said: str) -> None:
    code, output, errors = call(*arguments)
    assert (code, output) == (2, "")
    assert said in errors
    assert not settled.jobs("Manual")
