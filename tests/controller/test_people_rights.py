"""Who may look, ask for a run, and configure: real requests of everybody, and what refuses them, rights or policy."""

from __future__ import annotations

import pytest

from bannette.controller.names import BINDER, CHANNEL, RECIPIENT, SECRET, Kind
from tests.controller.cluster import SYSTEM, Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import Answer, Person, bind, can
from tests.controller.tenant import Tenant

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

#: Method, kind, name, content type, body.
Request = tuple[str, Kind, str | None, str, object]
MERGE, APPLY, JSON = "application/merge-patch+json", "application/apply-patch+yaml", "application/json"
ASKED = {"bannette.io/requestedAt": "2026-11-24T10:00:00Z"}
EVERYBODY = ("viewer", "runner", "configurator", "view", "edit", "admin", "pod", "operator", "nobody")
OK, RIGHTS, POLICY = "allowed", "rights", "policy"


def patch(**members):
    return ("PATCH", CHANNEL, "acme-onedrive", MERGE, members)


def metadata(**members):
    return patch(metadata=members)


POD = "acme-onedrive-collector"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "00000000-0000-0000-0000-000000000000"}
APPLIED = {"apiVersion": CHANNEL.api_version, "kind": CHANNEL.kind}
NEW_RECIPIENT = {"displayName": "Paul", "email": "paul@acme.example"}
NEW_BINDER = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}}
CONFIGURED = dict.fromkeys(EVERYBODY, RIGHTS) | {"configurator": OK}
CHANGED = CONFIGURED | {"runner": POLICY, "edit": POLICY, "admin": POLICY}
SEEN = dict.fromkeys(EVERYBODY, OK) | {"nobody": RIGHTS}
#: What is tried, and what comes of it for each.
TABLE = {
    "reads a channel": (("GET", CHANNEL, "acme-onedrive", JSON, None), SEEN),
    "lists channels": (("GET", CHANNEL, None, JSON, None), SEEN | {"pod": RIGHTS}),
    "reads a binder": (("GET", BINDER, "purchases", JSON, None), SEEN | {"runner": RIGHTS}),
    "reads a recipient": (("GET", RECIPIENT, "marie", JSON, None), SEEN | {"runner": RIGHTS}),
    "asks for a run": (
        metadata(annotations=ASKED),
        dict.fromkeys(EVERYBODY, RIGHTS) | dict.fromkeys(("runner", "configurator", "edit", "admin"), OK),
    ),
    "asks for a run by server-side apply": (
        ("PATCH", CHANNEL, "acme-onedrive", APPLY, APPLIED | {"metadata": {"annotations": ASKED}}),
        dict.fromkeys(EVERYBODY, RIGHTS) | dict.fromkeys(("runner", "configurator", "edit", "admin"), OK),
    ),
    "asks for a check of the connection": (
        metadata(annotations={"bannette.io/check-connection": "1"}),
        dict.fromkeys(EVERYBODY, RIGHTS) | dict.fromkeys(("runner", "configurator", "edit", "admin"), OK),
    ),
    "asks to disconnect": (metadata(annotations={"bannette.io/disconnect": "1"}), CHANGED),
    "asks for a check and to disconnect": (
        metadata(annotations={"bannette.io/check-connection": "1", "bannette.io/disconnect": "1"}),
        CHANGED,
    ),
    "suspends a channel": (patch(spec={"suspend": True}), CHANGED),
    "asks and changes at once": (patch(metadata={"annotations": ASKED}, spec={"suspend": True}), CHANGED),
    "changes another annotation": (metadata(annotations={"a": "b"}), CHANGED),
    "changes a label": (metadata(labels={"a": "b"}), CHANGED),
    "adds a finalizer": (metadata(finalizers=["example.com/a"]), CHANGED),
    "adds an owner": (metadata(ownerReferences=[OWNER]), CHANGED),
    "says whose a field is": (
        metadata(
            managedFields=[
                {
                    "manager": "kubectl",
                    "operation": "Apply",
                    "apiVersion": CHANNEL.api_version,
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:spec": {"f:suspend": {}}},
                }
            ]
        ),
        CHANGED,
    ),
    "writes a status": (
        ("PATCH", CHANNEL, "acme-onedrive/status", MERGE, {"status": {"checkpoint": {"revision": 9}}}),
        dict.fromkeys(EVERYBODY, RIGHTS) | {"pod": OK, "operator": OK},
    ),
    "deletes a channel": (("DELETE", CHANNEL, "acme-onedrive", JSON, None), CONFIGURED),
    "creates a recipient": (
        ("POST", RECIPIENT, None, JSON, {"metadata": {"name": "paul"}, "spec": NEW_RECIPIENT}),
        CONFIGURED,
    ),
    "creates a binder": (("POST", BINDER, None, JSON, {"metadata": {"name": "b"}, "spec": NEW_BINDER}), CONFIGURED),
    "lets a binder be adopted": (
        ("PATCH", BINDER, "purchases", MERGE, {"metadata": {"annotations": {"bannette.io/adopt": "x"}}}),
        CONFIGURED,
    ),
    "redirects a recipient's mail": (
        ("PATCH", RECIPIENT, "marie", MERGE, {"spec": {"email": "mallory@evil.example"}}),
        CONFIGURED,
    ),
    "reads a credential": (
        ("GET", SECRET, "acme-app", JSON, None),
        dict.fromkeys(EVERYBODY, RIGHTS) | dict.fromkeys(("edit", "admin", "operator"), OK),
    ),
}


