"""`make tour`, and somebody who does what it says."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from demo.installation import (
    OPERATOR_NAMESPACE,
    SIMULATOR_ORIGIN,
    install_operator,
    remove_pages,
    trust_simulator,
    wait_for,
)
from devcluster.kubectl import Kubectl
from simulator.client import ControlClient
from tests.browser.person import Person, chromium

ROOT = Path(__file__).parents[2]
PUBLIC = "https://documents.bannette.example"
SECONDS = 600


@pytest.fixture
def after_make_run(
    kubectl: Kubectl, image_names: dict[str, str], ca_file: Path, onedrive: ControlClient
) -> Iterator[None]:
    """The resources that `make run` leaves; what the tour adds goes again."""
    kubectl.apply(ROOT / "manifests" / "samples" / "acme")
    trust_simulator(kubectl, "acme", ca_file)
    yield
    onedrive.settings(person_says="yes")
    kubectl("delete", "namespace", "acme", "--wait=false")
    remove_pages(kubectl)
    kubectl("-n", OPERATOR_NAMESPACE, "delete", "secret", "tour-keys", "tour-ca")
    origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
    install_operator(kubectl, image_names, environment=origins)


def test_whoever_does_what_the_tour_says_connects_and_sees_the_documents_come(after_make_run, tmp_path):
    output = tmp_path / "output"
    with output.open("w") as file:
        tour = subprocess.Popen([sys.executable, "-m", "demo.tour"], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    try:
        told = Told(output, tour)
        (command,) = told.browsers(1)
        ports = re.findall(r" 127\.0\.0\.1:([0-9]+)", shlex.join(command))
        tunnel = re.search(
            r"^  ssh -N -L (\d+):127\.0\.0\.1:\1 -L (\d+):127\.0\.0\.1:\2 ", output.read_text(), re.MULTILINE
        )
        assert tunnel is not None
        assert [*tunnel.groups()] == ports
        options = [word for word in command[1:-1] if not word.startswith(("--user-data-dir", "--no-sandbox"))]
        with sync_playwright() as playwright:
            launch = playwright.chromium.launch(
                executable_path=chromium(), args=[*options, "--no-sandbox"], timeout=120_000
            )
            person = Person(launch.new_page(locale="fr"), PUBLIC, frozenset({SIMULATOR_ORIGIN}))
            person.open(command[-1])
            person.press("Continuer chez Microsoft")
            person.agree("compta@acme.example")
            assert person.heading == "Votre OneDrive est connecté"
            _, console = told.browsers(2)
            assert output.read_text().count("text/plain") >= 2, "the documents of this time, and of earlier ones"
            person.open(console[-1])
            (token,) = re.findall(r"^ey\S+$", output.read_text(), re.MULTILINE)
            person.page.locator("[name=token]").fill(token)
            person.press("Se connecter")
            assert "courrier-onedrive" in person.text
            assert not person.wrong
    finally:
        tour.send_signal(signal.SIGINT)
        assert tour.wait(120) == 0, output.read_text()


class Told:
    """What the tour printed."""

    def __init__(self, output: Path, tour: subprocess.Popen[bytes]) -> None:
        self._output = output
        self._tour = tour

    def browsers(self, number: int) -> list[list[str]]:
        """Return the commands of browsers that it printed, when there are *number* of them."""
        wait_for("the tour to say so", lambda: self._has_said(number), seconds=SECONDS)
        assert len(self._found()) == number, self._output.read_text()
        return self._found()

    def _has_said(self, number: int) -> bool:
        return len(self._found()) >= number or self._tour.poll() is not None

    def _found(self) -> list[list[str]]:
        lines = self._output.read_text().splitlines()
        return [shlex.split(line) for line in lines if line.startswith("  chromium ")]
