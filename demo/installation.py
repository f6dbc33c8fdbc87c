"""Puts Bannette and the simulated OneDrive into a cluster: what ``make run`` and the tests on a cluster share."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from demo.front import Relay
from devcluster import chart
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from devcluster.processes import free_ports
from simulator.certificates import load_authority
from simulator.client import ControlClient

SOURCE = Path(__file__).resolve().parent.parent
INSTALL = SOURCE / "manifests" / "install" / "bannette.yaml"
SIMULATOR = SOURCE / "manifests" / "simulator" / "simulator.yaml"
SIMULATOR_ORIGIN = "https://onedrive-simulator.onedrive-simulator.svc"
OPERATOR_NAMESPACE = "bannette-system"
SIMULATOR_NAMESPACE = "onedrive-simulator"
SIMULATED_APPLICATION = "bannette-collector"
_ROLLOUT_SECONDS = 300
_FORWARDING_SECONDS = 60.0

Manifest = dict[str, object]


def wait_for(what: str, condition: Callable[[], object], *, seconds: float, every: float = 0.5) -> object:
    """Return the first true value of *condition*, whose commands may fail meanwhile: an API server may be too busy.

    Raises:
        TimeoutError: there was none within *seconds*; the message says what was waited for, and which command failed.
    """
    deadline = time.monotonic() + seconds
    failed = ""
    while True:
        try:
            value = condition()
        except CommandFailed as error:
            value, failed = None, f" A command failed: {error}"
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:.0f} s in vain for {what}.{failed}")
        time.sleep(every)


def wait_for_rollout(kubectl: Kubectl, namespace: str, deployment: str) -> None:
    """Wait until all pods of *deployment* are of its present template, and available.

    Raises:
        CommandFailed: they aren't after five minutes.
    """
    words = ("rollout", "status", f"deployment/{deployment}", f"--timeout={_ROLLOUT_SECONDS}s")
    kubectl("-n", namespace, *words, seconds=_ROLLOUT_SECONDS + 60)


def install_operator(kubectl: Kubectl, images: Mapping[str, str], *, environment: Mapping[str, str]) -> None:
    """Apply manifests/install with *images* (operator, collector) and further *environment* of the operator."""
    documents = [document for document in yaml.safe_load_all(INSTALL.read_text()) if document]
    for document in documents:
        if document["kind"] == "Deployment":
            (container,) = document["spec"]["template"]["spec"]["containers"]
            container["image"] = images["operator"]
            given = {"BANNETTE_COLLECTOR_IMAGE": images["collector"], **environment}
            kept = [one for one in container["env"] if one["name"] not in given]
            container["env"] = kept + [{"name": name, "value": value} for name, value in given.items()]
    _apply(kubectl, documents)
    wait_for_rollout(kubectl, OPERATOR_NAMESPACE, "bannette-operator")


def install_pages(kubectl: Kubectl, images: Mapping[str, str], *settings: str, ca_file: Path) -> None:
    """Apply the chart with the pages where people connect their accounts, and wait until they and the operator work.

    Args:
        images: operator, collector and connect.
        settings: of the chart, as for ``helm --set``; connect.url and connect.keysSecret are needed.
        ca_file: of the simulator, which stands for Microsoft.
    """
    given = {
        **{f"images.{target}": images[target] for target in ("operator", "collector", "connect")},
        "onedrive.graphUrl": SIMULATOR_ORIGIN,
        "onedrive.authorityUrl": SIMULATOR_ORIGIN,
        "onedrive.clientId": SIMULATED_APPLICATION,
        "connect.enabled": "true",
        "connect.caBundle.configMap": "simulator-ca",
    }
    trust_simulator(kubectl, OPERATOR_NAMESPACE, ca_file)
    text = chart.render(*(f"{name}={value}" for name, value in given.items()), *settings)
    _apply(kubectl, [document for document in yaml.safe_load_all(text) if document])
    for deployment in ("bannette-operator", "bannette-connect"):
        wait_for_rollout(kubectl, OPERATOR_NAMESPACE, deployment)


def remove_pages(kubectl: Kubectl) -> None:
    """Remove what ``install_pages`` adds to an installation."""
    kinds = "deployment,service,ingress,secret,poddisruptionbudget,networkpolicy,serviceaccount"
    chosen = ("-l", "app.kubernetes.io/component=connect,app.kubernetes.io/part-of=bannette")
    kubectl("-n", OPERATOR_NAMESPACE, "delete", kinds, *chosen)
    kubectl("delete", "clusterrole,clusterrolebinding", *chosen)


def install_simulator(kubectl: Kubectl, image: str, *, ca_folder: Path) -> Path:
    """Start the simulated OneDrive in the cluster; return its CA's certificate, made in *ca_folder* at first use."""
    load_authority(ca_folder)
    documents = [document for document in yaml.safe_load_all(SIMULATOR.read_text()) if document]
    for document in documents:
        if document["kind"] == "Deployment":
            template = document["spec"]["template"]
            template["spec"]["containers"][0]["image"] = image
            # Another CA needs another certificate, so another pod.
            digest = hashlib.sha256((ca_folder / "ca.crt").read_bytes()).hexdigest()
            template["metadata"]["annotations"] = {"bannette.io/simulator-ca": digest}
    secret: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "simulator-ca", "namespace": SIMULATOR_NAMESPACE},
        "stringData": {name: (ca_folder / name).read_text() for name in ("ca.crt", "ca.key")},
    }
    _apply(kubectl, [*documents, secret])
    wait_for_rollout(kubectl, SIMULATOR_NAMESPACE, "onedrive-simulator")
    return ca_folder / "ca.crt"


