"""Statuses that no version of Bannette writes: a run's pod may write what the definition lets in."""

from __future__ import annotations

from typing import Any

import pytest

from bannette.controller.names import SERVICE_ACCOUNT
from tests.controller.calling import Called, call, start
from tests.controller.cluster import Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

__all__ = ["call", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

MOMENT = "2026-11-24T10:00:00Z"
# In UTC they are in a year that Python doesn't have.
TOO_EARLY, TOO_LATE = "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"
ENTRY = {
    "id": "x",
    "trigger": "Manual",
    "startedAt": MOMENT,
    "completedAt": MOMENT,
    "result": "Succeeded",
    "reason": "Collected",
}
RUN = {"id": "x", "trigger": "Manual", "startedAt": MOMENT, "heartbeat": MOMENT}


def conditions(**members: Any) -> list[dict[str, Any]]:
    one = {"status": "True", "reason": "R", "message": "m", "lastTransitionTime": MOMENT}
    return [{**one, "type": f"Odd{number}", **members} for number in range(16)]


STATUSES: dict[str, dict[str, Any]] = {
    "year-one": {"lastRun": {**ENTRY, "startedAt": "0001-01-01T00:00:00Z"}},
    "too-early": {"lastRun": {**ENTRY, "completedAt": TOO_EARLY}, "connection": {"connectedAt": TOO_EARLY}},
    "too-late": {"lastRun": {**ENTRY, "completedAt": TOO_LATE}, "schedule": {"nextRunTime": TOO_LATE}},
    "year-zero": {"history": [{**ENTRY, "completedAt": "0000-01-01T00:00:00Z"}]},
    "lower-case": {"history": [{**ENTRY, "completedAt": "2026-11-24t10:00:00z"}]},
    "empty-run": {"activeRun": {}},
    "path": {"activeRun": {**RUN, "job": "../../../../../../api/v1/namespaces/kube-system/secrets/x"}},
    "question": {"activeRun": {**RUN, "job": "a?b=c#d"}},
    "generation": {"observedGeneration": -5},
    "odd-types": {"conditions": conditions()},
    "odd-times": {"conditions": conditions(lastTransitionTime=TOO_EARLY)},
    "no-commit": {"checkpoint": {"revision": 2**63 - 1, "seenItems": 2**63 - 1}},
    "odd-commit": {"checkpoint": {"committedAt": TOO_LATE}},
    "long": {"history": [{**ENTRY, "id": f"{number}", "message": "\N{GRINNING FACE}" * 512} for number in range(50)]},
}


def test_no_status_keeps_a_channel_from_being_looked_after(
    cluster: Cluster, tenant: Tenant, operator: Operator, call: Called
) -> None:
    tenant.add_prerequisites()
    for name in STATUSES:
        tenant.add_channel(name)
    for name in STATUSES:
        eventually(lambda name=name: tenant.condition("Ready", name), f"{name} is set up")
        eventually(
            lambda name=name: cluster.find(SERVICE_ACCOUNT, tenant.namespace, f"{name}-collector"),
            f"{name} has a pod's",
        )
    position = cluster.audit_position()
    for name, status in STATUSES.items():
        tenant.report(status, name)
    for name in STATUSES:
        tenant.change(name, schedule={"time": "06:31", "timeZone": "Europe/Paris"})
    for name in STATUSES:
        eventually(lambda name=name: tenant.status(name).get("observedGeneration") == 2, f"{name} is followed")
        eventually(lambda name=name: tenant.cron_job(name)["spec"]["schedule"] == "31 6 * * *", f"{name} has its time")
        eventually(lambda name=name: tenant.condition("Ready", name).get("status") == "True", f"{name} is ready")
    asked = [one.partition(" ")[2] for one in cluster.requests_of(Operator.user, since=position)]
    assert not [path for path in asked if "secrets" in path and "acme-app" not in path]
    assert "event.lost" not in operator.log.read_text()
    assert "reconcile.failed" not in operator.log.read_text()
    code, output, errors = call("status")
    assert (code, errors) == (0, "")
    assert f"of {len(STATUSES)} channels" in output or f"None of {len(STATUSES)}" in output
