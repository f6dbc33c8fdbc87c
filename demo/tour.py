"""`make tour`, after `make run`: a client is asked by mail to connect an account, and you are the client.

The pages, the simulated Microsoft and the mailbox are in the cluster. Their names lead there from a browser that is
started as this prints it, until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from demo.cluster import load
from demo.front import Front
from demo.installation import (
    OPERATOR_NAMESPACE,
    SIMULATED_APPLICATION,
    SIMULATOR_NAMESPACE,
    SIMULATOR_ORIGIN,
    forwarded,
    install_pages,
    install_simulator,
    simulator_control,
    wait_for,
)
from demo.narration import DemoFailed, say, show, step
from demo.runs import Runs
from demo.tools import put_tools
from devcluster import images
from devcluster.binaries import program
from devcluster.context import Cluster
from devcluster.context import cluster as chosen_cluster
from devcluster.errors import CommandFailed, DevclusterError
from simulator.client import ControlClient

_PUBLIC = "https://documents.bannette.example"
_NAMESPACE, _CHANNEL, _FOLDER = "acme", "courrier-onedrive", "/Courrier"
_OWNER = "compta@acme.example"
_SECONDS = 300
# Of a person who reads a mail and looks at each page.
_PATIENCE = 3600
_CLERK = f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: clerk, namespace: {_NAMESPACE}}}
""" + "".join(
    f"""---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: clerk-{role}, namespace: {_NAMESPACE}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bannette-{role}}}
subjects: [{{kind: ServiceAccount, name: clerk, namespace: {_NAMESPACE}}}]
"""
    for role in ("viewer", "runner", "configurator", "inbox")
)


def main() -> int:
    try:
        target = chosen_cluster()
        ca_file = _install(target)
        with simulator_control(target.kubectl, str(program("kubectl")), ca_file) as onedrive:
            _tell(target, onedrive)
    except (DemoFailed, DevclusterError, images.BuildFailed, TimeoutError) as failure:
        print(f"\nmake tour failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe names lead nowhere any more; the cluster goes on.")
    return 0


def _install(target: Cluster) -> Path:
    try:
        target.kubectl("-n", _NAMESPACE, "get", "binder", "purchases")
    except CommandFailed:
        raise DemoFailed("The resources of `make run` aren't in this cluster: run that first.") from None
    with step("The images, the pages among them"):
        built = images.build()
        for image in built:
            load(target, image)
    names = {image.target: image.name for image in built}
    with step("The simulated OneDrive, and a mailbox for everybody"):
        ca_file = install_simulator(target.kubectl, names["simulator"], ca_folder=target.kubeconfig.parent / "ca")
    with step("The pages, in two replicas, which send mails to that mailbox"):
        _put_secret(target, "tour-keys", f"2026-11-01={secrets.token_urlsafe(32)}")
        _put_secret(target, "tour-ca", f"ca.crt={ca_file.read_text()}")
        settings = {
            "connect.url": _PUBLIC,
            "connect.keysSecret": "tour-keys",
            "connect.smtp.host": urlsplit(SIMULATOR_ORIGIN).hostname,
            "connect.smtp.from": "documents@acme.example",
            "connect.smtp.caSecret": "tour-ca",
            "connect.mails.settleSeconds": "1",
            "connect.console.enabled": "true",
        }
        install_pages(target.kubectl, names, *(f"{name}={value}" for name, value in settings.items()), ca_file=ca_file)
    return ca_file


def _put_secret(target: Cluster, name: str, entry: str) -> None:
    target.kubectl("-n", OPERATOR_NAMESPACE, "delete", "secret", name, "--ignore-not-found")
    target.kubectl("-n", OPERATOR_NAMESPACE, "create", "secret", "generic", name, f"--from-literal={entry}")


