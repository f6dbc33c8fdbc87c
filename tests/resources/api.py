"""A small client of an API server, and Bannette's CRDs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from bannette.resources import BINDERS, CHANNELS, GROUP, RECIPIENTS, VERSION
from devcluster.apiserver import ApiServer

ROOT = Path(__file__).parents[2]
CRDS = {name: yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text()) for name in (CHANNELS, BINDERS, RECIPIENTS)}
PLURALS = {crd["spec"]["names"]["kind"]: name for name, crd in CRDS.items()}


class Api:
    """The API server as a user with all rights sees it."""

    def __init__(self, server: ApiServer) -> None:
        self.kubectl = server.kubectl
        self._url = server.url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(server.ca_file)
        self._session.headers["Authorization"] = f"Bearer {server.token}"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Ask, and ask again as long as the server makes room for a definition that was changed."""
        while True:
            answer = self._session.request(
                method, f"{self._url}{path}", json=body, headers=headers, params=query, timeout=120
            )
            if answer.status_code != 429:
                return answer
            time.sleep(float(answer.headers.get("Retry-After", 1)))

    def create(self, resource: Mapping[str, Any], *, really: bool = False) -> requests.Response:
        """Create *resource* as kubectl would; unless *really*, the server only says what it would do."""
        return self.call("POST", self._collection(resource), resource, query=_strict(really=really))

    def change(self, resource: Mapping[str, Any], patch: Mapping[str, Any]) -> requests.Response:
        """Let the server say what it would do with *patch*."""
        return self._patch(self.path(resource), patch, really=False)

    def change_status(self, resource: Mapping[str, Any], status: Mapping[str, Any]) -> requests.Response:
        return self._patch(f"{self.path(resource)}/status", {"status": status}, really=True)

    def path(self, resource: Mapping[str, Any]) -> str:
        return f"{self._collection(resource)}/{resource['metadata']['name']}"

    def _collection(self, resource: Mapping[str, Any]) -> str:
        return collection(PLURALS[resource["kind"]], namespace=resource["metadata"].get("namespace", "acme"))

    def _patch(self, path: str, patch: Mapping[str, Any], *, really: bool) -> requests.Response:
        headers = {"Content-Type": "application/merge-patch+json"}
        return self.call("PATCH", path, patch, headers=headers, query=_strict(really=really))


def collection(plural: str, *, namespace: str = "acme") -> str:
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}"


def _strict(*, really: bool) -> dict[str, str]:
    return {"fieldValidation": "Strict"} if really else {"fieldValidation": "Strict", "dryRun": "All"}
