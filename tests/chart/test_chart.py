"""The chart: it is sound, and what is rendered from it is current."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bannette.controller.rights import CLUSTER_WIDE_RULES, LEASE_RULES, OPERATOR_RULES
from bannette.controller.settings import Settings
from devcluster import chart
from tests.chart import snapshots

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


def settings_of(rendered: Iterable[dict[str, Any] | None]) -> Settings:
    """Return what the operator of these manifests is set to."""
    (deployment,) = (
        document
        for document in rendered
        if document and (document["kind"], document["metadata"]["name"]) == ("Deployment", "bannette-operator")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environ = {one["name"]: one.get("value", "operator-0") for one in container["env"]}
    return Settings.from_arguments(container["args"][1:], environ)


def test_helm_finds_no_fault_with_it() -> None:
    subprocess.run([chart.helm(), "lint", "--strict", str(chart.CHART)], check=True, capture_output=True)


def test_the_rendered_installation_is_current() -> None:
    rendered = [document for document in yaml.safe_load_all(chart.render()) if document]
    namespace, *committed = (document for document in yaml.safe_load_all(chart.INSTALL.read_text()) if document)
    assert namespace["kind"] == "Namespace"
    assert committed == rendered, "manifests/install is stale: make manifests"


def test_what_it_renders_for_other_values_is_as_it_was_reviewed() -> None:
    found = {file.stem: file.read_text() for file in snapshots.FOLDER.glob("*.yaml")}
    assert found == dict(snapshots.rendered()), "if it should change: make golden, and read the difference"


def test_it_holds_the_very_definitions_of_crds() -> None:
    rendered = {document["metadata"]["name"]: document for document in yaml.safe_load_all(chart.render()) if document}
    for file in sorted((chart.SOURCE / "crds").glob("*.yaml")):
        definition = yaml.safe_load(file.read_text())
        assert rendered[definition["metadata"]["name"]]["spec"] == definition["spec"]


def test_the_operator_may_do_what_it_uses_and_no_more() -> None:
    (role,) = (
        document
        for document in yaml.safe_load_all(chart.render())
        if document and document["kind"] == "ClusterRole" and document["metadata"]["name"] == "bannette-operator"
    )
    needed = [*OPERATOR_RULES, *CLUSTER_WIDE_RULES]
    assert sorted(role["rules"], key=str) == sorted(needed, key=str)


def test_in_named_namespaces_it_has_roles_there_and_nowhere_else() -> None:
    rendered = [one for one in yaml.safe_load_all(chart.render("operator.namespaces={acme,beta}")) if one]
    roles = [one for one in rendered if one["kind"] == "Role"]
    assert [one["metadata"]["namespace"] for one in roles] == ["acme", "beta"]
    for role in roles:
        assert sorted(role["rules"], key=str) == sorted(OPERATOR_RULES, key=str)
    bindings = [one for one in rendered if one["kind"] == "RoleBinding"]
    assert [one["metadata"]["namespace"] for one in bindings] == ["acme", "beta"]
    assert {one["subjects"][0]["namespace"] for one in bindings} == {chart.NAMESPACE}
    assert "bannette-operator" not in [one["metadata"]["name"] for one in rendered if one["kind"] == "ClusterRole"]
    assert not [one for one in rendered if one["kind"] == "ClusterRoleBinding"]
    assert settings_of(rendered).namespaces == ("acme", "beta")


def test_of_several_replicas_one_works_and_one_may_always_go() -> None:
    rendered = [one for one in yaml.safe_load_all(chart.render("operator.replicas=2")) if one]
    deployment = next(one for one in rendered if one["kind"] == "Deployment")
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]["type"]) == (2, "RollingUpdate")
    assert settings_of(rendered).lease == (chart.NAMESPACE, "bannette-operator")
    role = next(one for one in rendered if one["kind"] == "Role")
    assert (role["metadata"]["namespace"], role["rules"]) == (chart.NAMESPACE, list(LEASE_RULES))
    budget = next(one for one in rendered if one["kind"] == "PodDisruptionBudget")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_one_replica_lets_its_node_be_drained() -> None:
    rendered = [one for one in yaml.safe_load_all(chart.render()) if one]
    assert not [one for one in rendered if one["kind"] == "PodDisruptionBudget"]
    assert settings_of(rendered).lease is None


def test_a_network_policy_lets_probes_in_and_only_dns_and_the_api_server_out() -> None:
    settings = ("networkPolicy.enabled=true", "networkPolicy.apiServerPorts={8443}")
    (policy,) = (one for one in yaml.safe_load_all(chart.render(*settings)) if one and one["kind"] == "NetworkPolicy")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    ports = [(port["port"], port["protocol"]) for rule in policy["spec"]["egress"] for port in rule["ports"]]
    assert ports == [(53, "UDP"), (53, "TCP"), (8443, "TCP")]


AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), {"viewer": ["admin", "edit", "view"], "runner": ["admin", "edit"], "configurator": []}),
        (("rights.aggregate=false",), {"viewer": [], "runner": [], "configurator": []}),
        (
            ("rights.aggregateConfiguratorToAdmin=true",),
            {"viewer": ["admin", "edit", "view"], "runner": ["admin", "edit"], "configurator": ["admin"]},
        ),
    ],
)
def test_built_in_roles_get_what_the_values_say(settings: tuple[str, ...], expected: dict[str, list[str]]) -> None:
    found = {
        document["metadata"]["name"].removeprefix("bannette-"): sorted(
            label.removeprefix(AGGREGATED) for label in document["metadata"]["labels"] if label.startswith(AGGREGATED)
        )
        for document in yaml.safe_load_all(chart.render(*settings))
        if document and document["kind"] == "ClusterRole"
    }
    assert {name: found[name] for name in expected} == expected


def test_without_rights_there_are_neither_roles_for_people_nor_a_policy() -> None:
    rendered = [document for document in yaml.safe_load_all(chart.render("rights.enabled=false")) if document]
    assert [document["metadata"]["name"] for document in rendered if document["kind"] == "ClusterRole"] == [
        "bannette-operator"
    ]
    assert not [document for document in rendered if document["kind"].startswith("ValidatingAdmission")]


def test_its_values_are_what_the_operator_is_set_to() -> None:
    rendered = yaml.safe_load_all(
        chart.render(
            "images.collector=registry.example/collector:1",
            "images.pullPolicy=Always",
            "images.collectorPullSecrets={one,two}",
            "operator.maxConcurrentRuns=3",
            "operator.scratchSize=20Gi",
            "onedrive.graphUrl=https://graph.example",
            "onedrive.authorityUrl=https://login.example",
            "onedrive.downloadHosts=files.example",
            "onedrive.clientId=our-app",
        )
    )
    assert settings_of(rendered) == Settings(
        collector_image="registry.example/collector:1",
        image_pull_policy="Always",
        image_pull_secrets=("one", "two"),
        max_concurrent_runs=3,
        scratch_size="20Gi",
        collector_environment={
            "BANNETTE_GRAPH_URL": "https://graph.example",
            "BANNETTE_AUTHORITY_URL": "https://login.example",
            "BANNETTE_DOWNLOAD_HOSTS": "files.example",
            "BANNETTE_CLIENT_ID": "our-app",
        },
        listen=(None, 8080),
        instance="operator-0",
    )


def test_a_value_that_does_not_exist_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        chart.render("image.operator=typo")
    assert "image" in refused.value.stderr


def test_what_is_text_stays_text_and_a_number_has_all_its_digits(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(
        "images: {operator: '1.0', pullSecrets: ['0']}\n"
        "operator: {priorityClassName: 'true', maxConcurrentRuns: 1000000}\n"
    )
    command = [chart.helm(), "template", "bannette", str(chart.CHART), f"--values={values}"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    documents = [document for document in yaml.safe_load_all(rendered) if document]
    (deployment,) = (document for document in documents if document["kind"] == "Deployment")
    spec = deployment["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "1.0"
    assert spec["priorityClassName"] == "true"
    assert spec["imagePullSecrets"] == [{"name": "0"}]
    assert settings_of(documents).max_concurrent_runs == 1_000_000


@pytest.mark.parametrize("namespaces", ["{acme,acme}", "{Acme}", "{-}"])
def test_namespaces_that_cannot_be_are_refused(namespaces: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        chart.render(f"operator.namespaces={namespaces}")
    assert "/operator/namespaces" in refusal.value.stderr
