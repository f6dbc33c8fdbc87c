"""A real API server that knows Bannette's CRDs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devcluster.apiserver import ApiServer
from tests.resources.api import ROOT, Api


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    with ApiServer() as server:
        server.install_crds(ROOT / "crds")
        for namespace in ("acme", "empty"):
            server.kubectl("create", "namespace", namespace)
        yield Api(server)
