"""A real API server with its controllers, and the operator as a process beside it, under its own rights only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml

from bannette.controller.names import BINDER, CHANNEL, CRON_JOB, JOB, POD, RECIPIENT, SECRET, Kind
from bannette.controller.rights import CLUSTER_WIDE_RULES, LEASE_RULES, OPERATOR_RULES
from devcluster.apiserver import ApiServer

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE = 60.0
SYSTEM = "bannette-system"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def eventually(check: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    """Return what *check* returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s not yet: {what}")
        time.sleep(0.1)


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
        response = self._session.request(
            method,
            self.server.url + path,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": content_type},
            timeout=30,
        )
        if not response.ok:
            raise AssertionError(f"{method} {path}: {response.status_code} {response.text}")
        found: Json = response.json()
        return found

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        response = self._session.get(self.server.url + kind.path(namespace, name), timeout=30)
        return response.json() if response.ok else None

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
        events = [json.loads(line) for line in self._audit_log.read_text().splitlines()[since:]]
        return [f"{event['verb']} {event['requestURI']}" for event in events if event["user"]["username"] == user]

    def created_by(self, user: str, resource: str, *, namespace: str, since: int) -> Sequence[str]:
        """Return the names of the objects that *user* created there, in order, each as often as it was created."""
        events = [json.loads(line) for line in self._audit_log.read_text().splitlines()[since:]]
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
        return len(self._audit_log.read_text().splitlines())


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


