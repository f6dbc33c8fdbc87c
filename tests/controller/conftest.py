from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from devcluster.apiserver import ApiServer
from tests.controller.between import Between
from tests.controller.cluster import Cluster, install_rights
from tests.controller.operator_process import Operator
from tests.controller.people import install_rights_of_people
from tests.controller.tenant import Tenant

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    audit_log = tmp_path_factory.mktemp("audit") / "audit.log"
    with ApiServer(controller_manager=True, audit_log=audit_log) as server:
        server.install_crds(Path("crds"))
        made = Cluster(server, audit_log)
        install_rights(made)
        install_rights_of_people(made)
        yield made


@pytest.fixture
def tenant(cluster: Cluster) -> Tenant:
    """A namespace without anything in it."""
    return Tenant(cluster, f"tenant-{next(_numbers)}")


@pytest.fixture
def new_operator(cluster: Cluster, tenant: Tenant, tmp_path: Path) -> Iterator[Callable[..., Operator]]:
    """Prepares operators of the tenant's namespace; they are ended after the test."""
    made: list[Operator] = []

    def prepare(
        *arguments: str,
        namespace: str | None = tenant.namespace,
        pod: str = "operator",
        server: str | None = None,
        environ: Mapping[str, str] | None = None,
        forked: bool = True,
    ) -> Operator:
        folder = tmp_path / f"operator-{len(made)}"
        folder.mkdir()
        within = () if namespace is None else (f"--namespace={namespace}",)
        environ = {"POD_NAME": pod, **(environ or {})}
        made.append(Operator(cluster, folder, *within, *arguments, environ=environ, server=server, forked=forked))
        return made[-1]

    yield prepare
    for operator in made:
        operator.kill()
        # Shown when the test has failed.
        print(operator.end_of_log())


@pytest.fixture
def between(cluster: Cluster) -> Iterator[Between]:
    """What lies between an operator and the API server, when the operator is told to go that way."""
    with Between(cluster.server) as made:
        yield made


@pytest.fixture
def operator(new_operator: Callable[..., Operator]) -> Operator:
    """The operator of the tenant's namespace, at work."""
    return new_operator().start()
