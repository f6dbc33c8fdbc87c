"""What Helm says after it has installed the chart."""

from __future__ import annotations

import subprocess

import pytest

from devcluster import chart
from tests.chart.connect_pages import ENABLED, MAILS

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


def notes(*settings: str) -> str:
    options = [option for setting in settings for option in ("--set", setting)]
    command = [chart.helm(), "install", "bannette", chart.CHART, "--dry-run=client", *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return text.partition("\nNOTES:\n")[2]


def test_the_notes_name_images_that_no_registry_has() -> None:
    ours = ("images.operator=registry.example/operator:1", "images.collector=registry.example/collector:1")
    assert "localhost/bannette-operator:0.1.0 is pulled from no registry" in notes()
    assert "localhost/bannette-collector:0.1.0 is pulled from no registry" in notes(ours[0])
    assert "localhost/" not in notes(*ours)
    assert "localhost/bannette-connect:0.1.0 is pulled from no registry" in notes(*ours, *ENABLED)


def test_the_notes_tell_how_links_reach_clients_and_where_the_console_is() -> None:
    assert "connect" not in notes()
    alone = notes(*ENABLED)
    assert "kubectl collection connect CHANNEL --namespace NAMESPACE --link" in alone
    assert "/console" not in alone
    with_both = notes(*ENABLED, *MAILS, "connect.console.enabled=true")
    assert "--link" not in with_both
    assert "The console, for your own people: https://connect.example/console/" in with_both
