"""A company's namespaces with channels, people with one right each, and the console over them, on a real API server."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bannette.connect import Settings, new_server
from bannette.console import ConsoleSettings
from bannette.console.app import Console
from bannette.kube import ClusterApi
from tests.connect.browser import Browser, Page
from tests.connect.office import PUBLIC, at_work, listening, wait_until
from tests.controller.cluster import Cluster
from tests.controller.people import bind

NAME = "acme-onedrive"
SERVICE = "bannette-connect"
#: Who may do what: the ClusterRole that they have in the company's namespace.
ROLES = {
    "viewer": "bannette-viewer",
    "runner": "bannette-runner",
    "configurator": "bannette-configurator",
    "nobody": "",
}
_CHANNELS = "/apis/bannette.io/v1alpha1"
_numbers = itertools.count(1)


class Company:
    """A namespace with a binder, a recipient, a channel, and people who sign in."""

    def __init__(self, cluster: Cluster, *, channel: bool = True) -> None:
        self.cluster = cluster
        self.namespace = f"company-{next(_numbers)}"
        cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        for person, role in ROLES.items():
            self.make_account(person)
            if role:
                self.bind_account(person, role)
                bind(cluster, self.namespace, person, role)
        self.wait_for_right("configurator", "create", "collectionchannels")
        self.create(
            "Binder", "purchases", {"company": "Acme & Fils", "storage": {"persistentVolumeClaim": {"claimName": "p"}}}
        )
        self.create("Recipient", "marie", {"displayName": "Marie", "email": "marie@acme.example", "locale": "fr"})
        if channel:
            self.channel()

    def channel(self, name: str = NAME, *, login_hint: str = "compta@acme.example", **spec: object) -> dict[str, Any]:
        return self.create(
            "CollectionChannel",
            name,
            {
                "type": "OneDrive",
                "recipient": {"name": "marie"},
                "destination": {"binder": "purchases"},
                "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
                "onedrive": {"folder": "/Factures", "account": {"delegated": {"loginHint": login_hint}}},
                **spec,
            },
        )

    def create(self, kind: str, name: str, spec: Mapping[str, object]) -> dict[str, Any]:
        body = {
            "apiVersion": "bannette.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        }
        return self.cluster.request("POST", self.path(f"{kind.lower()}s"), body)

    def get(self, plural: str, name: str) -> dict[str, Any]:
        return self.cluster.request("GET", self.path(plural, name))

    def names(self, plural: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.cluster.request("GET", self.path(plural))["items"]]

    def says(self, status: Mapping[str, object], name: str = NAME) -> None:
        """Write a channel's status, as the operator and runs do."""
        path = f"{self.path('collectionchannels', name)}/status"
        self.cluster.request("PATCH", path, {"status": status}, content_type="application/merge-patch+json")

    def delete(self, plural: str, name: str) -> None:
        self.cluster.request("DELETE", self.path(plural, name))

    def path(self, plural: str, name: str = "") -> str:
        return f"{_CHANNELS}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def token(self, person: str) -> str:
        return self.cluster.service_account_token(self.namespace, person)

    def url(self, name: str = NAME, page: str = "") -> str:
        return f"/console/channels/{self.namespace}/{name}{page}"

    def let_service_read_secrets(self) -> None:
        """Give the service what the operator gives it with each channel, for all of the namespace."""
        kubectl = self.cluster.server.kubectl
        kubectl("-n", self.namespace, "create", "role", "secrets", "--verb=get,update", "--resource=secrets")
        kubectl(
            "-n", self.namespace, "create", "rolebinding", "secrets", "--role=secrets",
            f"--serviceaccount=default:{SERVICE}",
        )  # fmt: skip
        self.wait_for_right(f"system:serviceaccount:default:{SERVICE}", "get", "secrets", group="")

    def make_account(self, person: str) -> None:
        """Make the ServiceAccount of somebody who signs in by a token."""
        path = f"/api/v1/namespaces/{self.namespace}/serviceaccounts"
        self.cluster.request("POST", path, {"metadata": {"name": person}})

    def bind_account(self, person: str, role: str, *, kind: str = "ClusterRole") -> None:
        """Give somebody who signs in by a token a role in the namespace."""
        body = {
            "metadata": {"name": f"account-{person}-{role}"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": person, "namespace": self.namespace}],
        }
        self.cluster.request("POST", f"{self._rbac}/rolebindings", body)

    def make_role(self, name: str, **rule: list[str]) -> None:
        """Make a role of the namespace with one rule."""
        body = {"metadata": {"name": name}, "rules": [rule]}
        self.cluster.request("POST", f"{self._rbac}/roles", body)

    @property
    def _rbac(self) -> str:
        return f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"

    def account(self, person: str) -> str:
        """Return by which name the API server knows a person who signs in by a token."""
        return f"system:serviceaccount:{self.namespace}:{person}"

    def wait_for_right(
        self, user: str, verb: str, resource: str, *, subresource: str = "", group: str = "bannette.io"
    ) -> None:
        """Wait until the API server goes by a right that was given; the console remembers for a while what it said."""
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "resource": resource}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes | {"subresource": subresource}},
        }

        def is_allowed() -> bool:
            answer = self.cluster.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
            return bool(answer["status"]["allowed"])

        wait_until(is_allowed, f"{user} may {verb} {resource}")


def install_service(cluster: Cluster) -> None:
    """Make the service's ServiceAccount, with the rights that acting for people behind a proxy takes."""
    group = "bannette.io"
    resources = ["collectionchannels", "binders", "recipients"]
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch", "create", "configure"]},
        {"apiGroups": [group], "resources": ["collectionchannels", "binders"], "verbs": ["patch"]},
        {"apiGroups": [group], "resources": ["binders/inbox"], "verbs": ["get"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SERVICE, "namespace": "default"}},
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": SERVICE}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": SERVICE},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": SERVICE},
            "subjects": [{"kind": "ServiceAccount", "name": SERVICE, "namespace": "default"}],
        },
    ]
    cluster.server.apply(yaml.safe_dump_all(documents))


def service_api(cluster: Cluster, *, timeout: tuple[float, float] = (10, 30)) -> ClusterApi:
    return ClusterApi(
        cluster.server.url,
        namespace="default",
        token=cluster.service_account_token("default", SERVICE),
        ca=cluster.server.ca_file.read_text(),
        attempts=2,
        timeout=timeout,
        sleep=lambda _: None,
    )


@contextlib.contextmanager
def serving(
    api: ClusterApi, keys: Path, settings: ConsoleSettings | None = None, *, ready: bool = True
) -> Iterator[int]:
    """Serve the console from a thread of this process; yield the port, once it is *ready* to show its list."""
    with listening() as (port, listener):
        connect = Settings(PUBLIC, keys, "127.0.0.1", port, {})
        console = Console(settings or ConsoleSettings(), connect, api)
        console.start()
        try:
            with at_work(new_server(connect, api, console.routes()), listener):
                wait_until(lambda: not ready or console.is_ready, "all channels are read")
                yield port
        finally:
            console.stop()


def browser_at(cluster: Cluster, *ports: int, language: str = "en") -> Browser:
    return Browser(PUBLIC, ports, ca_file=cluster.server.ca_file, language=language)


def signed_in(browser: Browser, token: str, page: str = "/console/channels") -> Page:
    """Sign in by the form, and return the page that it leads to."""
    return browser.send(browser.open(f"/console/sign-in?next={page}"), token=token)
