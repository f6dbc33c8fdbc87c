"""The service of the pages beside a real operator, under the rights that the chart grants; and who signs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from bannette.accounts import connection_manifest
from bannette.connect import Attendant
from bannette.connect.watching import Watching
from bannette.controller.names import CHANNEL, SECRET
from bannette.kube import ClusterApi
from bannette.resources import Channel
from devcluster import chart
from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture
from tests.collector.connected import sign_in_person
from tests.controller.cluster import SYSTEM, Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

Json = dict[str, Any]
ACCOUNT = "bannette-connect"
SERVED = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")
PAGE = "https://connect.example/c/{namespace}/acme-onedrive"
SECRET_NAME = "acme-onedrive-onedrive"


URL = "https://connect.example"
ENVIRON = {
    "BANNETTE_CONNECT_URL": URL,
    "BANNETTE_CONNECT_MAILS": "true",
    "BANNETTE_CONNECT_ACCOUNT": f"{SYSTEM}/{ACCOUNT}",
}


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


def add_channel(tenant: Tenant, simulator: Simulator) -> None:
    """Make a channel whose owner signs in at the simulator, and wait until the operator waits for that."""
    account = {"delegated": {"loginHint": simulator.user, "clientId": simulator.client_id}}
    tenant.add_channel(onedrive={"account": account})
    tenant.wait_for_condition("Connected", status="False", reason="NotSignedIn")


@pytest.fixture
def served(
    tenant: Tenant, cluster: Cluster, new_operator: Callable[..., Operator], account: str, simulator: Simulator
) -> Iterator[Tenant]:
    """A tenant with a channel whose owner is to sign in, an operator and the service at work."""
    tenant.add_prerequisites()
    with new_operator(environ=ENVIRON), serving(cluster, tenant, account, simulator):
        add_channel(tenant, simulator)
        yield tenant
