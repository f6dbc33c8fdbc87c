"""What ``kubectl collection doctor`` tells of a cluster in which something is missing, on a real API server."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from devcluster import chart
from devcluster.apiserver import ApiServer
from tests.controller.calling import Called, call, install_plugin, start
from tests.controller.cluster import SYSTEM, Cluster, eventually
from tests.controller.operator_process import Operator
from tests.controller.people import bind
from tests.controller.tenant import Tenant

__all__ = ["call", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

Json = dict[str, Any]
CRDS = sorted(Path("crds").glob("*.yaml"))
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments"


def documents(*kinds: str) -> list[Json]:
    """The objects of these kinds that manifests/install has."""
    found = [document for document in yaml.safe_load_all(chart.INSTALL.read_text()) if document]
    return [document for document in found if document["kind"] in kinds]


@pytest.fixture
def deployed(cluster: Cluster) -> Iterator[str]:
    """The operator's Deployment, available as far as the API server is told."""
    (deployment,) = documents("Deployment")
    cluster.request("POST", DEPLOYMENTS, deployment)
    name = deployment["metadata"]["name"]
    pods = f"/api/v1/namespaces/{SYSTEM}/pods"

    def is_available() -> bool:
        for pod in cluster.request("GET", pods)["items"]:
            status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
            path = f"{pods}/{pod['metadata']['name']}/status"
            cluster.request("PATCH", path, {"status": status}, content_type="application/merge-patch+json")
        return bool(cluster.request("GET", f"{DEPLOYMENTS}/{name}")["status"].get("availableReplicas"))

    eventually(is_available, "the operator's Deployment is available")
    yield name
    cluster.request("DELETE", f"{DEPLOYMENTS}/{name}", {"propagationPolicy": "Background"})
    eventually(lambda: not cluster.request("GET", pods)["items"], "the operator's pod is gone")


@pytest.fixture
def settled(tenant: Tenant, operator: Operator) -> Iterator[Tenant]:
    """A channel with all that it needs, whose first run has ended."""
    volume = f"volume-of-{tenant.namespace}"
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/tmp"},
        "claimRef": {"namespace": tenant.namespace, "name": "binders"},
    }
    body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": spec}
    tenant.cluster.request("POST", "/api/v1/persistentvolumes", body)
    tenant.add_prerequisites()
    claim = f"/api/v1/namespaces/{tenant.namespace}/persistentvolumeclaims/binders"
    eventually(lambda: tenant.cluster.request("GET", claim)["status"].get("phase") == "Bound", "the claim is bound")
    tenant.add_channel()
    first = tenant.wait_for_job("Initial")
    tenant.run(first)
    tenant.wait_for_entry(first)
    tenant.wait_for_condition("Ready", status="True", reason="Scheduled")
    yield tenant
    tenant.cluster.request("DELETE", f"/api/v1/persistentvolumes/{volume}")


