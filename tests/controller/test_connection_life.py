"""A connection from sign-in to loss and back: a real operator and the service that checks, each with its own rights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bannette.accounts import connection_manifest
from bannette.connect import Attendant
from bannette.connect.watching import Watching
from bannette.controller.names import CHANNEL, EVENT, SECRET
from bannette.kube import ClusterApi
from bannette.resources import Channel
from devcluster import chart
from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture
from tests.collector.connected import sign_in_person
from tests.controller.cluster import SYSTEM, Cluster, Operator, Tenant, eventually

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

Json = dict[str, Any]
ACCOUNT = "bannette-connect"
SERVED = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")
PAGE = "https://connect.example/c/{namespace}/acme-onedrive"
SECRET_NAME = "acme-onedrive-onedrive"


@pytest.fixture(scope="module")
def account(cluster: Cluster) -> str:
    """The service's ServiceAccount with what the chart grants it; returns a token of it."""
    documents = yaml.safe_load_all(chart.render(*SERVED))
    wanted = [one for one in documents if one and one["metadata"]["name"] == ACCOUNT and one["kind"] != "Deployment"]
    rights = [one for one in wanted if one["kind"] in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")]
    assert len(rights) == 3
    cluster.server.apply(yaml.safe_dump_all(rights))
    return cluster.service_account_token(SYSTEM, ACCOUNT)


@contextmanager
def serving(cluster: Cluster, tenant: Tenant, token: str, simulator: Simulator) -> Iterator[None]:
    """Look after the channels of the tenant."""
    ca = cluster.server.ca_file.read_text()
    api = ClusterApi(cluster.server.url, namespace="default", token=token, ca=ca, attempts=2, timeout=(3, 10))
    watching, attendant = Watching(api, [tenant.namespace]), Attendant(api, simulator.environment)
    attendant.listen(watching)
    watching.start()
    attendant.start()
    try:
        yield
        assert watching.is_healthy()
        assert attendant.is_healthy()
    finally:
        watching.stop()
        attendant.stop()


def sign_in(tenant: Tenant, simulator: Simulator) -> None:
    manifest: Json = connection_manifest(Channel.parse(tenant.channel()), sign_in_person(simulator))
    body = {"metadata": {"annotations": manifest["metadata"]["annotations"]}, "data": manifest["data"]}
    tenant.cluster.patch(SECRET, tenant.namespace, SECRET_NAME, body)


def ask(tenant: Tenant, annotation: str, value: str) -> None:
    body = {"metadata": {"annotations": {f"bannette.io/{annotation}": value}}}
    tenant.cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", body)


def wait_for(tenant: Tenant, member: str, value: str) -> Json:
    def says() -> Json | None:
        connection: Json = tenant.status().get("connection") or {}
        return connection if connection.get(member) == value else None

    return eventually(says, f"status.connection.{member} is {value}")


def events(tenant: Tenant) -> list[str]:
    found = tenant.cluster.list(EVENT, tenant.namespace)
    mine = [str(one["reason"]) for one in found if one["regarding"]["kind"] == "CollectionChannel"]
    return [reason for reason in mine if reason.startswith(("Connect", "Disconnected"))]


def test_a_connection_is_made_checked_lost_found_again_and_removed(
    tenant: Tenant, cluster: Cluster, new_operator: Callable[..., Operator], account: str, simulator: Simulator
) -> None:
    environ = {"BANNETTE_CONNECT_URL": "https://connect.example", "BANNETTE_CONNECT_ACCOUNT": f"{SYSTEM}/{ACCOUNT}"}
    tenant.add_prerequisites()
    with new_operator(environ=environ), serving(cluster, tenant, account, simulator):
        delegated = {"loginHint": simulator.user, "clientId": simulator.client_id}
        tenant.add_channel(onedrive={"account": {"delegated": delegated}})
        waiting = tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")
        page = PAGE.format(namespace=tenant.namespace)
        assert f"is asked by mail to do so, and gets the link again at {page}." in waiting["message"]
        assert page in tenant.condition("Ready")["message"]
        assert tenant.status()["connection"]["page"] == page

        ask(tenant, "check-connection", "unconnected")
        wait_for(tenant, "lastHandledCheck", "unconnected")
        assert tenant.status()["pages"]["check"]["reason"] == "NotConnected"

        sign_in(tenant, simulator)
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
        tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")
        wait_for(tenant, "lastHandledDisconnect", "enough")
        secret = cluster.get(SECRET, tenant.namespace, SECRET_NAME)
        assert "token-cache" not in secret.get("data", {})

        sign_in(tenant, simulator)
        ask(tenant, "check-connection", "again")
        wait_for(tenant, "lastHandledCheck", "again")
        tenant.wait_for_condition("Connected", status="True", reason="SignedIn")
        assert tenant.status()["connection"]["lastHandledDisconnect"] == "enough"
    told = Counter(events(tenant))
    assert told == {"ConnectionChecked": 6, "Connected": 3, "ConnectionLost": 1, "Disconnected": 1}