@pytest.fixture(scope="module")
def scene(cluster: Cluster) -> Tenant:
    """A tenant with a channel, and people with one right each."""
    made = Tenant(cluster, "rights")
    made.add_prerequisites()
    made.add_channel()
    for person in ("viewer", "runner", "configurator"):
        bind(cluster, made.namespace, person, f"bannette-{person}")
    for person in ("view", "edit", "admin"):
        bind(cluster, made.namespace, person, person)
    for person in ("view", "edit", "admin"):
        # Each of these roles gets what ours add to it on its own.
        for what in ("reads a channel", "suspends a channel"):
            request, expected = TABLE[what]
            eventually(
                lambda person=person, request=request, expected=expected: (
                    str(tried(Person(cluster, person), made, request)) == expected[person]
                ),
                f"roles are aggregated, and the policy acts: {person} {what}",
            )
    return made


def tried(person: Person, tenant: Tenant, request: Request) -> Answer:
    method, kind, name, content_type, body = request
    if method == "POST" and isinstance(body, dict):
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
    return person.ask(method, kind.path(tenant.namespace, name), body, content_type=content_type)


@pytest.fixture
def people(cluster: Cluster, scene: Tenant, tmp_path) -> dict[str, Person]:
    if not scene.cluster.find(Kind("v1", "ServiceAccount", "serviceaccounts"), scene.namespace, POD):
        with Operator(cluster, tmp_path, f"--namespace={scene.namespace}", environ={"POD_NAME": "rights"}):
            scene.wait_for_condition("Ready", status="True", reason="Scheduled")
    accounts = {"pod": (scene.namespace, POD), "operator": (SYSTEM, "bannette-operator")}
    known = {
        name: Person(
            cluster,
            f"system:serviceaccount:{namespace}:{account}",
            "system:authenticated",
        )
        for name, (namespace, account) in accounts.items()
    }
    return {name: known.get(name) or Person(cluster, name, "system:authenticated") for name in EVERYBODY}


@pytest.mark.parametrize("what", TABLE)
def test_everybody_gets_what_is_theirs_and_nothing_else(scene: Tenant, people: dict[str, Person], what: str) -> None:
    request, expected = TABLE[what]
    got = {name: str(tried(person, scene, request)) for name, person in people.items()}
    assert got == expected


def test_what_was_applied_stays_the_appliers_while_others_ask(scene: Tenant, people: dict[str, Person]) -> None:
    path = CHANNEL.path(scene.namespace, "acme-onedrive") + "?fieldManager=git"
    spec = {"collector": {"nodeSelector": {"a": "b"}}}
    scene.cluster.request("PATCH", path, APPLIED | {"spec": spec}, content_type=APPLY)
    assert str(tried(people["runner"], scene, metadata(annotations={"bannette.io/requestedAt": "again"}))) == OK
    assert str(tried(people["runner"], scene, metadata(managedFields=[{}]))) == POLICY


def test_a_refusal_by_the_policy_says_which_right_it_takes(scene: Tenant, people: dict[str, Person]) -> None:
    request, _ = TABLE["suspends a channel"]
    message = tried(people["runner"], scene, request).body["message"]
    assert "runner may not configure collectionchannels" in message
    assert "bannette-configurator" in message
    assert "bannette.io/requestedAt" in message


