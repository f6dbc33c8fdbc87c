"""What a node does for Bannette, without a node: it runs the operator of its Deployment, and the pods of runs.

On an API server without nodes every pod stays Pending. Here a run's pod is done in this process, with the rights of its
ServiceAccount, the Secrets that it mounts, and a folder for each claim; then its status says what the kubelet would.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import yaml

from bannette.collector import ClusterAssignment, Interruption, Run
from bannette.collector.order import order_of_pod
from bannette.controller.names import JOB, POD, SECRET
from bannette.kube import ClusterApi
from devcluster.errors import CommandFailed
from simulator.testing import Simulator
from tests.controller.cluster import Cluster

Json = dict[str, Any]
_OPERATOR = "import sys; from bannette.cli.main import main; sys.exit(main())"
_POLL = 0.2
_PATIENCE = 15.0


@dataclass
class _Operator:
    """The process of an operator, and the metadata of its pod."""

    pod: Json
    process: subprocess.Popen[bytes]
    _ended_at: float | None = None

    @property
    def ended(self) -> bool:
        if self._ended_at is None and self.process.poll() is not None:
            self._ended_at = time.monotonic()
        return self._ended_at is not None

    def has_ended_for_good(self) -> bool:
        """Whether it ended so long ago that its pod would be gone, had it ended because its rights were deleted."""
        return self.ended and time.monotonic() - (self._ended_at or 0.0) > _PATIENCE


class Node:
    """Runs pods while the context is entered.

    Attributes:
        failures: what went wrong in it; a test that uses it should find none.
    """

    def __init__(self, cluster: Cluster, simulator: Simulator, folder: Path) -> None:
        self._cluster = cluster
        self._simulator = simulator
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="node", daemon=True)
        self._begun: set[str] = set()
        self._operators: dict[str, _Operator] = {}
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(120)
        for operator in self._operators.values():
            while operator.ended and self._is_there(operator.pod) and not operator.has_ended_for_good():
                time.sleep(_POLL)
            if operator.ended and self._is_there(operator.pod):
                self._tell(operator)
            operator.process.kill()
            operator.process.wait(30)

    def volume(self, namespace: str, claim: str) -> Path:
        """Return the folder that a claim's volume is here."""
        return self._folder / "volumes" / namespace / claim

    def logs(self) -> str:
        """Return the ends of the operators' logs."""
        return "\n".join(
            "\n".join(path.read_text().splitlines()[-40:]) for path in sorted(self._folder.glob("operator-*.log"))
        )

    def _work(self) -> None:
        while not self._stop.wait(_POLL):
            try:
                pods = self._cluster.request("GET", POD.path(None))["items"]
                self._look_after_operators({pod["metadata"]["uid"] for pod in pods})
                for pod in pods:
                    if pod["status"].get("phase") == "Pending" and pod["metadata"]["uid"] not in self._begun:
                        self._begun.add(pod["metadata"]["uid"])
                        self._begin_unless_gone(pod)
            except Exception:  # noqa: BLE001 - the top of a thread; the test fails by it
                self.failures.append(traceback.format_exc())

    def _begin_unless_gone(self, pod: Json) -> None:
        try:
            self._begin(pod)
        except Exception:
            # A pod may be deleted, with what it needs, since it was listed.
            if self._is_there(pod["metadata"]):
                raise

    def _is_there(self, metadata: Json) -> bool:
        found = self._cluster.find(POD, metadata["namespace"], metadata["name"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    def _begin(self, pod: Json) -> None:
        container = pod["spec"]["containers"][0]
        if container.get("args") == ["controller"]:
            self._start_operator(pod, container)
        elif container.get("args") == ["collect", "--in-cluster"]:
            self._collect(pod, container)
        self._set_running(pod, container)

    # The operator

    def _start_operator(self, pod: Json, container: Json) -> None:
        namespace, uid = pod["metadata"]["namespace"], pod["metadata"]["uid"]
        kubeconfig = self._folder / f"{uid}.kubeconfig"
        token = self._cluster.service_account_token(namespace, pod["spec"]["serviceAccountName"])
        _write_kubeconfig(kubeconfig, self._cluster, token)
        environment = {
            **os.environ,
            **_variables(pod, container),
            "KUBECONFIG": str(kubeconfig),
            "PYTHONPATH": os.pathsep.join([str(Path("operator").absolute()), str(Path().absolute())]),
            "BANNETTE_LISTEN": "",
        }
        with (self._folder / f"operator-{pod['metadata']['name']}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _OPERATOR, "controller"], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self._operators[uid] = _Operator(pod["metadata"], process)

    def _look_after_operators(self, there: set[str]) -> None:
        for uid, operator in list(self._operators.items()):
            if uid not in there:
                del self._operators[uid]
                operator.process.terminate()
                operator.process.wait(120)
            elif operator.has_ended_for_good():
                del self._operators[uid]
                self._tell(operator)

    def _tell(self, operator: _Operator) -> None:
        self.failures.append(f"An operator ended with {operator.process.returncode}:\n{self.logs()}")

    # A run

    def _collect(self, pod: Json, container: Json) -> None:
        metadata, spec = pod["metadata"], pod["spec"]
        namespace = metadata["namespace"]
        folder = self._folder / "pods" / metadata["name"]
        mounts = self._mounts(namespace, spec, container, folder)
        token = self._cluster.service_account_token(namespace, spec["serviceAccountName"])
        server = self._cluster.server
        api = ClusterApi(server.url, namespace=namespace, token=token, ca=server.ca_file.read_text())
        log = folder / "termination-log"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            **_variables(pod, container),
            **self._simulator.environment,
            "BANNETTE_TERMINATION_LOG": str(log),
        }
        assignment = ClusterAssignment(
            api,
            channel=environment["BANNETTE_CHANNEL"],
            volume=mounts.get("binder", folder / "no-volume"),
            credentials=mounts.get("credentials", folder / "no-credentials"),
            store=mounts.get("store", folder / "no-store"),
        )
        assignment.scratch = folder / "scratch"
        order = order_of_pod(environment, now=datetime.now(UTC))
        _, code = Run(assignment, order, Interruption(), environ=environment, in_pod=True).run()
        said = log.read_text() if log.exists() else None
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": said}
        self._set_status(pod, container, "Failed" if code else "Succeeded", {"terminated": ended})

    def _mounts(self, namespace: str, spec: Json, container: Json, folder: Path) -> dict[str, Path]:
        found: dict[str, Path] = {}
        below = {mount["name"]: mount.get("subPath", "") for mount in container["volumeMounts"]}
        for volume in spec["volumes"]:
            name = volume["name"]
            if "persistentVolumeClaim" in volume:
                found[name] = self.volume(namespace, volume["persistentVolumeClaim"]["claimName"]) / below[name]
                found[name].mkdir(parents=True, exist_ok=True)
            elif "secret" in volume:
                found[name] = folder / name
                found[name].mkdir(parents=True, exist_ok=True)
                secret = self._cluster.get(SECRET, namespace, volume["secret"]["secretName"])
                for key, value in (secret.get("data") or {}).items():
                    (found[name] / key).write_bytes(base64.b64decode(value))
        return found

    # What the kubelet says

    def _set_running(self, pod: Json, container: Json) -> None:
        if container.get("args") != ["collect", "--in-cluster"]:
            self._set_status(pod, container, "Running", {"running": {"startedAt": _now()}})

    def _set_status(self, pod: Json, container: Json, phase: str, state: Json) -> None:
        ready = phase == "Running"
        status = {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready), "lastTransitionTime": _now()}],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": container["image"],
                    "ready": ready,
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        metadata = pod["metadata"]
        self._cluster.patch(POD, metadata["namespace"], metadata["name"], {"status": status}, subresource="status")


