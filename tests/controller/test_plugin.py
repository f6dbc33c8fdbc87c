"""``kubectl collection`` as a person calls it, on a real API server beside a real operator."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.controller.calling import Called, Started, call, start
from tests.controller.cluster import Operator, Tenant

__all__ = ["call", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


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
    assert f"{tenant.namespace}/acme-onedrive  SeveralMissing" in output
    assert 'Recipient "marie"' in output
    assert output.endswith("1 of 1 channel needs a person.\n")
    [need] = json.loads(call("status", "-o", "json")[1])
    assert (need["name"], need["reason"]) == ("acme-onedrive", "SeveralMissing")
    tenant.add_prerequisites()
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    assert call("status")[1] == "None of 1 channel needs a person.\n"


def test_run_follows_the_run_to_its_end(settled: Tenant, start: Started) -> None:
    process = start("run", "acme-onedrive", "--yes", "-o", "json")
    job = settled.wait_for_job("Manual")
    settled.run(job, collected=7)
    output, errors = process.communicate(timeout=60)
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
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=3)
    settled.end_pod(settled.wait_for_pod(job), exit_code=2, reason="Error")
    settled.wait_until_finished(job)
    output, _ = process.communicate(timeout=60)
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
