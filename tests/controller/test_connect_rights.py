"""What the ServiceAccount of the pages may do with Secrets: what the channels' Roles say, by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bannette.controller.names import ROLE_BINDING, SECRET
from tests.controller.cluster import SYSTEM, Cluster, Operator, Tenant, eventually
from tests.controller.people import Person

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

ACCOUNT = {"BANNETTE_CONNECT_ACCOUNT": f"{SYSTEM}/bannette-connect"}
JSON, MERGE = "application/json", "application/merge-patch+json"
CONFIDENTIAL = {
    "delegated": {"loginHint": "a@acme.example", "clientId": "app", "credentialsSecret": {"name": "confidential"}}
}
SECRETS = {
    "acme-delegated-onedrive": ("GET", "PUT"),
    "acme-confidential-onedrive": ("GET", "PUT"),
    "acme-onedrive-onedrive": (),
    "acme-app": ("GET",),
    "confidential": ("GET",),
    "database": (),
}


@pytest.fixture
def pages(cluster: Cluster) -> Person:
    return Person(cluster, f"system:serviceaccount:{SYSTEM}:bannette-connect", "system:authenticated")


@pytest.fixture
def channels(tenant: Tenant) -> Tenant:
    tenant.add_prerequisites()
    for name in ("confidential", "database", "acme-onedrive-onedrive"):
        tenant.cluster.create(
            SECRET, tenant.namespace, {"metadata": {"name": name}, "stringData": {"clientSecret": "s"}}
        )
    tenant.add_channel()
    tenant.add_channel("acme-delegated", delegated=True)
    tenant.add_channel("acme-confidential", onedrive={"account": CONFIDENTIAL})
    return tenant


def wait_until_ready(tenant: Tenant) -> None:
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    for name in ("acme-delegated", "acme-confidential"):
        tenant.wait_for_condition("Ready", status="True", reason="NotConnected", name=name)


def granted(pages: Person, tenant: Tenant) -> dict[str, tuple[str, ...]]:
    """Return which of these Secrets the pages read and replace, by trying."""
    found = {}
    for name in SECRETS:
        path = SECRET.path(tenant.namespace, name)
        body = tenant.cluster.get(SECRET, tenant.namespace, name)
        found[name] = tuple(method for method in ("GET", "PUT") if not pages.ask(method, path, body).by)
    return found


def test_the_pages_get_the_secrets_that_channels_name_and_no_other(
    channels: Tenant, new_operator: Callable[..., Operator], pages: Person
) -> None:
    new_operator(environ=ACCOUNT).start()
    wait_until_ready(channels)
    assert granted(pages, channels) == SECRETS
    of_all, token = SECRET.path(channels.namespace), SECRET.path(channels.namespace, "acme-delegated-onedrive")
    for method, path, body in (
        ("GET", of_all, None),
        ("POST", of_all, {"metadata": {"name": "more"}}),
        ("PATCH", token, {}),
        ("DELETE", token, None),
    ):
        assert pages.ask(method, path, body, content_type=MERGE if method == "PATCH" else JSON).by == "rights", method


def test_they_get_them_when_the_pages_come_and_lose_them_when_the_pages_go(
    channels: Tenant, new_operator: Callable[..., Operator], pages: Person
) -> None:
    def subjects() -> list[str]:
        found = channels.cluster.get(ROLE_BINDING, channels.namespace, "acme-delegated-collector")
        return [one["name"] for one in found["subjects"]]

    nothing = dict.fromkeys(SECRETS, ())
    for environ, names, expected in (
        ({}, ["acme-delegated-collector"], nothing),
        (ACCOUNT, ["acme-delegated-collector", "bannette-connect"], SECRETS),
        ({}, ["acme-delegated-collector"], nothing),
    ):
        with new_operator(environ=environ):
            wait_until_ready(channels)
            eventually(lambda names=names: subjects() == names, f"the Role is bound to {names}")
            eventually(lambda expected=expected: granted(pages, channels) == expected, "the API server heeds it")
