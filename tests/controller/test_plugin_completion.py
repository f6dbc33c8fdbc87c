"""What kubectl itself offers after ``kubectl collection``, when it finds the plugin's program for that."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.controller.calling import install_plugin
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

PROGRAM = "import sys; from bannette.cli.plugin.completion import main; sys.exit(main())"


@pytest.fixture
def offered(tenant: Tenant, tmp_path: Path) -> Callable[..., list[str]]:
    """Returns what is offered for the last of some words."""
    environment = tenant.cluster.server.kubectl.environment() | install_plugin(tmp_path / "bin")
    program = tmp_path / "bin" / "kubectl_complete-collection"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{PROGRAM}' \"$@\"\n")
    program.chmod(0o755)

    def ask(*words: str) -> list[str]:
        command = ["kubectl", "__complete", "collection", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
        *found, directive = done.stdout.splitlines()
        assert directive == ":4", "files of the folder are offered beside it"
        return [line.partition("\t")[0] for line in found]

    return ask


def test_names_are_those_of_the_cluster(tenant: Tenant, offered: Callable[..., list[str]]) -> None:
    tenant.add_prerequisites()
    for name in ("acme-onedrive", "acme-mail", "beta"):
        tenant.add_channel(name)
    within = ("-n", tenant.namespace)
    assert offered("st") == ["status"]
    assert offered(*within, "run", "acme-") == ["acme-mail", "acme-onedrive"]
    assert offered("history", *within, "") == ["acme-mail", "acme-onedrive", "beta"]
    assert offered("inbox", *within, "-b", "") == ["purchases"]
    # Those of other tests may be just going.
    before, found, after = _namespaces(tenant), offered("run", "-n", tenant.namespace), _namespaces(tenant)
    assert after <= set(found) <= before
    assert tenant.namespace in found
    assert offered("run", "-n", "nowhere", "") == []


def _namespaces(tenant: Tenant) -> set[str]:
    """Return the namespaces whose names begin as the tenant's does."""
    listed = tenant.cluster.request("GET", "/api/v1/namespaces")["items"]
    return {name for one in listed if (name := one["metadata"]["name"]).startswith(tenant.namespace)}


def test_nothing_is_offered_where_no_cluster_answers(offered: Callable[..., list[str]], tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("apiVersion: v1\nkind: Config\n")
    assert offered("run", "--kubeconfig", str(nowhere), "") == []