def unfinished_jobs(cluster: Cluster, namespace: str) -> list[str]:
    """Return the names of the Jobs that haven't ended."""
    return [
        job["metadata"]["name"]
        for job in cluster.list(JOB, namespace)
        if not any(
            one["type"] in ("Complete", "Failed") and one["status"] == "True"
            for one in job.get("status", {}).get("conditions") or ()
        )
    ]


def describe(cluster: Cluster) -> str:
    """Return what a person would look at when something doesn't come."""
    kubectl = cluster.server.kubectl
    try:
        return "\n".join(
            (kubectl("get", "collectionchannels,jobs,pods", "-A", "-o", "wide"), kubectl("get", "events", "-A"))
        )
    except CommandFailed as error:
        return str(error)


def _variables(pod: Json, container: Json) -> Mapping[str, str]:
    labels = pod["metadata"].get("labels") or {}
    fields = {
        "metadata.labels['batch.kubernetes.io/job-name']": labels.get("batch.kubernetes.io/job-name", ""),
        "metadata.labels['batch.kubernetes.io/controller-uid']": labels.get("batch.kubernetes.io/controller-uid", ""),
        "metadata.name": pod["metadata"]["name"],
    }
    # Of this machine, not of the image.
    left_out = ("TMPDIR", "HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    return {
        one["name"]: one["value"] if "value" in one else fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
        for one in container["env"]
        if one["name"] not in left_out and ("value" in one or "valueFrom" in one)
    }


def _write_kubeconfig(path: Path, cluster: Cluster, token: str) -> None:
    reached = {"server": cluster.server.url, "certificate-authority": str(cluster.server.ca_file)}
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "pod",
                "contexts": [{"name": "pod", "context": {"cluster": "test", "user": "pod"}}],
                "clusters": [{"name": "test", "cluster": reached}],
                "users": [{"name": "pod", "user": {"token": token}}],
            }
        )
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry_of(text: str) -> Json:
    """Return the last line of a run's output as its entry."""
    found: Json = json.loads(text.splitlines()[-1])
    return found
