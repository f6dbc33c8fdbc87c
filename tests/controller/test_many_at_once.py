"""Many channels at once cost few questions, and the answers are as good as those to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bannette.controller.listing import Pace
from bannette.controller.names import ROLE, child_name
from tests.controller.cluster import Cluster, Operator, Tenant

NewOperator = Callable[..., Operator]


@pytest.mark.apiserver
@pytest.mark.timeout(180)
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


def test_a_list_waits_until_most_of_the_one_before_was_seen() -> None:
    async def story() -> list[bool]:
        pace, ready = Pace(), []
        pace.listed(300)
        waiting = asyncio.create_task(pace.room())
        for _ in range(100):
            pace.seen()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ready.append(waiting.done())
        pace.seen()
        await asyncio.wait_for(waiting, 1)
        ready.append(waiting.done())
        return ready

    assert asyncio.run(story()) == [False, True]


def test_a_list_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bannette.controller.listing._PATIENCE", 0.05)

    async def story() -> None:
        pace = Pace()
        pace.listed(1000)
        await asyncio.wait_for(pace.room(), 5)
        await asyncio.wait_for(pace.room(), 0.01)

    asyncio.run(story())
