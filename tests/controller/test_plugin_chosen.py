"""Which cluster, namespace and channel ``kubectl collection`` is about, as kubectl's users choose them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.controller.calling import Called, call, install_plugin, start
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

__all__ = ["call", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(300)]


def test_one_channel_of_several_is_asked_for(tenant: Tenant, operator: Operator, call: Called) -> None:
    tenant.add_channel()
    tenant.add_channel("other-onedrive")
    tenant.wait_for_condition("Ready", status="False", reason="PrerequisitesMissing")
    code, output, _ = call("status", "acme-onedrive")
    assert code == 0
    assert output.startswith(f"{tenant.namespace}/acme-onedrive  SeveralMissing")
    assert output.endswith("\nThe channel needs a person.\n")
    assert "other-onedrive" not in output
    code, output, errors = call("status", "nope")
    assert (code, output) == (2, "")
    assert f'"nope" not found in namespace {tenant.namespace}' in errors


def test_the_namespace_may_stand_before_the_command(tenant: Tenant, call: Called) -> None:
    said = f"There is no channel in namespace {tenant.namespace}.\n"
    assert call("-n", tenant.namespace, "status") == (0, said, "")
    # Whoever names two means the last one.
    assert call("-n", "default", "status", "-n", tenant.namespace) == (0, said, "")


def test_who_has_chosen_no_cluster_is_told_how_to(tmp_path: Path) -> None:
    environment = os.environ | install_plugin(tmp_path / "bin") | {"KUBECONFIG": str(tmp_path / "none")}
    ran = subprocess.run(
        ["kubectl", "collection", "doctor"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("kubectl collection: No cluster is chosen: set KUBECONFIG, or name ")
