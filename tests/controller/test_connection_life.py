"""A connection from sign-in to loss and back: a real operator and the service that checks, each with its own rights."""

from __future__ import annotations

from collections import Counter

import pytest

from bannette.controller.names import EVENT, SECRET
from simulator.testing import Simulator
from tests.controller.cluster import eventually
from tests.controller.connecting import PAGE, SECRET_NAME, account, ask, served, sign_in, simulator, wait_for
from tests.controller.tenant import Tenant

__all__ = ["account", "served", "simulator"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]


def events(tenant: Tenant) -> list[str]:
    found = tenant.cluster.list(EVENT, tenant.namespace)
    mine = [str(one["reason"]) for one in found if one["regarding"]["kind"] == "CollectionChannel"]
    return [reason for reason in mine if reason.startswith(("Connect", "Disconnected"))]


def test_a_connection_is_made_checked_lost_found_again_and_removed(served: Tenant, simulator: Simulator) -> None:
    tenant, cluster = served, served.cluster
    waiting = tenant.condition("Connected")
    page = PAGE.format(namespace=tenant.namespace)
    assert f"is asked by mail to do so, and gets the link again at {page}." in waiting["message"]
    assert page in tenant.condition("Ready")["message"]
    assert tenant.status()["connection"]["page"] == page

    ask(tenant, "check-connection", "unconnected")
    wait_for(tenant, "lastHandledCheck", "unconnected")
    assert tenant.status()["pages"]["check"]["reason"] == "NotConnected"

    sign_in(tenant, simulator)
    tenant.run(tenant.wait_for_job("Initial"), collected=12)
    ask(tenant, "check-connection", "sound")
    said = wait_for(tenant, "lastHandledCheck", "sound")
    connected = tenant.wait_for_condition("Connected", status="True", reason="SignedIn")
    assert connected["message"].endswith(f"Last checked {said['checkedAt']}.")

    simulator.control.add_faults("password changed")
    ask(tenant, "check-connection", "lost")
    lost = tenant.wait_for_condition("Connected", status="False", reason="PasswordChanged")
    assert "channel's page" in lost["message"]

    simulator.control.remove_faults()
    simulator.control.add_faults({"like": "sign-in unavailable", "times": None})
    ask(tenant, "check-connection", "away")
    wait_for(tenant, "lastHandledCheck", "away")
    assert tenant.condition("Connected")["reason"] == "PasswordChanged"

    simulator.control.remove_faults()
    ask(tenant, "check-connection", "found")
    tenant.wait_for_condition("Connected", status="True", reason="SignedIn")

    ask(tenant, "disconnect", "enough")
    removed = tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")
    assert f"a day after it was disconnected, and gets the link at once at {page}." in removed["message"]
    wait_for(tenant, "lastHandledDisconnect", "enough")
    secret = cluster.get(SECRET, tenant.namespace, SECRET_NAME)
    assert "token-cache" not in secret.get("data", {})
    assert [(run["trigger"], run["collected"]) for run in tenant.status()["history"]] == [("Initial", 12)]

    sign_in(tenant, simulator)
    ask(tenant, "check-connection", "again")
    wait_for(tenant, "lastHandledCheck", "again")
    tenant.wait_for_condition("Connected", status="True", reason="SignedIn")
    assert tenant.status()["connection"]["lastHandledDisconnect"] == "enough"
    told = {"ConnectionChecked": 6, "Connected": 3, "ConnectionLost": 1, "Disconnected": 1}
    # An Event is told after the status that it is about.
    eventually(lambda: Counter(events(tenant)) == told, f"its Events are {told}")
