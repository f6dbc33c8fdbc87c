"""Reports and sign-ins that don't fit into a status: a run's pod writes its termination message and its Secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bannette.controller.names import SECRET
from tests.controller.cluster import eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "members",
    [{"reason": "R" * 129}, {"request": "r" * 129}, {"job": "j" * 254}, {"bytes": 2**63}],
    ids=["reason", "request", "job", "bytes"],
)
def test_a_report_that_does_not_fit_is_none(tenant: Tenant, operator: Operator, members: dict[str, Any]) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    job = tenant.wait_for_job("Initial")
    tenant.end_pod(tenant.wait_for_pod(job), message=json.dumps(tenant.entry(job) | members))
    assert tenant.wait_for_entry(job)["reason"] == "ReportMissing"


def test_an_account_of_endless_length_is_none(tenant: Tenant, new_operator: Callable[..., Operator]) -> None:
    tenant.add_prerequisites()
    new_operator().start()
    tenant.add_channel(delegated=True)
    tenant.wait_for_condition("Ready", status="True", reason="NotConnected")
    annotations = {"bannette.io/account": "a" * 321, "bannette.io/connection-id": "c"}
    tenant.cluster.patch(SECRET, tenant.namespace, "acme-onedrive-onedrive", {"metadata": {"annotations": annotations}})
    tenant.change(historyLimit=9)
    eventually(lambda: tenant.status()["observedGeneration"] == 2, "the channel is followed")
    tenant.wait_for_condition("Ready", status="True", reason="NotConnected")
    assert tenant.status()["connection"]["account"] == "compta@acme.example"
