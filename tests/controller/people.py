"""What people and ServiceAccounts get when they ask the API server, by impersonation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests
import yaml

from devcluster import chart
from tests.controller.cluster import Cluster, eventually

Json = dict[str, Any]
RBAC = "rbac.authorization.k8s.io/v1"
_OF_PEOPLE = ("bannette-viewer", "bannette-runner", "bannette-inbox", "bannette-configurator", "bannette-configure")


def install_rights_of_people(cluster: Cluster) -> None:
    """Apply the ClusterRoles and the policy of manifests/install."""
    documents = [document for document in yaml.safe_load_all(chart.INSTALL.read_text()) if document]
    wanted = [document for document in documents if document["metadata"]["name"] in _OF_PEOPLE]
    assert len(wanted) == len(_OF_PEOPLE) + 1, "manifests/install lacks roles, or the policy and its binding"
    cluster.server.apply(yaml.safe_dump_all(wanted))


@dataclass(frozen=True)
class Answer:
    """What the API server said; *by*: ``rights`` or ``policy``, which refused it, or "" for neither."""

    status: int
    by: str
    body: Json

    def __str__(self) -> str:
        return self.by or ("allowed" if self.status < 300 else f"{self.status} {self.body.get('message')}")


class Person:
    """A user as whom requests are made."""

    def __init__(self, cluster: Cluster, user: str, *groups: str) -> None:
        self._server = cluster.server
        self._headers = [("Impersonate-User", user), *(("Impersonate-Group", group) for group in groups)]
        self.user = user

    def ask(
        self, method: str, path: str, body: object = None, *, content_type: str = "application/json", dry: bool = True
    ) -> Answer:
        """Make the request; with *dry* the server does all but keep it."""
        merged = requests.structures.CaseInsensitiveDict({"Content-Type": content_type})
        merged["Authorization"] = f"Bearer {self._server.token}"
        for name, value in self._headers:
            merged[name] = value
        response = requests.request(
            method,
            self._server.url + path,
            params={"dryRun": "All", "fieldManager": "person"} if dry and method != "GET" else None,
            data=None if body is None else json.dumps(body),
            headers=merged,
            verify=str(self._server.ca_file),
            timeout=60,
        )
        answer = response.json()
        message = str(answer.get("message"))
        by = "" if response.status_code != 403 else "policy" if "ValidatingAdmissionPolicy" in message else "rights"
        return Answer(response.status_code, by, answer)


def bind(cluster: Cluster, namespace: str, user: str, role: str) -> None:
    """Give *user* the ClusterRole *role* in *namespace*, and wait until the API server goes by it."""
    body = {
        "apiVersion": RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": f"{user}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    cluster.request("POST", f"/apis/{RBAC}/namespaces/{namespace}/rolebindings", body)
    rules: list[Json] = cluster.request("GET", f"/apis/{RBAC}/clusterroles/{role}")["rules"] or []
    given = [(one["verbs"][0], one["resources"][0], one["apiGroups"][0]) for one in rules if one.get("resources")]
    eventually(
        lambda: all(can(cluster, user, verb, what, namespace, group=group) for verb, what, group in given),
        f"{user} may do what {role} lets",
    )


def can(cluster: Cluster, user: str, verb: str, resource: str, namespace: str, *, group: str = "bannette.io") -> bool:
    """What ``kubectl auth can-i`` says."""
    attributes = {"namespace": namespace, "group": group, "resource": resource, "verb": verb}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    answer = cluster.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
    return bool(answer["status"]["allowed"])
