"""``kubectl collection`` where pods run: binders are read, and the doctor's probes reach what runs reach."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devcluster.kubectl import Kubectl
from tests.cluster.tenant import CHANNEL, Tenant
from tests.controller.calling import install_plugin

ENFORCE = "pod-security.kubernetes.io/enforce"
Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(kubectl: Kubectl, tenant: Tenant, tmp_path: Path) -> Called:
    """Calls ``kubectl collection ARGUMENTS`` in the tenant's namespace, which takes only restricted pods meanwhile."""
    environment = kubectl.environment() | install_plugin(tmp_path / "bin")

    def act(*arguments: str, user: str | None = None) -> tuple[int, str, str]:
        options = ["-n", tenant.namespace]
        if user is not None:
            config = json.loads(kubectl("config", "view", "--raw", "-o", "json"))
            for one in config["users"]:
                one["user"]["as"] = user
            (tmp_path / user).write_text(json.dumps(config))
            options += ["--kubeconfig", str(tmp_path / user)]
        kubectl("label", "namespace", tenant.namespace, f"{ENFORCE}=restricted")
        try:
            done = subprocess.run(
                ["kubectl", "collection", *arguments, *options],
                capture_output=True,
                text=True,
                env=environment,
                timeout=400,
                check=False,
            )
        finally:
            kubectl("label", "namespace", tenant.namespace, f"{ENFORCE}-")
        return done.returncode, done.stdout, done.stderr

    return act


def errands_are_gone(tenant: Tenant) -> bool:
    """Whether no pod of the plugin's is left: it asks for their end, and doesn't wait for it."""
    return tenant.kubectl("get", "pods", "-l", "bannette.io/errand", "-o", "name") == ""


def files(tenant: Tenant) -> list[str]:
    return sorted(tenant.in_binder("find", "/binder", "-type", "f").splitlines())


def test_history_and_inbox_come_from_the_binder_to_whoever_may_edit(tenant: Tenant, call: Called) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    tenant.drop("3.txt", "A third one")
    tenant.request("once")
    tenant.wait_for_runs(2)
    tenant.kubectl("create", "rolebinding", "eddy", "--clusterrole=edit", "--user=eddy")
    # The API server hears of it a moment later; the command fails until then.
    tenant.wait("Eddy's rights", lambda: tenant.kubectl("auth", "can-i", "create", "pods", "--as", "eddy"))

    code, output, errors = call("history", CHANNEL, "-o", "json", user="eddy")
    assert (code, errors) == (0, "")
    assert [(run["trigger"], run["result"], run["collected"]) for run in json.loads(output)] == [
        ("Manual", "Succeeded", 1),
        ("Initial", "Succeeded", 2),
    ]
    code, output, errors = call("history", "-b", "purchases", "--limit", "1", user="eddy")
    assert (code, errors) == (0, "")
    head, row = output.splitlines()
    assert head.split()[:2] == ["STARTED", "CHANNEL"]
    assert f"{tenant.namespace}/{CHANNEL}" in row

    code, output, errors = call("inbox", "-b", "purchases", "-o", "json", user="eddy")
    assert (code, errors) == (0, "")
    assert sorted(entry["name"] for entry in json.loads(output)) == ["1.txt", "2.txt", "3.txt"]
    assert json.loads(output) == tenant.inbox()
    code, output, errors = call("inbox", CHANNEL)
    assert (code, errors) == (0, "")
    assert output.splitlines()[0].split()[0] == "ID"
    tenant.wait("the plugin's pods to go", lambda: errands_are_gone(tenant))


def test_a_binder_into_which_nothing_was_collected_is_said_to_be_none(tenant: Tenant, call: Called) -> None:
    tenant.create_channel(suspend=True)
    tenant.kubectl("wait", "cch", CHANNEL, "--for=condition=Ready", "--timeout=110s")
    code, output, errors = call("inbox", CHANNEL)
    assert (code, output) == (2, "")
    assert "no binder here" in errors


def test_the_doctor_probes_what_runs_reach_and_leaves_nothing(tenant: Tenant, call: Called) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    before = files(tenant)
    code, output, errors = call("doctor", "--probe")
    assert (code, errors) == (0, ""), output
    lines = output.splitlines()
    assert lines[-1] == "No problem was found."
    for said in (
        "Definitions: collectionchannels.bannette.io is as this plugin knows it",
        "Operator: Deployment bannette-system/bannette-operator is available",
        "Operator's rights: ServiceAccount bannette-system/bannette-operator has all",
        "Policy: bannette-configure is in force",
        f"Channel {CHANNEL}: what it needs is there",
        "Storage of binder purchases: PersistentVolumeClaim purchases is bound",
        "Egress to sign-in: https://onedrive-simulator",
        "Egress to Microsoft Graph: https://onedrive-simulator",
        "Store of binder purchases: it can be read and written",
    ):
        assert [line for line in lines if line.startswith("ok ") and said in line], said
    assert files(tenant) == before
    tenant.wait("the plugin's pods to go", lambda: errands_are_gone(tenant))


def test_a_probe_tells_a_certificate_that_is_not_trusted(tenant: Tenant, call: Called) -> None:
    tenant.create_channel(collector={}, suspend=True)
    tenant.kubectl("wait", "cch", CHANNEL, "--for=condition=Ready", "--timeout=110s")
    code, output, errors = call("doctor", CHANNEL, "--probe", "-o", "json")
    assert (code, errors) == (2, "")
    problems = [(one["check"], one["message"]) for one in json.loads(output) if one["state"] == "problem"]
    assert [check for check, _ in problems] == ["Egress to sign-in", "Egress to Microsoft Graph"]
    assert all("spec.collector.caBundle" in message for _, message in problems)
    assert all(message.endswith(f"like those of channel {CHANNEL}.") for _, message in problems)