def _tell(target: Cluster, onedrive: ControlClient) -> None:
    kubectl = target.kubectl
    onedrive.application(redirect_uris={f"{_PUBLIC}/callback": "public"})
    onedrive.settings(person_says="ask")
    for number in (1, 2):
        onedrive.create(f"{_FOLDER}/{secrets.token_hex(4)}.txt", f"Letter {number} of {secrets.token_hex(4)}")
    kubectl("-n", _NAMESPACE, "delete", "collectionchannel", _CHANNEL, "--ignore-not-found")
    say("A channel for an account that its owner must connect:")
    earlier = len(onedrive.mails())
    channel = _channel()
    print(f"{channel}\n{kubectl.apply(channel)}", end="", flush=True)
    with step("Waiting for the mail to its recipient"):
        mail = wait_for("the mail", lambda: _mail(onedrive.mails()[earlier:]), seconds=_SECONDS)
    assert isinstance(mail, dict)
    say(f"The mail, “{mail['subject']}”:")
    print(mail["text"])
    with _leading_there(target) as (browser, tunnel):
        say(f"Open its link as its reader would; at the simulated Microsoft choose {_OWNER}, and accept:")
        print(f"  {shlex.join([*browser, _link(mail)])}\n")
        print(
            f"Any Chrome takes these options; on another machine, once the two ports lead here:\n  {tunnel}\n",
            flush=True,
        )
        wait_for("the account to be connected", lambda: _is_connected(target), seconds=_PATIENCE)
        say("Connected. The first collection follows by itself.")
        runs = Runs(kubectl, _NAMESPACE, _CHANNEL, begin_anew="make down")
        runs.wait_for(None, seconds=_SECONDS)
        path = f"{put_tools(target.kubeconfig.parent / 'bin')}{os.pathsep}{os.environ['PATH']}"
        environment = {"KUBECONFIG": str(target.kubeconfig), "PATH": path}
        show(["kubectl", "-n", _NAMESPACE, "get", "collectionchannels"], environment=environment)
        show(["kubectl", "collection", "inbox", "-b", "purchases", "-n", _NAMESPACE], environment=environment)
        kubectl.apply(_CLERK)
        say("The company's people see it in the console, which this token lets in:")
        print(kubectl("-n", _NAMESPACE, "create", "token", "clerk").strip())
        print(f"\n  {shlex.join([*browser, f'{_PUBLIC}/console/'])}\n\nUntil Ctrl-C.", flush=True)
        threading.Event().wait()


def _channel() -> str:
    sample = (Path(__file__).parent.parent / "manifests" / "samples" / "delegated" / "40-channel.yaml").read_text()
    body = yaml.safe_load(sample)
    body["metadata"]["name"] = _CHANNEL
    body["spec"]["onedrive"] = {
        "folder": _FOLDER,
        "account": {"delegated": {"loginHint": _OWNER, "clientId": SIMULATED_APPLICATION}},
    }
    body["spec"]["collector"] = {"caBundle": {"configMap": "simulator-ca", "key": "ca.crt"}}
    return yaml.safe_dump(body, sort_keys=False)


def _mail(mails: Sequence[dict[str, object]]) -> dict[str, object] | None:
    return next((mail for mail in mails if _link(mail)), None)


def _link(mail: dict[str, object]) -> str:
    found = re.search(re.escape(f"{_PUBLIC}/c/{_NAMESPACE}/{_CHANNEL}?t=") + r"\S+", str(mail["text"]))
    return found.group() if found else ""


def _is_connected(target: Cluster) -> bool:
    condition = '{.status.conditions[?(@.type=="Connected")].status}'
    words = ("get", "collectionchannel", _CHANNEL, "-o", f"jsonpath={condition}")
    return target.kubectl("-n", _NAMESPACE, *words) == "True"


@contextlib.contextmanager
def _leading_there(target: Cluster) -> Iterator[tuple[list[str], str]]:
    """Let the names of pages and Microsoft lead into the cluster.

    Yields: the command of a browser that follows them, and that of a tunnel for one on another machine.
    """
    kubectl, host, microsoft = str(program("kubectl")), *(urlsplit(url).hostname for url in (_PUBLIC, SIMULATOR_ORIGIN))
    with (
        tempfile.TemporaryDirectory() as folder,
        forwarded(target.kubectl, kubectl, SIMULATOR_NAMESPACE, "service/onedrive-simulator", 443) as simulator,
        forwarded(target.kubectl, kubectl, OPERATOR_NAMESPACE, "service/bannette-connect", 80) as service,
        Front(str(host), Path(folder), [service]).running() as front,
    ):
        rules = f"MAP {host} 127.0.0.1:{front.port},MAP {microsoft} 127.0.0.1:{simulator}"
        forwards = " ".join(f"-L {port}:127.0.0.1:{port}" for port in (front.port, simulator))
        browser = [
            "chromium",
            f"--user-data-dir={folder}/profile",
            "--ignore-certificate-errors",
            f"--host-resolver-rules={rules}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
        ]
        yield browser, f"ssh -N {forwards} {socket.gethostname()}"


if __name__ == "__main__":
    sys.exit(main())
