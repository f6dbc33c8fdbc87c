"""Who may have an inbox opened: real requests of everybody, and what refuses them, rights or policy."""

from __future__ import annotations

import pytest

from bannette.controller.names import BINDER, CHANNEL
from tests.controller.cluster import Cluster, eventually
from tests.controller.people import RBAC, Person, bind
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

MERGE = "application/merge-patch+json"
READER, OPENED = "bannette.io/inbox-reader", "bannette.io/inbox-opened"
OK, RIGHTS, POLICY = "allowed", "rights", "policy"


def asking(**more: object) -> dict[str, object]:
    return {"metadata": {"annotations": {READER: "a" * 64, OPENED: "2026-11-24T10:00:00Z"}, **more}}


#: What is tried on a Binder, and what comes of it for each.
TABLE = {
    "opens": (asking(), {"console": OK, "patcher": POLICY, "configurator": POLICY, "inbox": RIGHTS, "edit": RIGHTS}),
    "opens and adopts": (
        {"metadata": {"annotations": {OPENED: "1", "bannette.io/adopt": "x"}}},
        {"console": POLICY, "patcher": POLICY, "configurator": POLICY},
    ),
    "opens and changes": ({**asking(), "spec": {"company": "Evil"}}, {"console": POLICY, "configurator": POLICY}),
    "opens and labels": (asking(labels={"a": "b"}), {"console": POLICY}),
    "configures": ({"spec": {"company": "New"}}, {"console": POLICY, "configurator": OK}),
    "writes where it is served": (
        {"status": {"inbox": {"state": "Open", "address": "10.0.0.1:8377"}}},
        {"console": RIGHTS, "patcher": RIGHTS, "configurator": RIGHTS, "inbox": RIGHTS, "edit": RIGHTS},
    ),
}


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Tenant:
    """A tenant with a Binder, and people; the console may patch Binders and open inboxes, the patcher only patch."""
    made = Tenant(cluster, "inbox-rights")
    made.add_prerequisites()
    made.add_channel()
    rules = [{"apiGroups": ["bannette.io"], "resources": ["binders", "collectionchannels"], "verbs": ["get", "patch"]}]
    role = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": "patches-binders"}, "rules": rules}
    cluster.request("POST", f"/apis/{RBAC}/clusterroles", role)
    for person, name in (
        ("console", "patches-binders"),
        ("console", "bannette-inbox"),
        ("patcher", "patches-binders"),
        ("configurator", "bannette-configurator"),
        ("inbox", "bannette-inbox"),
        ("edit", "edit"),
    ):
        bind(cluster, made.namespace, person, name)
    for name, body, expected in (
        ("patcher", asking(), POLICY),
        ("console", asking(), OK),
        ("configurator", {"spec": {"company": "New"}}, OK),
    ):
        eventually(
            lambda name=name, body=body, expected=expected: str(tried(Person(cluster, name), made, body)) == expected,
            f"the API server heeds the policy, and what {name} may do",
        )
    return made


def tried(person: Person, tenant: Tenant, body: dict[str, object]) -> object:
    path = BINDER.path(tenant.namespace, "purchases", "status" if "status" in body else None)
    return person.ask("PATCH", path, body, content_type=MERGE)


@pytest.mark.parametrize("what", TABLE)
def test_an_inbox_is_opened_by_whoever_may_read_documents_and_nothing_else_with_it(
    cluster: Cluster, scene: Tenant, what: str
) -> None:
    body, expected = TABLE[what]
    assert {name: str(tried(Person(cluster, name), scene, body)) for name in expected} == expected


def test_a_refusal_names_the_right_and_the_role(cluster: Cluster, scene: Tenant) -> None:
    answer = Person(cluster, "configurator").ask(
        "PATCH", BINDER.path(scene.namespace, "purchases"), asking(), content_type=MERGE
    )
    assert "get on binders/inbox" in answer.body["message"]
    assert "bannette-inbox" in answer.body["message"]


def test_a_binder_is_created_without_an_open_inbox_and_a_channel_has_none(cluster: Cluster, scene: Tenant) -> None:
    spec = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}}
    body = {"apiVersion": BINDER.api_version, "kind": BINDER.kind, "spec": spec}
    configurator = Person(cluster, "configurator")
    path = BINDER.path(scene.namespace)
    assert str(configurator.ask("POST", path, {**body, "metadata": {"name": "b"}})) == OK
    annotated = {"metadata": {"name": "b", "annotations": {READER: "a" * 64}}}
    assert str(configurator.ask("POST", path, {**body, **annotated})) == POLICY
    of_channel = CHANNEL.path(scene.namespace, "acme-onedrive")
    assert str(Person(cluster, "console").ask("PATCH", of_channel, asking(), content_type=MERGE)) == POLICY


def test_who_has_them_open_may_not_be_changed_by_whoever_configures(cluster: Cluster, scene: Tenant) -> None:
    cluster.patch(BINDER, scene.namespace, "purchases", asking())
    configurator = Person(cluster, "configurator")
    changed = {"metadata": {"annotations": {READER: "b" * 64}}}
    assert str(tried(configurator, scene, changed)) == POLICY
    assert str(tried(configurator, scene, {"metadata": {"annotations": {READER: None}}})) == POLICY
    assert str(tried(configurator, scene, {"spec": {"company": "New"}})) == OK