def tell_operator(cluster: Cluster, deployed: str, variables: Mapping[str, str]) -> None:
    """Add to the environment of the operator's Deployment, whose status others write meanwhile."""
    (deployment,) = documents("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    added = {"name": container["name"], "env": [{"name": name, "value": text} for name, text in variables.items()]}
    patch = {"spec": {"template": {"spec": {"containers": [added]}}}}
    path = f"{DEPLOYMENTS}/{deployed}"
    cluster.request("PATCH", path, patch, content_type="application/strategic-merge-patch+json")


def found_by(answer: tuple[int, str, str]) -> list[tuple[str, str, str]]:
    """What the doctor says, as (state, check, message)."""
    code, output, errors = answer
    assert code in (0, 2), errors
    return [(one["state"], one["check"], one["message"]) for one in json.loads(output)]


def problems(answer: tuple[int, str, str]) -> list[tuple[str, str]]:
    found = [(check, message) for state, check, message in found_by(answer) if state == "problem"]
    assert answer[0] == (2 if found else 0)
    return found


def test_nothing_is_wrong_with_what_works(settled: Tenant, deployed: str, call: Called) -> None:
    code, output, errors = call("doctor")
    assert (code, errors) == (0, ""), output
    lines = output.splitlines()
    assert lines[-1] == "No problem was found."
    assert [line for line in lines[:-1] if not line.startswith("ok ")] == []
    for said in (
        "Definitions: collectionchannels.bannette.io is as this plugin knows it",
        f"Operator: Deployment {SYSTEM}/{deployed} is available, version 0.1.0",
        "Operator's rights: ServiceAccount bannette-system/bannette-operator has all",
        "Policy: bannette-configure is in force",
        "Your rights: you may look, ask for runs, configure, read binders",
        "Channel acme-onedrive: what it needs is there",
        "Storage of binder purchases: PersistentVolumeClaim binders is bound (1Gi)",
    ):
        assert said in output
    checks = {one["check"] for one in yaml.safe_load(call("doctor", "acme-onedrive", "-o", "yaml")[1])}
    assert {"Definitions", "Channel acme-onedrive"} <= checks


def test_a_missing_key_of_a_secret_is_told(settled: Tenant, deployed: str, call: Called) -> None:
    path = f"/api/v1/namespaces/{settled.namespace}/secrets/acme-app"
    patch = {"data": {"clientSecret": None, "other": "c2VjcmV0LWNhbmFyeQ=="}}
    settled.cluster.request("PATCH", path, patch, content_type="application/merge-patch+json")
    answer = call("doctor", "-o", "json")
    assert problems(answer) == [
        (
            "Channel acme-onedrive",
            f'Secret "acme-app" of namespace "{settled.namespace}" lacks clientSecret, or tls.crt and tls.key: add '
            "what is missing; it holds the app's credentials (spec.onedrive.account.application.credentialsSecret).",
        )
    ]
    assert "canary" not in answer[1]


def test_what_events_lack_is_told(settled: Tenant, deployed: str, call: Called) -> None:
    events = {
        "url": "https://erp.example/documents",
        "secret": {"name": "erp-token"},
        "caBundle": {"configMap": "company-ca"},
    }
    path = f"/apis/bannette.io/v1alpha1/namespaces/{settled.namespace}/binders/purchases"
    settled.cluster.request("PATCH", path, {"spec": {"events": events}}, content_type="application/merge-patch+json")
    within = f'of namespace "{settled.namespace}" doesn\'t exist: create it; it holds'
    assert problems(call("doctor", "-o", "json")) == [
        (
            "Events of binder purchases",
            f'Secret "erp-token" {within} the token for the sink of binder "purchases" (spec.events.secret). '
            f'ConfigMap "company-ca" {within} the authorities for the sink of binder "purchases" '
            "(spec.events.caBundle).",
        )
    ]
    core = f"/api/v1/namespaces/{settled.namespace}"
    secret = {"metadata": {"name": "erp-token"}, "stringData": {"token": "canary"}}
    settled.cluster.request("POST", f"{core}/secrets", {"apiVersion": "v1", "kind": "Secret", **secret})
    bundle = {"metadata": {"name": "company-ca"}, "data": {"ca.crt": "-"}}
    settled.cluster.request("POST", f"{core}/configmaps", {"apiVersion": "v1", "kind": "ConfigMap", **bundle})
    answer = call("doctor", "-o", "json")
    assert problems(answer) == []
    said = {check: message for _, check, message in found_by(answer)}["Events of binder purchases"]
    assert said == "what it takes is there; no run has told anything yet."
    assert "canary" not in answer[1]


def test_an_unbound_claim_is_told_and_one_that_waits_for_its_first_pod_is_not_a_problem(
    tenant: Tenant, operator: Operator, call: Called
) -> None:
    tenant.add_prerequisites()
    tenant.add_channel()
    tenant.wait_for_condition("PrerequisitesMet", status="True", reason="AllPresent")
    storage = "Storage of binder purchases"
    assert "describe pvc binders` tells why" in dict(problems(call("doctor", "-o", "json")))[storage]
    classes = "/apis/storage.k8s.io/v1/storageclasses"
    name = f"late-{tenant.namespace}"
    late = {"metadata": {"name": name}, "provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer"}
    tenant.cluster.request("POST", classes, {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **late})
    claims = f"/api/v1/namespaces/{tenant.namespace}/persistentvolumeclaims"
    spec = {
        "storageClassName": name,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "late"}, "spec": spec}
    tenant.cluster.request("POST", claims, body)
    binder = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "late"}}}
    path = f"/apis/bannette.io/v1alpha1/namespaces/{tenant.namespace}/binders"
    made = {"apiVersion": "bannette.io/v1alpha1", "kind": "Binder", "metadata": {"name": "late"}, "spec": binder}
    tenant.cluster.request("POST", path, made)
    eventually(
        lambda: ("note", "Storage of binder late") in [one[:2] for one in found_by(call("doctor", "-o", "json"))],
        "the waiting claim is noted",
    )


