"""The chart: it is sound, and what is rendered from it is current."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from bannette.controller.rights import CLUSTER_WIDE_RULES, OPERATOR_RULES
from devcluster import chart

pytestmark = pytest.mark.apiserver


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
    roles = [
        document for document in yaml.safe_load_all(chart.render()) if document and document["kind"] == "ClusterRole"
    ]
    (role,) = roles
    needed = [*OPERATOR_RULES, *CLUSTER_WIDE_RULES]
    assert sorted(role["rules"], key=str) == sorted(needed, key=str)


def test_a_value_that_does_not_exist_is_refused() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        chart.render("image.operator=typo")
    assert "image" in refused.value.stderr
