"""One embedded cluster with the real images for all tests of this folder; a namespace and a folder for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.installation import (
    SIMULATOR_ORIGIN,
    install_operator,
    install_simulator,
    simulator_control,
)
from devcluster import cluster, images
from devcluster.binaries import program
from devcluster.kubectl import Kubectl
from devcluster.layout import Layout, state_folder
from simulator.client import ControlClient
from tests.cluster.tenant import Tenant


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            # The first one builds the images, where they haven't been built yet.
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def built() -> list[images.Image]:
    return images.build()


@pytest.fixture(scope="session")
def image_names(built: list[images.Image]) -> dict[str, str]:
    """The names of the images, by their targets."""
    return {image.target: image.name for image in built}


@pytest.fixture(scope="session")
def kubectl(built: list[images.Image]) -> Iterator[Kubectl]:
    was_up = cluster.status(Layout(state_folder())).healthy
    layout = cluster.up()
    try:
        for image in built:
            cluster.load(image.archive)
        yield Kubectl(layout.kubeconfig)
    finally:
        if not was_up:
            cluster.down()


@pytest.fixture(scope="session")
def ca_file(kubectl: Kubectl, image_names: dict[str, str]) -> Path:
    # Where the demos keep it, too: what a test of theirs installs again goes on with the same authority.
    folder = Layout(state_folder()).kubeconfig.parent / "ca"
    ca = install_simulator(kubectl, image_names["simulator"], ca_folder=folder)
    origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
    install_operator(kubectl, image_names, environment=origins)
    return ca


@pytest.fixture(scope="session")
def onedrive(kubectl: Kubectl, ca_file: Path) -> Iterator[ControlClient]:
    with simulator_control(kubectl, str(program("kubectl")), ca_file) as control:
        # On a cluster that was up it has what earlier tests left.
        control.reset()
        yield control


@pytest.fixture
def tenant(
    kubectl: Kubectl, ca_file: Path, onedrive: ControlClient, request: pytest.FixtureRequest
) -> Iterator[Tenant]:
    """A namespace with everything but a channel, and a folder of its own with two documents."""
    name = request.node.name.replace("test_", "").replace("_", "-")[:40].strip("-")
    made = Tenant(kubectl, onedrive, name)
    made.set_up(ca_file)
    yield made
    made.tear_down()
