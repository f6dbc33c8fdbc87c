"""Starts and ends the node, and says how it is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devcluster import cgroups, network, packages
from devcluster.archive import image_names, write_archive
from devcluster.binaries import program
from devcluster.certificates import Authority, write_signing_key
from devcluster.configuration import (
    PAUSE_IMAGE,
    cni,
    components,
    containerd,
    corefile,
    dump_components,
    first_manifests,
    kube_proxy,
    kubelet,
    reachable_nameservers,
)
from devcluster.errors import CommandFailed, DevclusterError
from devcluster.kubeconfig import write_kubeconfig
from devcluster.kubectl import Kubectl
from devcluster.layout import CONTEXT, NODE_NAME, Addresses, Layout, Record, free_addresses, start_ticks, state_folder
from devcluster.paths import locked
from devcluster.progress import say, step

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "util-linux", "conntrack")
PROGRAMS = ("etcd", "kube-apiserver", "coredns", "pause")
MOUNT_POINTS = ("/var/lib/cni", "/var/lib/kubelet")  # the node's own are mounted on them, unseen by the host
KUBERNETES_NAMES = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
]
END_SECONDS = 120.0
START_SECONDS = 300.0  # a component takes a few, but where everything else is busy
SOURCE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Health:
    """What `status` says: a line for each thing, and whether all is well."""

    lines: tuple[str, ...]
    healthy: bool


def prepare() -> None:
    """Install the packages and build the programs that a node needs.

    Raises:
        DevclusterError: this machine can't have a node; says what is missing.
    """
    if sys.platform != "linux":
        raise DevclusterError("A node needs Linux. Name a cluster of your own instead: BANNETTE_CONTEXT=name")
    if os.geteuid() != 0:
        raise DevclusterError(
            "A node needs root (namespaces, mounts, network): sudo -E, or name a cluster of your own: "
            "BANNETTE_CONTEXT=name"
        )
    packages.ensure(*PACKAGES)
    for name in PROGRAMS:
        program(name)


def up() -> Layout:
    """Start the node unless it runs, and wait until pods can run on it.

    Raises:
        DevclusterError: something didn't come; the message has its log's end, and what came keeps running for a look.
    """
    prepare()
    layout = Layout(state_folder())
    with locked(layout.root.with_suffix(".lock")):
        record = Record.load(layout.record)
        if record and record.alive:
            if status(layout).healthy:
                say(f"The cluster is up already: {layout.kubeconfig}")
                return layout
        else:
            _clean(layout, record)
            record = _start(layout)
        _wait_until_usable(layout, record)
    return layout


def down() -> None:
    """End the node and remove everything of it, its volumes and images too."""
    layout = Layout(state_folder())
    with locked(layout.root.with_suffix(".lock")):
        record = Record.load(layout.record)
        if record is None and not layout.root.exists():
            say("There is no cluster")
            return
        with step("Ending the cluster"):
            _clean(layout, record)


def status(layout: Layout) -> Health:
    """Look at the processes and the node."""
    record = Record.load(layout.record)
    if record is None or not record.alive:
        ended = "The cluster is not up" if record is None else "The cluster has ended; `up` starts a new one"
        return Health((ended,), healthy=False)
    try:
        states = json.loads(layout.running.read_text())
    except FileNotFoundError:
        return Health(("The cluster is starting",), healthy=False)
    lines, healthy = [f"{CONTEXT}: {Addresses(record.addresses).api_url}, process {record.pid}"], True
    for state in states:
        uptime = f"up {time.time() - state['since']:.0f} s" if state["pid"] else f"ended with {state['last_exit']}"
        lines.append(f"  {state['name']:<24} {uptime}, started {state['starts']} times")
        healthy = healthy and bool(state["pid"])
    ready = _node_ready(Kubectl(layout.kubeconfig))
    lines.append(f"  {'node ' + NODE_NAME:<24} {'Ready' if ready else 'not ready'}")
    return Health(tuple(lines), healthy=healthy and ready)


def load(archive: Path) -> str:
    """Load the image or images of a docker or OCI archive into the node; return what containerd says."""
    layout = Layout(state_folder())
    record = Record.load(layout.record)
    if record is None or not record.alive:
        raise DevclusterError("The cluster is not up: .venv/bin/python -m devcluster up")
    if not archive.is_file():
        raise DevclusterError(f"There is no archive {archive}")
    names = image_names(archive)
    known = _containerctl(record, "images", "list", "--quiet").split()
    # Only where the tag is a hash of the content: another one may mean something new each time.
    if names and all(name in known and re.search(r":[0-9a-f]{12}$", name) for name in names):
        return f"{', '.join(names)}: there already"
    return _containerctl(record, "images", "import", "-", archive=archive)


def _start(layout: Layout) -> Record:
    with step("Writing certificates and configuration"):
        addresses = free_addresses(network.taken_networks())
        _write_files(layout, addresses)
    with step("Starting the node"):
        cgroups.make(layout.name)
        made = tuple(point for point in MOUNT_POINTS if not Path(point).exists())
        for point in made:
            Path(point).mkdir()
        reader, writer = os.pipe()
        pid = _unshare(layout, go=reader)
        record = Record(
            pid=pid,
            started=start_ticks(pid) or 0,
            addresses=addresses.block,
            made_folders=made,
            ip_forward=network.IP_FORWARD.read_text().strip(),
        )
        record.save(layout.record)
        network.connect(layout.name, pid, addresses)
        os.write(writer, b"go\n")
        os.close(writer)
    return record


def _unshare(layout: Layout, *, go: int) -> int:
    """Start the supervisor in namespaces of its own, reading from the file descriptor *go*; return its pid."""
    with (layout.logs / "supervisor.log").open("ab") as log:
        parent = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"),
                *("--propagation", "slave"),
                *(sys.executable, "-m", "devcluster.supervisor", str(layout.root)),
            ],
            stdin=go,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            start_new_session=True,
        )
    os.close(go)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    deadline = time.monotonic() + 60
    while parent.poll() is None and time.monotonic() < deadline:
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.01)
    raise DevclusterError(f"Namespaces of its own were refused: {(layout.logs / 'supervisor.log').read_text()}")


def _write_files(layout: Layout, addresses: Addresses) -> None:
    for folder in (layout.etc / "cni", layout.logs, layout.volumes, layout.pod_logs, layout.kubelet):
        folder.mkdir(parents=True)
    etc = layout.etc
    authority = Authority(etc, name=CONTEXT)
    write_signing_key(etc)
    hosts = [addresses.node, addresses.kubernetes_service, *KUBERNETES_NAMES]
    authority.issue("kube-apiserver", common_name="kube-apiserver", hosts=hosts)
    admin = authority.issue("admin", common_name=f"{CONTEXT}-admin", organisation="system:masters")
    kubelet_keys = authority.issue(
        "kubelet",
        common_name=f"system:node:{NODE_NAME}",
        organisation="system:nodes",
        hosts=[addresses.node, NODE_NAME],
    )
    clients = {"kubelet": kubelet_keys}
    for name in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        clients[name] = authority.issue(name, common_name=f"system:{name}")
    for path, keys in [(layout.kubeconfig, admin), *((etc / f"{name}.kubeconfig", k) for name, k in clients.items())]:
        write_kubeconfig(path, context=CONTEXT, server=addresses.api_url, ca_file=etc / "ca.crt", client=keys)
    nameservers = reachable_nameservers(_resolv_conf())
    provisioner = [sys.executable, "-m", "devcluster.provisioner", str(layout.root)]
    for path, text in {
        etc / "containerd.toml": containerd(layout),
        etc / "cni" / "10-bannette.conflist": cni(addresses),
        etc / "kubelet.yaml": kubelet(layout, addresses),
        etc / "kube-proxy.yaml": kube_proxy(layout, addresses),
        etc / "resolv.conf": nameservers,
        etc / "Corefile": corefile(layout, addresses, upstream=bool(nameservers)),
        layout.components: dump_components(components(layout, addresses, program=program, provisioner=provisioner)),
    }.items():
        path.write_text(text)
    write_archive(
        layout.root / "pause.tar", name=PAUSE_IMAGE, files={"/pause": program("pause")}, entrypoint=["/pause"]
    )


def _resolv_conf() -> str:
    # systemd-resolved answers on the loopback only, and keeps the real servers in a second file.
    candidates = [Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf")]
    return next((path.read_text() for path in candidates if path.exists()), "")


def _wait_until_usable(layout: Layout, record: Record) -> None:
    kubectl = Kubectl(layout.kubeconfig)
    node = Addresses(record.addresses).node

    def answers(*command: str) -> bool:
        try:
            return bool(kubectl(*command, seconds=20))
        except (CommandFailed, subprocess.TimeoutExpired):
            return False

    def wait(what: str, condition: Callable[[], bool], component: str) -> None:
        with step(what):
            _wait(condition, what=what, layout=layout, record=record, component=component)

    wait("Waiting for the API server", lambda: answers("get", "--raw", "/readyz"), "kube-apiserver")
    kubectl.apply(first_manifests())
    wait("Waiting for containerd", lambda: _containerd_answers(record), "containerd")
    load(layout.root / "pause.tar")
    wait("Waiting for the node", lambda: _node_ready(kubectl), "kubelet")
    wait("Waiting for DNS", lambda: _http_ok(f"http://{node}:8181/ready"), "coredns")
    account = ("get", "serviceaccount", "default", "--namespace", "default", "--output", "name")
    wait("Waiting for the controllers", lambda: answers(*account), "kube-controller-manager")


def _wait(condition: Callable[[], bool], *, what: str, layout: Layout, record: Record, component: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if not record.alive or time.monotonic() > deadline:
            logs = [layout.logs / "supervisor.log", layout.logs / f"{component}.log"]
            ends = [f"{log}:\n{_tail(log)}" for log in logs if log.exists()]
            raise DevclusterError("\n".join([f"{what}: in vain. The ends of the logs:", *ends]))
        time.sleep(0.2)


def _clean(layout: Layout, record: Record | None) -> None:
    if record and record.alive:
        os.kill(record.pid, signal.SIGKILL)  # the kernel ends every process of the node with it
        deadline = time.monotonic() + END_SECONDS
        while Path(f"/proc/{record.pid}").exists() and record.alive:
            if time.monotonic() > deadline:
                raise DevclusterError(f"Process {record.pid} of the cluster doesn't end")
            time.sleep(0.05)
    if record:
        network.disconnect(layout.name, ip_forward=record.ip_forward)
        cgroups.remove(layout.name)
        for folder in record.made_folders:
            if Path(folder).is_dir() and not any(Path(folder).iterdir()) and not _used_by_another_node(folder):
                Path(folder).rmdir()
    if layout.root.exists():
        mounted = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {layout.root}/" in line]
        if mounted:
            raise DevclusterError(f"Something is mounted below {layout.root}; unmount it first:\n" + "\n".join(mounted))
        shutil.rmtree(layout.root)


def _used_by_another_node(mount_point: str) -> bool:
    """Whether it is mounted on in some process's view: removing it would take that mount away."""
    for table in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):  # ended in between
            if f" {mount_point} " in table.read_text():
                return True
    return False


def _containerctl(record: Record, *command: str, archive: Path | None = None) -> str:
    node = ["nsenter", "--target", str(record.pid), "--mount", "--net", "--pid"]
    with (archive or Path(os.devnull)).open("rb") as given:
        done = subprocess.run(
            [*node, "ctr", "--namespace", "k8s.io", *command], stdin=given, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise CommandFailed("ctr " + " ".join(command), code=done.returncode, stdout=done.stdout, stderr=done.stderr)
    return done.stdout


def _containerd_answers(record: Record) -> bool:
    try:
        return bool(_containerctl(record, "version"))
    except CommandFailed:
        return False


def _node_ready(kubectl: Kubectl) -> bool:
    ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    try:
        return kubectl("get", "node", NODE_NAME, "--output", ready, seconds=20) == "True"
    except (CommandFailed, subprocess.TimeoutExpired):
        return False


def _http_ok(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