def test_an_operator_that_is_not_there_is_told(tenant: Tenant, cluster: Cluster, call: Called) -> None:
    found = dict(problems(call("doctor", "-o", "json")))
    assert "no operator is installed" in found["Operator"]


def test_an_operator_without_a_ready_pod_is_told(
    settled: Tenant, deployed: str, cluster: Cluster, call: Called
) -> None:
    def scale(replicas: int) -> None:
        body = {"spec": {"replicas": replicas}}
        cluster.request("PATCH", f"{DEPLOYMENTS}/{deployed}", body, content_type="application/merge-patch+json")

    scale(0)
    assert "is scaled to 0" in dict(problems(call("doctor", "-o", "json")))["Operator"]
    eventually(
        lambda: not cluster.request("GET", f"{DEPLOYMENTS}/{deployed}")["status"].get("replicas"), "the pod is gone"
    )
    scale(1)
    found = dict(problems(call("doctor", "-o", "json")))
    assert list(found) == ["Operator"]
    assert "has no pod that is ready" in found["Operator"]


def test_pages_that_the_operator_knows_and_that_are_not_there_are_told(
    settled: Tenant, cluster: Cluster, deployed: str, call: Called
) -> None:
    known = {
        "BANNETTE_CONNECT_URL": "https://connect.example",
        "BANNETTE_CONNECT_ACCOUNT": f"{SYSTEM}/bannette-connect",
    }
    tell_operator(cluster, deployed, known)
    ((_, message),) = [found for found in problems(call("doctor", "-o", "json")) if found[0] == "Pages"]
    assert "bannette-connect is missing, so nobody can open https://connect.example" in message


def test_an_operator_of_other_namespaces_is_none(
    settled: Tenant, deployed: str, cluster: Cluster, call: Called
) -> None:
    tell_operator(cluster, deployed, {"BANNETTE_NAMESPACES": "another,third"})
    message = dict(problems(call("doctor", "-o", "json")))["Operator"]
    assert f"none looks after namespace {settled.namespace}" in message
    assert "another, third" in message


def test_whoever_may_see_little_is_told_what_was_not_looked_at(
    settled: Tenant, deployed: str, cluster: Cluster, call: Called
) -> None:
    bind(cluster, settled.namespace, "vera", "bannette-viewer")
    found = found_by(call("doctor", "-o", "json", user="vera"))
    assert [one for one in found if one[0] == "problem"] == []
    notes = [message for state, _, message in found if state == "note"]
    for said in (
        "you may not look at collectionchannels.bannette.io.",
        "you may not look at Deployments of all namespaces.",
        "you may not look at ValidatingAdmissionPolicies.",
        "you may not look at PersistentVolumeClaim binders.",
    ):
        assert said in notes
    assert any("may not configure" in said and "bannette-configurator" in said for said in notes)
    assert ("ok", "Channel acme-onedrive") in [one[:2] for one in found]


