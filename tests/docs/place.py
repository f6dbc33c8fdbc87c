"""A cluster, a simulated OneDrive and a terminal: what somebody has who follows a page."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import yaml

from bannette.controller.names import CHANNEL, CRON_JOB, Kind
from devcluster import chart
from devcluster.apiserver import ApiServer
from devcluster.binaries import program
from devcluster.processes import free_ports
from simulator.testing import Simulator
from tests.controller.cluster import SYSTEM, Cluster, eventually
from tests.docs.fenced import SOURCE
from tests.docs.node_in_miniature import Node, describe, unfinished_jobs
from tests.docs.terminal import Placeholders, Terminal

Json = dict[str, Any]
T = TypeVar("T")
NAMESPACE, NAME = "acme", "acme-onedrive"
REGISTRY = "registry.example"
# At which channels of the pages and of the samples run by themselves.
TIMES = ("05:30", "06:15")
_DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")


def newest_document(terminal: Terminal) -> str:
    """Return the id of a document of the inbox, as a page would name it."""
    named = ("-f", ".build/acme.yaml") if (terminal.folder / ".build/acme.yaml").exists() else ("-f", "acme.yaml")
    entries = terminal.json("bannette", "inbox", "list", *named, "-o", "json")
    assert isinstance(entries, list)
    assert entries, "the inbox is empty"
    return str(entries[0]["id"])


PLACEHOLDERS: Placeholders = {
    "REGISTRY": REGISTRY,
    "NAMESPACE": NAMESPACE,
    "CHANNEL": NAME,
    "ID": newest_document,
}


class Place:
    """Everything that the commands of a page reach.

    Attributes:
        cluster: an API server with its controllers and, in miniature, a node.
    """

    cluster: Cluster
    node: Node

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.simulator = simulator
        # Not one of those that the kernel gives to clients: a page begins to listen there later.
        (port,) = free_ports(1)
        environment = {"CLIENT_SECRET": simulator.client_secret}
        # Channels run by themselves when no test is under way.
        later = f"{datetime.now(ZoneInfo('Europe/Paris')) + timedelta(hours=12):%H:%M}"
        placeholders = {**PLACEHOLDERS, "8443": str(port), **dict.fromkeys(TIMES, later)}
        self.terminal = Terminal(folder, environment=environment, placeholders=placeholders)
        for kind in ("acme", "delegated"):
            self.terminal.fill(f"manifests/samples/{kind}/40-channel.yaml")
        self._has_cluster = self._has_documents = False

    def __enter__(self) -> Self:
        self._stack.enter_context(self.terminal)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End what runs; the files stay."""
        self._stack.close()

    @property
    def failures(self) -> list[str]:
        return self.node.failures if self._has_cluster else []

    # What a page begins with

    def have_machine(self) -> None:
        """Lead ``bannette`` on this machine to the simulator."""
        self.terminal.environment.update(self.simulator.environment)

    def have_cluster(self) -> None:
        """Start a cluster on which nothing is installed, with kubectl and Helm that lead there."""
        audit_log = self._folder / "audit.log"
        self._folder.mkdir(parents=True, exist_ok=True)
        server = self._stack.enter_context(ApiServer(controller_manager=True, audit_log=audit_log))
        self.cluster = Cluster(server, audit_log)
        self.node = self._stack.enter_context(Node(self.cluster, self.simulator, self._folder / "node"))
        self._has_cluster = True
        wrapper = Path(__file__).with_name("kubectl_without_kubelet.py")
        volumes = self._folder / "node" / "volumes"
        self.terminal.program("kubectl", sys.executable, str(wrapper), str(program("kubectl")), str(volumes))
        self.terminal.program("helm", str(chart.helm()))
        self.terminal.environment |= {
            "KUBECONFIG": str(server.kubeconfig),
            "KUBECACHEDIR": str(self._folder / "kubectl-cache"),
            **{f"HELM_{name}_HOME": str(self._folder / name.lower()) for name in ("CACHE", "CONFIG", "DATA")},
        }

    def have_installation(self) -> None:
        """Install the operator and wait until it works."""
        self.have_cluster()
        self.apply_manifests()

    def apply_manifests(self) -> None:
        """Apply manifests/install, and wait until the operator works."""
        self.terminal.run("kubectl", "apply", "--server-side", "-f", "manifests/install/bannette.yaml")
        self.wait_for_operator()

    def have_helm_release(self) -> None:
        """Install the operator by Helm, and wait until it works."""
        if not self._has_cluster:
            self.have_cluster()
        self.terminal.run("helm", "install", "bannette", "charts/bannette", "--namespace", SYSTEM, "--create-namespace")
        self.wait_for_operator()

    def uninstall(self) -> None:
        """Remove the release; the definitions stay."""
        self.terminal.run("helm", "uninstall", "bannette", "--namespace", SYSTEM)

    def remove_manifests(self) -> None:
        """Remove what manifests/install made but the definitions and the namespace, which Helm finds again."""
        kept = ("CustomResourceDefinition", "Namespace")
        body = [one for one in documents(chart.INSTALL.read_text()) if one["kind"] not in kept]
        self.cluster.server.kubectl("delete", "-f", "-", input=yaml.safe_dump_all(body))

    def have_documents(self) -> None:
        """Put two documents into the watched folder."""
        if not self._has_documents:
            self._has_documents = True
            self.drop("a.txt", "alpha")
            self.drop("b.txt", "bravo")

    def have_documents_and_installation(self) -> None:
        """An account with documents, an operator, and commands that reach Microsoft."""
        self.have_machine()
        self.have_installation()
        self.have_documents()
        self.answer_device_codes()

    def have_delegated_channel(self) -> None:
        """A channel whose owner hasn't signed in, in the cluster and in acme.yaml."""
        self.have_documents_and_installation()
        self.trust_simulator()
        self.terminal.run("kubectl", "apply", "-f", "manifests/samples/acme/10-binder.yaml")
        self.terminal.run("kubectl", "apply", "-f", "manifests/samples/acme/20-recipient.yaml")
        self.terminal.run("kubectl", "apply", "-f", "manifests/samples/delegated")
        local = documents((SOURCE / "manifests/samples/local.yaml").read_text())
        for body in local:
            if body["kind"] == CHANNEL.kind:
                account = {"loginHint": self.simulator.user, "clientId": self.simulator.client_id}
                body["spec"]["onedrive"]["account"] = {"delegated": account}
        self.terminal.write({"acme.yaml": yaml.safe_dump_all(local)})

    def have_tenant(self) -> None:
        """Install, make the tenant of the samples, and wait until its first run has ended."""
        if not self._has_cluster:
            self.have_installation()
        self.have_documents()
        self.trust_simulator()
        self.terminal.run("kubectl", "apply", "-f", "manifests/samples/acme")
        self.wait_for_runs(1)

    def trust_simulator(self) -> None:
        """Make the namespace, and the ConfigMap that the sample's caBundle names."""
        kubectl = self.cluster.server.kubectl
        kubectl.apply(SOURCE / "manifests/samples/acme/00-namespace.yaml")
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "simulator-ca", "namespace": NAMESPACE},
            "data": {"ca.crt": self.simulator.ca_file.read_text()},
        }
        kubectl.apply(yaml.safe_dump(body))

    def drop(self, name: str, text: str) -> None:
        self.simulator.control.create(f"/Factures/{name}", text)

    # What is waited for

    def wait_for_image(self, image: str) -> None:
        def has() -> bool:
            (cron_job,) = self.cluster.list(CRON_JOB, NAMESPACE)
            template = cron_job["spec"]["jobTemplate"]["spec"]["template"]
            return bool(template["spec"]["containers"][0]["image"] == image)

        self._eventually(has, f"the CronJob runs {image}")

    def wait_for_operator(self) -> None:
        # It is started, and said to be available, before the API server serves what was applied with it.
        self.cluster.server.wait_for_crds()

        def available() -> bool:
            deployment = self.cluster.find(_DEPLOYMENT, SYSTEM, "bannette-operator") or {}
            return bool(deployment.get("status", {}).get("availableReplicas"))

        self._eventually(available, "the operator is available")

    def wait_for_runs(self, number: int, name: str = NAME) -> list[Json]:
        """Return the channel's history when it has so many runs and none is under way."""

        def ended() -> list[Json] | None:
            history: list[Json] = self.status(name).get("history") or []
            done = len(history) >= number and not unfinished_jobs(self.cluster, NAMESPACE)
            return history if done else None

        return self._eventually(ended, f"{number} runs of {name} have ended")

    def _eventually(self, check: Callable[[], T | None], what: str) -> T:
        try:
            return eventually(check, what, seconds=240)
        except AssertionError as error:
            details = "\n".join([*self.node.failures, self.node.logs(), describe(self.cluster)])
            raise AssertionError(f"{error}\n{details}") from None

    # What is

    def note_lives(self) -> None:
        """Note which objects the channel and its CronJob are."""
        self._lives = self._uids()

    def check_lives(self) -> None:
        """Make sure that they are still the same."""
        assert self._uids() == self._lives

    def _uids(self) -> list[str]:
        found = [*self.cluster.list(CHANNEL, NAMESPACE), *self.cluster.list(CRON_JOB, NAMESPACE)]
        return [one["metadata"]["uid"] for one in found]

    def status(self, name: str = NAME) -> Json:
        found: Json = (self.cluster.find(CHANNEL, NAMESPACE, name) or {}).get("status") or {}
        return found

    def condition(self, kind: str, name: str = NAME) -> Json:
        return next((one for one in self.status(name).get("conditions") or [] if one["type"] == kind), {})

    def inbox(self) -> list[Json]:
        """Return what the inbox of the tenant's binder lists."""
        found = self.terminal.json("bannette", "inbox", "list", "--binder", str(self.binder_folder), "-o", "json")
        assert isinstance(found, list)
        return found

    @property
    def binder_folder(self) -> Path:
        return self.node.volume(NAMESPACE, "purchases")

    def answer_device_codes(self) -> None:
        """From now on, whoever is asked to enter a code does."""
        stop = threading.Event()
        control = self.simulator.control

        def answer() -> None:
            while not stop.wait(0.3):
                control.answer_devices(user=self.simulator.user)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 60)
        self._stack.callback(stop.set)


def documents(text: str) -> list[Json]:
    return [one for one in yaml.safe_load_all(text) if one]
