"""An API server for the tests of the pages, and a channel in it that waits for its account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.apiserver import ApiServer
from simulator.testing import Simulator
from tests.connect.browser import Browser
from tests.connect.office import NAMESPACE, Office, browser_of, serving

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        running.install_crds(CRDS)
        running.kubectl("create", "namespace", NAMESPACE)
        yield running


@pytest.fixture
def office(server: ApiServer, simulator: Simulator, tmp_path: Path) -> Iterator[Office]:
    """A namespace for a channel: ``office.open(…)`` makes it."""
    made = Office(server, simulator, tmp_path)
    yield made
    made.close()


@pytest.fixture
def browser(office: Office) -> Iterator[Browser]:
    """The browser of a person, and the service that it reaches."""
    with serving(office) as port:
        yield browser_of(office, port)
