"""Definitions of the custom resources that come late, or go under the running operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bannette.controller.names import RECIPIENT
from devcluster.apiserver import ApiServer
from tests.controller.cluster import Cluster, eventually, install_rights
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

CRDS = Path("crds")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server without Bannette's definitions."""
    audit_log = tmp_path_factory.mktemp("bare") / "audit.log"
    with ApiServer(controller_manager=True, audit_log=audit_log) as server:
        made = Cluster(server, audit_log)
        install_rights(made)
        yield made


@pytest.mark.parametrize("within", [(), ("--namespace=named",)], ids=["everywhere", "namespaced"])
def test_definitions_may_come_after_the_operator_and_go_and_come_again(
    bare: Cluster, tmp_path: Path, within: tuple[str, ...]
) -> None:
    bare.server.kubectl("delete", "-f", str(CRDS), "--ignore-not-found")
    tenant = Tenant(bare, "named" if within else "anywhere")
    operator = Operator(bare, tmp_path, *within)
    try:
        operator.start(until="kinds.missing")
        bare.server.install_crds(CRDS)
        operator.wait_for_line("operator.ready")
        tenant.add_prerequisites()
        tenant.add_channel()
        tenant.wait_for_condition("Ready", status="True", reason="Scheduled")

        with operator.kept_alive():
            bare.server.kubectl("delete", "crd", "recipients.bannette.io")
            eventually(
                lambda: any(lost in operator.said() for lost in ("was lost", "kinds.missing")),
                "the operator has noticed, or another one that the definition is missing",
            )
            bare.server.install_crds(CRDS)
            tenant.add_recipient()
            operator.wait_for_line("operator.ready")
            tenant.change(historyLimit=9)
            tenant.wait_for_condition("PrerequisitesMet", status="True", reason="AllPresent")
            bare.delete(RECIPIENT, tenant.namespace, "marie")
            tenant.wait_for_condition("PrerequisitesMet", status="False", reason="RecipientMissing")
    finally:
        operator.kill()
