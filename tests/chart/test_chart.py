"""The chart: it is sound, and what is rendered from it is current."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from bannette.controller.rights import CLUSTER_WIDE_RULES, OPERATOR_RULES
from bannette.controller.settings import Settings
from devcluster import chart

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


def test_helm_finds_no_fault_with_it() -> None:
    subprocess.run([chart.helm(), "lint", "--strict", str(chart.CHART)], check=True, capture_output=True)


def test_the_rendered_installation_is_current() -> None:
    rendered = [document for document in yaml.safe_load_all(chart.render()) if document]
    namespace, *committed = (document for document in yaml.safe_load_all(chart.INSTALL.read_text()) if document)
    assert namespace["kind"] == "Namespace"
    assert committed == rendered, "manifests/install is stale: make manifests"


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
    (deployment,) = (document for document in rendered if document and document["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environ = {one["name"]: one.get("value", "operator-0") for one in container["env"]}
    settings = Settings.from_arguments(container["args"][1:], environ)
    assert settings == Settings(
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
