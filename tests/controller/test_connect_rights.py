"""What the ServiceAccount of the pages may do: the chart's rules, and what the Role of each channel says, by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from bannette.controller.names import BINDER, CHANNEL, RECIPIENT, ROLE_BINDING, SECRET, Kind
from devcluster import chart
from tests.controller.cluster import SYSTEM, Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import Person
from tests.controller.tenant import Tenant

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]

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
#: Method, kind, name, body.
Request = tuple[str, Kind, str | None, object]
REVIEW = Kind("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
POD = Kind("v1", "Pod", "pods")
OPENING = {"metadata": {"annotations": {"bannette.io/inbox-reader": "a" * 64, "bannette.io/inbox-opened": "now"}}}
#: What is asked where no channel is, and whether it is allowed.
RULES: dict[str, tuple[Request, bool]] = {
    "lists channels": (("GET", CHANNEL, None, None), True),
    "lists binders": (("GET", BINDER, None, None), True),
    "reads a recipient": (("GET", RECIPIENT, "marie", None), True),
    "tells how a recipient's mails go": (("PATCH", RECIPIENT, "marie/status", {"status": {}}), True),
    "changes a recipient": (("PATCH", RECIPIENT, "marie", {"spec": {"email": "mallory@evil.example"}}), False),
    "creates a recipient": (("POST", RECIPIENT, None, {"metadata": {"name": "paul"}}), False),
    "deletes a binder": (("DELETE", BINDER, "purchases", None), False),
    "creates a channel": (("POST", CHANNEL, None, {"metadata": {"name": "more"}}), False),
    "has an inbox opened": (("PATCH", BINDER, "purchases", OPENING), False),
    "reads a Secret": (("GET", SECRET, "acme-app", None), False),
    "lists Secrets": (("GET", SECRET, None, None), False),
    "reads a ConfigMap": (("GET", CONFIG_MAP, "kube-root-ca.crt", None), False),
    "lists pods": (("GET", POD, None, None), False),
}


#: The same for the console's people: what they ask for, once the API server has said that they may.
ACTING: dict[str, tuple[Request, bool]] = {
    "asks for a run": (
        ("PATCH", CHANNEL, "acme-onedrive", {"metadata": {"annotations": {"bannette.io/requestedAt": "now"}}}),
        True,
    ),
    "creates a recipient": (("POST", RECIPIENT, None, {"metadata": {"name": "paul"}}), True),
    "deletes a channel": (("DELETE", CHANNEL, "acme-onedrive", None), False),
    "changes a recipient": (("PATCH", RECIPIENT, "marie", {"spec": {"email": "mallory@evil.example"}}), False),
    "creates a binder": (("POST", BINDER, None, {"metadata": {"name": "more"}}), False),
    "reads a Secret": (("GET", SECRET, "acme-app", None), False),
    "has an inbox opened": (("PATCH", BINDER, "purchases", OPENING), True),
    "changes a binder": (("PATCH", BINDER, "purchases", {"spec": {"company": "Evil"}}), False),
    "says where an inbox is": (("PATCH", BINDER, "purchases/status", {"status": {}}), False),
    "makes a pod": (("POST", POD, None, {"metadata": {"name": "more"}}), False),
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


def install_rules(cluster: Cluster, *settings: str) -> None:
    """Apply the ClusterRoles that the chart has for the pages, with their bindings."""
    enabled = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")
    of_pages = [
        one
        for one in yaml.safe_load_all(chart.render(*enabled, *settings))
        if one and one["metadata"]["name"].startswith("bannette-connect") and one["kind"].startswith("Cluster")
    ]
    assert of_pages
    cluster.server.apply(yaml.safe_dump_all(of_pages))


def allowed(pages: Person, tenant: Tenant, request: Request) -> bool:
    """Tell whether neither rights nor the policy refuse a request."""
    method, kind, name, body = request
    content_type = MERGE if method == "PATCH" else JSON
    return not pages.ask(method, kind.path(tenant.namespace, name), body, content_type=content_type).by


def test_the_charts_rules_let_them_look_at_what_they_are_about_and_nothing_else(tenant: Tenant, pages: Person) -> None:
    install_rules(tenant.cluster)
    tenant.add_prerequisites()
    eventually(lambda: allowed(pages, tenant, ("GET", CHANNEL, None, None)), "the API server heeds the rules")
    assert {what: allowed(pages, tenant, request) for what, (request, _) in RULES.items()} == {
        what: expected for what, (_, expected) in RULES.items()
    }


def test_behind_a_proxy_that_signs_people_in_they_may_act_for_these_and_no_further(
    tenant: Tenant, pages: Person
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    try:
        install_rules(tenant.cluster, "connect.console.enabled=true", "connect.console.userHeader=X-Forwarded-User")
        eventually(lambda: allowed(pages, tenant, ACTING["asks for a run"][0]), "the API server heeds the rules")
        assert {what: allowed(pages, tenant, request) for what, (request, _) in ACTING.items()} == {
            what: expected for what, (_, expected) in ACTING.items()
        }
        review = {"spec": {"user": "marie", "resourceAttributes": {"verb": "get", "resource": "pods"}}}
        body = {"apiVersion": REVIEW.api_version, "kind": REVIEW.kind, **review}
        eventually(lambda: pages.ask("POST", REVIEW.path(None), body).status == 201, "reviews are allowed, too")
    finally:
        tenant.cluster.server.kubectl("delete", "clusterrolebinding", "bannette-connect-reviews")
        install_rules(tenant.cluster)


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
    eventually(lambda: granted(pages, channels) == SECRETS, f"the API server heeds the Roles, which grant {SECRETS}")
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
