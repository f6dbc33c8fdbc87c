"""A tenant as the tests see it: a namespace, its channel, and the folder that the channel watches."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from demo.installation import OPERATOR_NAMESPACE, trust_simulator, wait_for, wait_for_rollout
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from simulator.client import ControlClient

CHANNEL = "acme-onedrive"
RUN_SECONDS = 300
Json = dict[str, object]


class Tenant:
    """Attributes:
    namespace: its own.
    folder: the path in the simulated OneDrive that its channel watches.
    time: of the day, of UTC, when its channel runs by itself: not while a test lasts.
    """

    def __init__(self, kubectl: Kubectl, onedrive: ControlClient, name: str) -> None:
        self._kubectl = kubectl
        self.onedrive = onedrive
        self.namespace = f"t-{name}"
        self.folder = f"/tests/{name}"
        self.time = f"{datetime.now(UTC) + timedelta(hours=12):%H:%M}"

    def set_up(self, ca_file: Path) -> None:
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        trust_simulator(self._kubectl, self.namespace, ca_file)
        self.apply(
            _resource("Recipient", "marie", {"displayName": "Marie", "email": "marie@acme.example", "locale": "fr"}),
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": "purchases"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            },
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "acme-app"},
                "stringData": {"clientSecret": "simulated-secret"},
            },
        )
        self.create_binder()
        for number in (1, 2):
            self.drop(f"{number}.txt", f"Document {number} of {self.namespace}")

    def tear_down(self) -> None:
        self.go_on()
        self.kubectl("delete", "namespace", self.namespace, "--wait=false")

    # What a person does.

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        return self._kubectl("-n", self.namespace, *args, input=stdin)

    def apply(self, *documents: Json) -> str:
        return self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

    def create_binder(self) -> None:
        storage = {"persistentVolumeClaim": {"claimName": "purchases"}}
        self.apply(_resource("Binder", "purchases", {"company": "Acme Conseil SAS", "storage": storage}))

    def create_channel(self, **changes: object) -> None:
        account = {
            "tenantId": "11111111-2222-3333-4444-555555555555",
            "user": "compta@acme.example",
            "clientId": "bannette-collector",
            "credentialsSecret": {"name": "acme-app"},
        }
        spec: Json = {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": self.time, "timeZone": "UTC"},
            "onedrive": {"folder": self.folder, "account": {"application": account}},
            "ocr": {"languages": ["fra", "eng"]},
            "collector": {"caBundle": {"configMap": "simulator-ca", "key": "ca.crt"}},
        }
        self.apply(_resource("CollectionChannel", CHANNEL, spec | changes))

    def request(self, value: str) -> None:
        self.kubectl("annotate", "collectionchannel", CHANNEL, f"bannette.io/requestedAt={value}", "--overwrite")

    def drop(self, name: str, text: str) -> None:
        self.onedrive.create(f"{self.folder}/{name}", text)

    def slow_down(self, seconds: float) -> None:
        """Make the next document of this tenant's folder take *seconds* to come."""
        self.onedrive.add_faults({"like": "slow", "item": f"{self.folder}/*", "delay": seconds})

    def go_on(self) -> None:
        """Let what was slowed down come now."""
        self.onedrive.remove_faults()

    def scale_operator(self, replicas: int) -> None:
        self._kubectl("-n", OPERATOR_NAMESPACE, "scale", "deployment/bannette-operator", f"--replicas={replicas}")
        if replicas:
            wait_for_rollout(self._kubectl, OPERATOR_NAMESPACE, "bannette-operator")
        else:
            self.wait("the operator's pod to end", lambda: not self.operator_pods())

    # What is.

    def channel(self) -> Json:
        return self._get("collectionchannel", CHANNEL)

    @property
    def status(self) -> Json:
        found = self.channel().get("status", {})
        assert isinstance(found, dict)
        return found

    @property
    def history(self) -> list[Json]:
        """The channel's history, newest first."""
        found = self.status.get("history", [])
        assert isinstance(found, list)
        return found

    def condition(self, name: str) -> Json:
        conditions = self.status.get("conditions", [])
        assert isinstance(conditions, list)
        return next((one for one in conditions if one["type"] == name), {})

    def jobs(self) -> list[Json]:
        return self._list("jobs")

    def pods(self) -> list[Json]:
        return self._list("pods", "-l", "bannette.io/channel")

    def operator_pods(self) -> list[str]:
        """Return the operator's pods, those among them that are about to end."""
        chosen = ("-l", "app.kubernetes.io/component=operator")
        return self._kubectl("-n", OPERATOR_NAMESPACE, "get", "pods", *chosen, "-o", "name").split()

    def inbox(self) -> list[Json]:
        """The binder's inbox, as the collector's image lists it."""
        entries = json.loads(self.in_binder("bannette", "inbox", "list", "--binder", "/binder", "-o", "json"))
        assert isinstance(entries, list)
        return entries

    def in_binder(self, *command: str) -> str:
        """Run *command* in a pod with the collector's image that has the binder's volume."""
        pod: Json = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "reader"},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "reader",
                        "image": self.collector_image(),
                        "command": ["sleep", "3600"],
                        "volumeMounts": [{"name": "binder", "mountPath": "/binder"}],
                    }
                ],
                "volumes": [{"name": "binder", "persistentVolumeClaim": {"claimName": "purchases"}}],
            },
        }
        try:
            self.kubectl("get", "pod", "reader")
        except CommandFailed:
            self.apply(pod)
        self.kubectl("wait", "pod", "reader", "--for=condition=Ready", "--timeout=110s")
        return self.kubectl("exec", "reader", "--", *command)

    def collector_image(self) -> str:
        return self._kubectl(
            "-n", OPERATOR_NAMESPACE, "get", "deployment", "bannette-operator", "-o",
            "jsonpath={.spec.template.spec.containers[0].env[?(@.name=='BANNETTE_COLLECTOR_IMAGE')].value}",
        )  # fmt: skip

    # What is waited for.

    def wait(self, what: str, condition: Callable[[], object], *, seconds: float = RUN_SECONDS) -> object:
        """Wait for a condition; say what the channel looked like when it did not come."""
        try:
            return wait_for(what, condition, seconds=seconds)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self._describe()}") from None

    def wait_for_condition(self, name: str, *, status: str, reason: str | None = None) -> Json:
        """Wait until the operator says so: it does after a run has reported. Return the condition."""

        def says() -> bool:
            found = self.condition(name)
            return found.get("status") == status and reason in (None, found.get("reason"))

        self.wait(f"{name} to be {status}, {reason}", says)
        return self.condition(name)

    def wait_for_runs(self, number: int) -> list[Json]:
        """Wait until *number* runs are in the history and none is active; return the history."""
        self.wait(
            f"{number} runs of {self.namespace}",
            lambda: len(self.history) >= number and not self.status.get("activeRun"),
        )
        return self.history

    def _describe(self) -> str:
        parts = []
        for words in (
            ("get", "collectionchannels", "-o", "yaml"),
            ("get", "jobs,pods,cronjobs,pvc", "-o", "wide"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", "-l", "bannette.io/channel", "--tail=30", "--prefix"),
            ("-n", OPERATOR_NAMESPACE, "logs", "deployment/bannette-operator", "--tail=40"),
        ):
            try:
                parts.append(self.kubectl(*words))
            except CommandFailed as error:
                parts.append(str(error))
        return "\n".join(parts)

    def _get(self, kind: str, name: str) -> Json:
        found = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        assert isinstance(found, dict)
        return found

    def _list(self, *words: str) -> list[Json]:
        found = json.loads(self.kubectl("get", *words, "-o", "json"))["items"]
        assert isinstance(found, list)
        return found


def _resource(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": "bannette.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
