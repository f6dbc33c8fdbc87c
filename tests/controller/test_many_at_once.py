"""Many channels at once cost few questions, and the answers are as good as those to one."""

from __future__ import annotations

import pytest
import requests

from bannette.controller.names import ROLE, child_name
from tests.controller.cluster import Cluster, eventually
from tests.controller.operator_process import NewOperator, Operator
from tests.controller.tenant import Tenant
from tests.controller.test_operator_port import free_port


@pytest.mark.apiserver
@pytest.mark.timeout(600)
def test_what_is_in_the_way_of_one_of_many_new_channels_is_found_by_a_list(
    cluster: Cluster, tenant: Tenant, new_operator: NewOperator
) -> None:
    tenant.add_prerequisites()
    names = [f"channel-{number}" for number in range(30)]
    theirs = child_name(ROLE, "channel-7")
    tenant.cluster.create(ROLE, tenant.namespace, {"metadata": {"name": theirs}, "rules": []})
    for name in names:
        tenant.add_channel(name, suspend=True)
    position = cluster.audit_position()
    new_operator().start()
    said = tenant.wait_for_condition("Stalled", status="True", reason="ForeignObject", name="channel-7")
    assert theirs in said["message"]
    for name in (name for name in names if name != "channel-7"):
        tenant.wait_for_condition("PrerequisitesMet", status="True", reason="AllPresent", name=name)
    assert not tenant.cluster.get(ROLE, tenant.namespace, theirs)["rules"]
    asked = cluster.requests_of(Operator.user, since=position)
    of_roles = [one for one in asked if "/roles" in one]
    assert len([one for one in of_roles if one.startswith("list") and "labelSelector" not in one]) >= 1
    # Only for channel-7's, and for those of the last channels, for which a list isn't worth while.
    assert len([one for one in of_roles if one.startswith("get")]) <= 10


def decisions(port: int) -> float:
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    count = next(one for one in text.splitlines() if one.startswith("bannette_reconcile_duration_seconds_count"))
    return float(count.split()[1])


@pytest.mark.apiserver
@pytest.mark.timeout(600)
def test_a_start_decides_once_about_each_channel(tenant: Tenant, new_operator: NewOperator) -> None:
    tenant.add_prerequisites()
    names = [f"channel-{number}" for number in range(20)]
    for name in names:
        tenant.add_channel(name, suspend=True)
    first = new_operator().start()
    for name in names:
        tenant.wait_for_condition("Ready", status="True", reason="Suspended", name=name)
    first.stop()
    decided = []
    for minute in range(10, 15):
        port = free_port()
        again = new_operator(f"--listen=127.0.0.1:{port}").start()
        eventually(lambda port=port: decisions(port) >= len(names), "each channel was decided about")
        # When this is done, so is what was to be done at the start.
        tenant.change(name=names[-1], schedule={"time": f"06:{minute}"})
        eventually(
            lambda cron=f"{minute} 6 * * *": tenant.status(names[-1])["schedule"]["cron"] == cron,
            "a change is followed",
        )
        decided.append(decisions(port))
        again.stop()
    # In whatever order they and what they name are listed, and once more about the one that was changed.
    assert max(decided) <= len(names) + 2, decided
