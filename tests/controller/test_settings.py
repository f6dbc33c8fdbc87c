from __future__ import annotations

import pytest

from bannette.controller.settings import Settings
from bannette.errors import PersonNeeded

IMAGE = {"BANNETTE_COLLECTOR_IMAGE": "registry.example/collector:1"}


def test_the_environment_is_enough() -> None:
    settings = Settings.from_arguments(
        [],
        IMAGE
        | {
            "BANNETTE_IMAGE_PULL_POLICY": "Never",
            "BANNETTE_NAMESPACES": "acme, beta",
            "BANNETTE_MAX_CONCURRENT_RUNS": "3",
            "BANNETTE_GRAPH_URL": "https://graph.example",
            "BANNETTE_AUTHORITY_URL": "",
            "HOME": "/root",
            "POD_NAME": "bannette-operator-1",
        },
    )
    assert settings.collector_image == "registry.example/collector:1"
    assert settings.image_pull_policy == "Never"
    assert settings.namespaces == ("acme", "beta")
    assert settings.max_concurrent_runs == 3
    assert settings.collector_environment == {"BANNETTE_GRAPH_URL": "https://graph.example"}
    assert settings.liveness == "http://0.0.0.0:8080/healthz"
    assert settings.instance == "bannette-operator-1"
    assert settings.lease is None


def test_flags_come_before_the_environment() -> None:
    flags = ["--collector-image", "other", "-n", "acme", "--liveness", "", "--lease-namespace", "bannette-system"]
    settings = Settings.from_arguments(flags, IMAGE | {"BANNETTE_NAMESPACES": "beta"})
    assert (settings.collector_image, settings.namespaces, settings.liveness) == ("other", ("acme",), None)
    assert settings.lease == ("bannette-system", "bannette-operator")


@pytest.mark.parametrize(
    "environ", [{}, IMAGE | {"BANNETTE_MAX_CONCURRENT_RUNS": "0"}, IMAGE | {"BANNETTE_MAX_CONCURRENT_RUNS": "many"}]
)
def test_impossible_settings_are_refused_with_their_name(environ: dict[str, str]) -> None:
    with pytest.raises(PersonNeeded, match="BANNETTE_"):
        Settings.from_arguments([], environ)
