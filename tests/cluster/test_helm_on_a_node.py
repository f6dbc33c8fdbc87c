"""Helm itself on a node: it takes over an installation, upgrades, uninstalls and installs again; channels live on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.installation import OPERATOR_NAMESPACE, SIMULATOR_ORIGIN, install_operator
from devcluster import chart
from devcluster.kubectl import Kubectl
from tests.cluster.tenant import Tenant

RELEASE = ("bannette", str(chart.CHART))


@pytest.fixture
def helm(kubectl: Kubectl, image_names: dict[str, str], ca_file: Path, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Runs ``helm`` in the operator's namespace; afterwards the installation is as it was."""
    homes = {f"HELM_{name}_HOME": str(tmp_path / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(chart.helm()), *arguments, "--namespace", OPERATOR_NAMESPACE],
            capture_output=True,
            text=True,
            env={**os.environ, **kubectl.environment(), **homes},
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        yield run
    finally:
        run("uninstall", "bannette", "--ignore-not-found", "--wait")
        origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
        install_operator(kubectl, image_names, environment=origins)


@pytest.fixture
def values(image_names: dict[str, str]) -> tuple[str, ...]:
    """The options that name this cluster's images, and the simulator in Microsoft's place."""
    named = {
        "images.operator": image_names["operator"],
        "images.collector": image_names["collector"],
        "onedrive.graphUrl": SIMULATOR_ORIGIN,
        "onedrive.authorityUrl": SIMULATOR_ORIGIN,
    }
    return tuple(option for name, value in named.items() for option in ("--set", f"{name}={value}"))


def _lives(tenant: Tenant) -> list[str]:
    """Return which objects the channel and its CronJob are, and what the CronJob says."""
    found = [json.loads(tenant.kubectl("get", kind, "-o", "json"))["items"] for kind in ("cch", "cronjobs")]
    (channel,), (cron_job,) = found
    spec = cron_job["spec"]
    return [channel["metadata"]["uid"], cron_job["metadata"]["uid"], spec["schedule"], json.dumps(spec["jobTemplate"])]


def test_channels_and_a_run_live_through_upgrade_uninstall_and_reinstall(
    helm: Callable[..., str], values: tuple[str, ...], tenant: Tenant
) -> None:
    helm("install", *RELEASE, *values, "--take-ownership", "--force-conflicts", "--wait", "--timeout=5m")
    tenant.create_channel()
    tenant.wait_for_runs(1)
    before = _lives(tenant)

    tenant.drop("3.txt", "A slow one")
    tenant.slow_down(20)
    tenant.request("under way")
    tenant.wait("the run to be active", lambda: tenant.status.get("activeRun"))
    # kubectl still manages, beside Helm, what it set and Helm took over unchanged.
    helm("upgrade", *RELEASE, *values, "--set=operator.replicas=2", "--force-conflicts", "--wait", "--timeout=5m")
    tenant.wait("two pods of the operator, and none of before", lambda: len(tenant.operator_pods()) == 2)
    tenant.wait_for_runs(2)
    assert _lives(tenant) == before

    helm("uninstall", "bannette", "--wait", "--timeout=5m")
    tenant.wait("the operator's pods to go", lambda: not tenant.operator_pods())
    assert _lives(tenant) == before

    tenant.request("meanwhile")
    helm("install", *RELEASE, *values, "--wait", "--timeout=5m")
    tenant.wait_for_runs(3)
    assert _lives(tenant) == before
    told = [(run.get("request"), run["result"], run["collected"]) for run in tenant.history]
    assert told == [("meanwhile", "Succeeded", 0), ("under way", "Succeeded", 1), (None, "Succeeded", 2)]
    assert sorted(str(entry["name"]) for entry in tenant.inbox()) == ["1.txt", "2.txt", "3.txt"]