def test_what_kubectl_says_about_rights_is_what_holds(cluster: Cluster, scene: Tenant) -> None:
    may = {
        (person, verb): can(cluster, person, verb, "collectionchannels", scene.namespace)
        for person in ("viewer", "runner", "configurator", "view", "edit", "admin")
        for verb in ("get", "patch", "create", "update", "delete", "configure", "deletecollection")
    }
    assert {pair for pair, allowed in may.items() if allowed} == {
        *((person, "get") for person in ("viewer", "runner", "configurator", "view", "edit", "admin")),
        *((person, "patch") for person in ("runner", "configurator", "edit", "admin")),
        *(("configurator", verb) for verb in ("create", "update", "delete", "configure")),
    }


def test_an_admin_of_the_namespace_cannot_give_himself_the_right_to_configure(cluster: Cluster, scene: Tenant) -> None:
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "more"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bannette-configurator"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "admin"}],
    }
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{scene.namespace}/rolebindings"
    assert str(Person(cluster, "admin").ask("POST", path, binding)) == RIGHTS


def test_a_configurator_creates_and_deletes_in_the_foreground(tenant: Tenant, cluster: Cluster) -> None:
    bind(cluster, tenant.namespace, "configurator", "bannette-configurator")
    person = Person(cluster, "configurator", "system:authenticated")
    tenant.add_prerequisites()
    spec = tenant.add_channel()["spec"]
    body = {"apiVersion": CHANNEL.api_version, "kind": CHANNEL.kind, "metadata": {"name": "second"}, "spec": spec}
    created = person.ask("POST", CHANNEL.path(tenant.namespace), body, dry=False)
    assert str(created) == OK
    owner = {**OWNER, "kind": CHANNEL.kind, "apiVersion": CHANNEL.api_version}
    owner |= {"name": "second", "uid": created.body["metadata"]["uid"], "blockOwnerDeletion": True}
    child = {"metadata": {"name": "child", "ownerReferences": [owner]}}
    configuration = Kind("v1", "ConfigMap", "configmaps")
    cluster.create(configuration, tenant.namespace, child)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
    deleted = person.ask("DELETE", CHANNEL.path(tenant.namespace, "second"), options, dry=False)
    assert deleted.status == 200
    # The garbage collector learns of new kinds every half a minute, and may hear of the child after the deletion.
    for kind, name in ((CHANNEL, "second"), (configuration, "child")):
        eventually(lambda kind=kind, name=name: cluster.find(kind, tenant.namespace, name) is None, f"{name} is gone")


def test_the_garbage_collector_takes_away_an_owner_that_is_gone(tenant: Tenant, cluster: Cluster) -> None:
    tenant.add_prerequisites()
    configuration = Kind("v1", "ConfigMap", "configmaps")
    kept, gone = (
        cluster.create(configuration, tenant.namespace, {"metadata": {"name": name}}) for name in ("kept", "gone")
    )
    owners = [{**OWNER, "name": one["metadata"]["name"], "uid": one["metadata"]["uid"]} for one in (kept, gone)]
    tenant.add_channel()
    cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", {"metadata": {"ownerReferences": owners}})
    cluster.delete(configuration, tenant.namespace, "gone")

    def left() -> bool:
        references = tenant.channel()["metadata"].get("ownerReferences") or []
        return [one["name"] for one in references] == ["kept"]

    eventually(left, "only the owner that is there")


def test_a_namespace_with_channels_can_be_deleted(tenant: Tenant, cluster: Cluster) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    cluster.request("DELETE", f"/api/v1/namespaces/{tenant.namespace}")

    def channels_gone() -> bool:
        found = cluster.request("GET", CHANNEL.path(tenant.namespace))["items"]
        return not found

    eventually(channels_gone, "the channels are gone")


@pytest.mark.parametrize("finalizers", [["example.com/a"], []])
def test_whoever_may_patch_may_finish_a_deletion(tenant: Tenant, cluster: Cluster, finalizers: list[str]) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    both = {"metadata": {"finalizers": ["example.com/a", "example.com/b"]}}
    cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", both)
    bind(cluster, tenant.namespace, "runner", "bannette-runner")
    runner = Person(cluster, "runner", "system:authenticated")
    path, change = CHANNEL.path(tenant.namespace, "acme-onedrive"), {"metadata": {"finalizers": finalizers}}
    assert str(runner.ask("PATCH", path, change, content_type=MERGE)) == POLICY
    cluster.delete(CHANNEL, tenant.namespace, "acme-onedrive")
    assert str(runner.ask("PATCH", path, change, content_type=MERGE)) == OK
    cluster.patch(CHANNEL, tenant.namespace, "acme-onedrive", {"metadata": {"finalizers": []}})