def test_whoever_may_not_look_is_told_so(settled: Tenant, call: Called) -> None:
    found = problems(call("doctor", "-o", "json", user="nobody"))
    assert any("may not look" in message and "bannette-viewer" in message for _, message in found)
    assert "Channels" not in dict(found), "that is said once"


def test_a_runner_is_told_once_that_a_right_to_look_is_lacking(settled: Tenant, cluster: Cluster, call: Called) -> None:
    bind(cluster, settled.namespace, "rosa", "bannette-runner")
    found = found_by(call("doctor", "-o", "json", user="rosa"))
    assert len([message for _, _, message in found if "bannette-viewer" in message or "forbidden" in message]) == 1


def test_a_channel_that_is_not_there_is_told(tenant: Tenant, call: Called) -> None:
    found = problems(call("doctor", "other", "-o", "json"))
    assert any(check == "Channels" and '"other" not found' in message for check, message in found)


# A cluster of its own, in which Bannette is installed piece by piece.


@pytest.fixture(scope="module")
def bare() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def look(bare: ApiServer, tmp_path: Path) -> Callable[[], list[tuple[str, str]]]:
    """Calls the doctor in that cluster; what it says is a problem."""
    environment = bare.kubectl.environment() | install_plugin(tmp_path / "bin")

    def act() -> list[tuple[str, str]]:
        command = ["kubectl", "collection", "doctor", "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        return problems((done.returncode, done.stdout, done.stderr))

    return act


def test_an_installation_is_told_piece_by_piece(bare: ApiServer, look: Callable[[], list[tuple[str, str]]]) -> None:
    found = look()
    assert [message.partition(" ")[0] for check, message in found if check == "Definitions"] == [
        f"{name}.bannette.io" for name in ("binders", "collectionchannels", "recipients")
    ]
    assert all("isn't installed" in message for check, message in found if check == "Definitions")
    assert {"Operator", "Policy"} <= {check for check, _ in found}

    definitions = [yaml.safe_load(path.read_text()) for path in CRDS]
    altered = copy.deepcopy(definitions)
    schema = altered[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["onDuplicate"]
    schema["description"] = "Said in other words."
    bare.install_crds(yaml.safe_dump_all(altered))
    ((_, message),) = [one for one in look() if one[0] == "Definitions"]
    assert "binders.bannette.io is of another version" in message
    assert "spec.onDuplicate" in message
    bare.install_crds(yaml.safe_dump_all(definitions))
    assert "Definitions" not in dict(look())

    policy, binding = documents("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    bare.apply(yaml.safe_dump(policy))
    assert "Binding bannette-configure is missing" in dict(look())["Policy"]
    weak = copy.deepcopy(binding)
    weak["spec"]["validationActions"] = ["Audit"]
    bare.apply(yaml.safe_dump(weak))
    assert "only has Audit" in dict(look())["Policy"]
    bare.apply(yaml.safe_dump(binding))
    assert "Policy" not in dict(look())

    bare.apply(yaml.safe_dump_all(documents("Namespace", "Deployment", "ServiceAccount")))
    message = dict(look())["Operator's rights"]
    assert "bannette-system/bannette-operator may not get collectionchannels.bannette.io" in message
    roles = documents("ClusterRole", "ClusterRoleBinding")
    for role in roles:
        for rule in role.get("rules") or ():
            if rule["resources"] == ["secrets"]:
                rule["verbs"].remove("update")
    bare.apply(yaml.safe_dump_all(roles))
    assert "may not update secrets:" in dict(look())["Operator's rights"]
    bare.apply(yaml.safe_dump_all(documents("ClusterRole")))
    assert "Operator's rights" not in dict(look())
