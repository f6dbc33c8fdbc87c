"""A real API server that knows Bannette's CRDs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resources.api import CRDS, Api, collection, until


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    from devcluster.apiserver import ApiServer

    with ApiServer() as server:
        client = Api(server.url, token=server.token, ca_file=server.ca_file, kubectl=server.kubectl)
        for crd in CRDS.values():
            made = client.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
            assert made.status_code == 201, made.text
        assert client.call("POST", "/api/v1/namespaces", {"metadata": {"name": "acme"}}).status_code == 201
        for plural in CRDS:
            until(lambda plural=plural: client.call("GET", collection(plural)).ok, f"the API server to serve {plural}")
        yield client
