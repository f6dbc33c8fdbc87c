"""A real API server with its controllers, as its administrator sees it, and the rights of the operator."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml

from bannette.controller.names import Kind
from bannette.controller.rights import CLUSTER_WIDE_RULES, LEASE_RULES, OPERATOR_RULES
from devcluster.apiserver import ApiServer

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE = 150.0
SYSTEM = "bannette-system"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def eventually(check: Callable[[], T | None], what: str, *, seconds: float = PATIENCE, every: float = 0.1) -> T:
    """Return what *check*, which is called *every* so many seconds, returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s not yet: {what}")
        time.sleep(every)


class Cluster:
    """The API server as its administrator sees it."""

    def __init__(self, server: ApiServer, audit_log: Path) -> None:
        self.server = server
        self._audit_log = audit_log
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(server.ca_file)
        self._session.headers["Authorization"] = f"Bearer {server.token}"

    def request(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> Json:
        return _said(self._answer(method, path, body, content_type))

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        response = self._answer("GET", kind.path(namespace, name))
        return None if response.status_code == 404 else _said(response)

    def _answer(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> requests.Response:
        """Ask, and ask again whenever the server says when: it does while it makes room for a definition."""
        deadline = time.monotonic() + PATIENCE
        while True:
            response = self._session.request(
                method,
                self.server.url + path,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": content_type},
                timeout=60,
            )
            seconds = response.headers.get("Retry-After")
            if response.status_code != 429 or seconds is None or time.monotonic() > deadline:
                return response
            time.sleep(float(seconds))

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        return self.request("GET", kind.path(namespace, name))

    def list(self, kind: Kind, namespace: str) -> list[Json]:
        items: list[Json] = self.request("GET", kind.path(namespace))["items"]
        return items

    def create(self, kind: Kind, namespace: str, body: Json) -> Json:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, **body}
        return self.request("POST", kind.path(namespace), body)

    def patch(self, kind: Kind, namespace: str, name: str, body: Json, *, subresource: str | None = None) -> Json:
        path = kind.path(namespace, name, subresource)
        return self.request("PATCH", path, body, content_type="application/merge-patch+json")

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        self.request("DELETE", kind.path(namespace, name), {"propagationPolicy": "Background"})

    def service_account_token(self, namespace: str, name: str) -> str:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token: str = self.request("POST", path, body)["status"]["token"]
        return token

    def requests_of(self, user: str, *, since: int) -> Sequence[str]:
        """Return what *user* asked for since the audit log had so many lines, as "verb path"."""
        events = map(json.loads, self._audited()[since:])
        return [f"{event['verb']} {event['requestURI']}" for event in events if event["user"]["username"] == user]

    def created_by(self, user: str, resource: str, *, namespace: str, since: int) -> Sequence[str]:
        """Return the names of the objects that *user* created there, in order, each as often as it was created."""
        events = map(json.loads, self._audited()[since:])
        return [
            event["objectRef"]["name"]
            for event in events
            if event["user"]["username"] == user
            and event["verb"] == "create"
            and event["responseStatus"]["code"] == 201
            and (event["objectRef"]["resource"], event["objectRef"]["namespace"]) == (resource, namespace)
        ]

    def writes_of(self, user: str, *, since: int) -> Sequence[str]:
        return [one for one in self.requests_of(user, since=since) if one.partition(" ")[0] in WRITES]

    def audit_position(self) -> int:
        return len(self._audited())

    def _audited(self) -> Sequence[str]:
        """Return the lines of the audit log.

        One comes right before the end of the answer to its request, whose effect others may have seen by then.
        """
        # The last one may be half written.
        return self._audit_log.read_text().rpartition("\n")[0].splitlines()


def _said(response: requests.Response) -> Json:
    if not response.ok:
        asked = response.request
        raise AssertionError(f"{asked.method} {asked.path_url}: {response.status_code} {response.text}")
    found: Json = response.json()
    return found


def install_rights(cluster: Cluster) -> None:
    """Make the operator's namespace and ServiceAccount, with the rules that the package declares."""
    rules = [*OPERATOR_RULES, *CLUSTER_WIDE_RULES]
    subject = {"kind": "ServiceAccount", "name": "bannette-operator", "namespace": SYSTEM}
    rbac = "rbac.authorization.k8s.io"
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bannette-operator", "namespace": SYSTEM}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": "bannette-operator"}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "bannette-operator"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "bannette-operator"},
            "subjects": [subject],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": "bannette-operator", "namespace": SYSTEM},
            "rules": list(LEASE_RULES),
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "bannette-operator", "namespace": SYSTEM},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "bannette-operator"},
            "subjects": [subject],
        },
    ]
    cluster.server.apply(yaml.safe_dump_all(documents))
