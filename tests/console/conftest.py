"""The console over a real API server with Bannette's roles and policy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from bannette.kube import ClusterApi
from devcluster.apiserver import ApiServer
from tests.connect.browser import Browser
from tests.console.desk import Company, browser_at, install_service, service_api, serving
from tests.controller.cluster import Cluster
from tests.controller.people import install_rights_of_people

CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
    with ApiServer(audit_log=audit_log) as server:
        server.install_crds(CRDS)
        made = Cluster(server, audit_log)
        install_rights_of_people(made)
        install_service(made)
        yield made


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> ClusterApi:
    """The API server as the service may use it."""
    return service_api(cluster)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "2026-11-01").write_text(secrets.token_hex(32))
    return folder


@pytest.fixture(scope="session")
def port(api: ClusterApi, keys: Path) -> Iterator[int]:
    """A console where people sign in by tokens."""
    with serving(api, keys) as running:
        yield running


@pytest.fixture
def browser(cluster: Cluster, port: int) -> Browser:
    return browser_at(cluster, port)


@pytest.fixture(scope="module")
def company(cluster: Cluster) -> Company:
    """A company that the module's tests share; they change nothing of it but what they say."""
    return Company(cluster)