class Operator:
    """The operator's process, as its ServiceAccount."""

    user = f"system:serviceaccount:{SYSTEM}:bannette-operator"

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        server: str | None = None,
    ) -> None:
        """Prepare it.

        Args:
            server: where it finds the API server, by a kubeconfig, if not at its own address, as in a pod.
        """
        self._cluster = cluster
        self._server = server
        self._folder = folder
        self._arguments = arguments
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    def __enter__(self) -> Operator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self, *, until: str = "operator.ready") -> Operator:
        self._starts += 1
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    "import sys; from bannette.controller import main; sys.exit(main())",
                    "--collector-image=registry.example/bannette-collector:1.0",
                    *self._arguments,
                ],
                env={
                    **os.environ,
                    **self._access(),
                    "PYTHONPATH": os.pathsep.join(["operator", "."]),
                    "BANNETTE_LISTEN": "",
                    **self._environ,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_for_line(until)
        return self

    def wait_for_line(self, text: str) -> None:
        def says() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"the operator ended: {self.log.read_text()}")
            return text in self.log.read_text()

        eventually(says, f"the operator logs {text}")

    def stop(self) -> int:
        """End the process as Kubernetes does, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @contextmanager
    def kept_alive(self) -> Iterator[Callable[[], int]]:
        """Start the process whenever it has ended, as the kubelet does; yields how to ask how often."""
        leaving = threading.Event()
        begun = 0

        def watch() -> None:
            nonlocal begun
            while not leaving.wait(0.05):
                if not self.running:
                    begun += 1
                    self.start(until="")

        keeper = threading.Thread(target=watch, name="kubelet")
        keeper.start()
        try:
            yield lambda: begun
        finally:
            leaving.set()
            keeper.join(PATIENCE)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._folder / f"operator-{self._starts}.log"

    def _access(self) -> dict[str, str]:
        token = self._cluster.service_account_token(SYSTEM, "bannette-operator")
        if self._server is not None:
            kubeconfig = self._folder / "kubeconfig"
            self._write_kubeconfig(kubeconfig, self._server, token)
            return {"KUBECONFIG": str(kubeconfig)}
        (self._folder / "token").write_text(token)
        (self._folder / "ca.crt").write_bytes(self._cluster.server.ca_file.read_bytes())
        host, _, port = self._cluster.server.url.removeprefix("https://").rpartition(":")
        return {
            "BANNETTE_SERVICE_ACCOUNT": str(self._folder),
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        }

    def _write_kubeconfig(self, path: Path, server: str, token: str) -> None:
        reached = {"server": server, "certificate-authority": str(self._cluster.server.ca_file)}
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "operator",
                    "contexts": [{"name": "operator", "context": {"cluster": "test", "user": "operator"}}],
                    "clusters": [{"name": "test", "cluster": reached}],
                    "users": [{"name": "operator", "user": {"token": token}}],
                }
            )
        )


class Tenant:
    """A namespace, and what people and the kubelet do in it."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        namespaces = "/api/v1/namespaces"
        body = {"metadata": {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        cluster.request("POST", namespaces, {"apiVersion": "v1", "kind": "Namespace", **body})

    def add_prerequisites(self) -> None:
        self.add_recipient()
        self.add_binder()
        self.add_credentials()
        self.add_claim()

    def add_recipient(self) -> None:
        spec = {"displayName": "Marie", "email": "marie@acme.example", "locale": "fr"}
        self.cluster.create(RECIPIENT, self.namespace, {"metadata": {"name": "marie"}, "spec": spec})

    def add_binder(self) -> None:
        spec = {"company": "Acme", "storage": {"persistentVolumeClaim": {"claimName": "binders"}}}
        self.cluster.create(BINDER, self.namespace, {"metadata": {"name": "purchases"}, "spec": spec})

    def add_claim(self) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        kind = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
        self.cluster.create(kind, self.namespace, {"metadata": {"name": "binders"}, "spec": spec})

    def add_credentials(self, **values: str) -> None:
        body = {"metadata": {"name": "acme-app"}, "stringData": values or {"clientSecret": "s"}}
        self.cluster.create(SECRET, self.namespace, body)

    def add_channel(self, name: str = "acme-onedrive", *, delegated: bool = False, **spec: object) -> Json:
        application = {
            "tenantId": "11111111-2222-3333-4444-555555555555",
            "user": "compta@acme.example",
            "clientId": "bannette-collector",
            "credentialsSecret": {"name": "acme-app"},
        }
        account = {"delegated": {"loginHint": "compta@acme.example"}} if delegated else {"application": application}
        body = {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
            "onedrive": {"account": account},
            **spec,
        }
        return self.cluster.create(CHANNEL, self.namespace, {"metadata": {"name": name}, "spec": body})

    def channel(self, name: str = "acme-onedrive") -> Json:
        return self.cluster.get(CHANNEL, self.namespace, name)

    def status(self, name: str = "acme-onedrive") -> Json:
        found: Json = self.channel(name).get("status") or {}
        return found

    def condition(self, kind: str, name: str = "acme-onedrive") -> Json:
        conditions: list[Json] = self.status(name).get("conditions") or []
        return next((one for one in conditions if one["type"] == kind), {})

    def wait_for_condition(self, kind: str, *, status: str, reason: str, name: str = "acme-onedrive") -> Json:
        def says() -> Json | None:
            found = self.condition(kind, name)
            return found if (found.get("status"), found.get("reason")) == (status, reason) else None

        return eventually(says, f"{kind} is {status}, {reason}, of {name}")

    def request(self, value: str, name: str = "acme-onedrive") -> None:
        annotations = {"bannette.io/requestedAt": value}
        self.cluster.patch(CHANNEL, self.namespace, name, {"metadata": {"annotations": annotations}})

    def change(self, name: str = "acme-onedrive", **spec: object) -> None:
        self.cluster.patch(CHANNEL, self.namespace, name, {"spec": spec})

    def jobs(self, trigger: str | None = None) -> list[Json]:
        found = self.cluster.list(JOB, self.namespace)
        return [job for job in found if trigger in (None, job["metadata"]["labels"]["bannette.io/trigger"])]

    def wait_for_job(self, trigger: str, *, request: str | None = None) -> Json:
        def made() -> Json | None:
            for job in self.jobs(trigger):
                annotations = job["metadata"].get("annotations") or {}
                if request in (None, annotations.get("bannette.io/request")):
                    return job
            return None

        return eventually(made, f"a {trigger} Job for {request}")

    def wait_for_pod(self, job: Json) -> Json:
        selector = f"?labelSelector=batch.kubernetes.io/controller-uid%3D{job['metadata']['uid']}"

        def made() -> Json | None:
            pods = self.cluster.request("GET", POD.path(self.namespace) + selector)["items"]
            return next((pod for pod in pods if pod["status"].get("phase") == "Pending"), None)

        return eventually(made, f"a pod of {job['metadata']['name']}")

    def end_pod(self, pod: Json, *, exit_code: int = 0, reason: str = "Completed", message: str | None = None) -> None:
        """Say what the kubelet says when the collector has ended."""
        state = {"terminated": {"exitCode": exit_code, "reason": reason, **({"message": message} if message else {})}}
        status = {
            "phase": "Failed" if exit_code else "Succeeded",
            "containerStatuses": [
                {
                    "name": "collector",
                    "image": "i",
                    "imageID": "i",
                    "ready": False,
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        self.cluster.patch(POD, self.namespace, pod["metadata"]["name"], {"status": status}, subresource="status")

    def run(self, job: Json, *, report: bool = True, **entry: object) -> Json:
        """Run *job* to its end; with *report* it writes its entry into the status, as the collector does."""
        said = self.entry(job, **entry)
        pod = self.wait_for_pod(job)
        if report:
            channel = job["metadata"]["labels"]["bannette.io/channel"]
            history = [said, *(self.status(channel).get("history") or [])]
            self.report({"history": history, "lastRun": said}, channel)
        self.end_pod(pod, message=json.dumps(said))
        self.wait_until_finished(job)
        return said

    def report(self, status: Json, name: str = "acme-onedrive") -> None:
        """Write what a run writes into the status of its channel."""
        self.cluster.patch(CHANNEL, self.namespace, name, {"status": status}, subresource="status")

    def entry(self, job: Json, **members: object) -> Json:
        annotations = job["metadata"].get("annotations") or {}
        request = annotations.get("bannette.io/request")
        return {
            "id": job["metadata"]["uid"],
            "trigger": job["metadata"]["labels"]["bannette.io/trigger"],
            **({"request": request} if request else {}),
            "job": job["metadata"]["name"],
            "startedAt": job["metadata"]["creationTimestamp"],
            "completedAt": job["metadata"]["creationTimestamp"],
            "result": "Succeeded",
            "reason": "Collected",
            "message": "3 documents.",
            "collected": 3,
            **members,
        }

    def wait_until_finished(self, job: Json) -> None:
        def ended() -> bool:
            found = self.cluster.find(JOB, self.namespace, job["metadata"]["name"]) or {}
            conditions = found.get("status", {}).get("conditions") or []
            return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)

        eventually(ended, f"{job['metadata']['name']} has ended")

    def wait_for_entry(self, job: Json) -> Json:
        def recorded() -> Json | None:
            history: list[Json] = self.status().get("history") or []
            return next((one for one in history if one["id"] == job["metadata"]["uid"]), None)

        return eventually(recorded, f"an entry for {job['metadata']['name']}")

    def cron_job(self, name: str = "acme-onedrive") -> Json:
        return self.cluster.get(CRON_JOB, self.namespace, f"{name}-collect")