def trust_simulator(kubectl: Kubectl, namespace: str, ca_file: Path) -> None:
    """Give *namespace* the ConfigMap with the simulator's CA, which channels there name in spec.collector.caBundle."""
    config_map: Manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "simulator-ca", "namespace": namespace},
        "data": {"ca.crt": ca_file.read_text()},
    }
    _apply(kubectl, [config_map])


@contextlib.contextmanager
def forwarded(kubectl: Kubectl, program: str, namespace: str, target: str, port: int) -> Iterator[int]:
    """Forward a port of this machine to *port* of *target*, for example ``service/onedrive-simulator``; yield it.

    Whoever connects while kubectl starts anew waits for it.
    """
    # Not one of those that the kernel gives to clients: it is free again for a moment whenever kubectl starts anew.
    (kubectls,) = free_ports(1)
    command = [program, "-n", namespace, "port-forward", target, f"{kubectls}:{port}"]
    with (
        _kept_running(command, kubectl.environment()),
        Relay([kubectls], patience=_FORWARDING_SECONDS).running() as relay,
    ):
        wait_for(f"the forwarded port of {target}", lambda: _answers(kubectls), seconds=120, every=0.2)
        yield relay.port


@contextlib.contextmanager
def simulator_control(kubectl: Kubectl, program: str, ca_file: Path) -> Iterator[ControlClient]:
    """Reach the control API of the simulator in the cluster, through a forwarded port."""
    with forwarded(kubectl, program, SIMULATOR_NAMESPACE, "service/onedrive-simulator", 443) as port:
        # kubectl's forwarding ends with a connection that was idle for too long, and is started again.
        control = ControlClient(f"https://localhost:{port}", ca_file, patience=30.0)
        yield control
        control.close()


@contextlib.contextmanager
def _kept_running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Start *command* again whenever it ends: kubectl's forwarding ends with the API server's connection."""
    leaving = threading.Event()
    silent = subprocess.DEVNULL

    def keep() -> None:
        while not leaving.is_set():
            with subprocess.Popen(command, env=environment, stdout=silent, stderr=silent) as forward:
                while forward.poll() is None and not leaving.wait(0.1):
                    pass
                forward.terminate()

    keeper = threading.Thread(target=keep, name="forwarding")
    keeper.start()
    try:
        yield
    finally:
        leaving.set()
        keeper.join(timeout=10)


def get(kubectl: Kubectl, kind: str, name: str, *, namespace: str) -> Manifest:
    """Return an object as the API server has it."""
    found: Manifest = json.loads(kubectl("-n", namespace, "get", kind, name, "-o", "json"))
    return found


def _apply(kubectl: Kubectl, documents: Sequence[Manifest]) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(documents))


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
