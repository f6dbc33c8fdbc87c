"""A cluster that is restored from a backup of etcd while the operator runs: versions begin anew from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster.apiserver import ApiServer
from tests.controller.cluster import Cluster, eventually, install_rights
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def test_what_is_changed_after_a_restore_is_seen(tmp_path: Path) -> None:
    audit_log = tmp_path / "audit.log"
    with ApiServer(controller_manager=True, audit_log=audit_log) as server:
        server.install_crds(Path("crds"))
        cluster = Cluster(server, audit_log)
        install_rights(cluster)
        tenant = Tenant(cluster, "tenant")
        tenant.add_prerequisites()
        with Operator(cluster, tmp_path) as operator, operator.kept_alive():
            tenant.add_channel("before")
            tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="before")
            server.save(tmp_path / "backup")
            # Versions that the restored server comes to much later.
            for limit in range(1, 51):
                tenant.change("before", historyLimit=limit)
            tenant.add_channel("lost")
            tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="lost")
            server.restore(tmp_path / "backup")
            tenant.add_channel("after")
            tenant.change("before", schedule={"time": "07:20"})
            tenant.wait_for_condition("Ready", status="True", reason="Scheduled", name="after")
            eventually(lambda: tenant.cron_job("before")["spec"]["schedule"] == "20 7 * * *", "the change is seen")
