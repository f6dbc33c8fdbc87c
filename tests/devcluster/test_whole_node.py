"""A node from nothing to nothing: pods run, keep files, look up names, are scheduled; and no trace is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devcluster.archive import write_archive
from devcluster.kubectl import Kubectl
from devcluster.layout import Layout, Record
from devcluster.processes import wait_until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root"),
]

IMAGE = "localhost/bannette-probe:1"
CONTAINER = f"""
      image: {IMAGE}
      securityContext:
        {{runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false,
         capabilities: {{drop: [ALL]}}, seccompProfile: {{type: RuntimeDefault}}}}
"""
SERVER = f"""
apiVersion: v1
kind: Pod
metadata: {{name: server, labels: {{app: server}}}}
spec:
  containers:
    - name: server
      args: [serve]{CONTAINER}---
apiVersion: v1
kind: Service
metadata: {{name: server}}
spec: {{selector: {{app: server}}, ports: [{{port: 80, targetPort: 8080}}]}}
"""
PROBE = f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: kept}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: probe}}
spec:
  restartPolicy: Never
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: kept}}}}]
  containers:
    - name: probe
      args: ["https://kubernetes.default.svc/version", "http://server.default.svc/"]
      volumeMounts: [{{name: data, mountPath: /data}}]{CONTAINER}"""
CRONJOB = f"""
apiVersion: batch/v1
kind: CronJob
metadata: {{name: minutely}}
spec:
  schedule: "* * * * *"
  timeZone: Europe/Paris
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          volumes: [{{name: data, emptyDir: {{}}}}]
          containers:
            - name: probe
              volumeMounts: [{{name: data, mountPath: /data}}]
              image: {IMAGE}
"""


class Node:
    """A cluster with a state folder of its own, beside the one that may be up already."""

    def __init__(self, state: Path) -> None:
        self._environment = {**os.environ, "XDG_STATE_HOME": str(state)}
        self._environment.pop("BANNETTE_CONTEXT", None)
        self.layout = Layout(state / "bannette" / "devcluster")
        self.kubectl = Kubectl(self.layout.kubeconfig)

    def __call__(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def is_well(self) -> bool:
        return self._run("status").returncode == 0

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "devcluster", *arguments],
            cwd=Path(__file__).parents[2],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )

    def phase(self, pod: str) -> str:
        return self.kubectl("get", "pod", pod, "--output", "jsonpath={.status.phase}")


def traces() -> Mapping[str, set[str]]:
    """What a cluster could leave behind on this machine."""

    def output(*command: str) -> set[str]:
        return set(subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines())

    links = json.loads("".join(output("ip", "-json", "link")))
    return {
        "links": {link["ifname"] for link in links},
        "routes": output("ip", "-4", "route", "show", "table", "all"),
        "packet filter": output("nft", "list", "tables"),
        "mounts": {
            line.split()[4]
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if "/devcluster/" in line or line.split()[4].startswith(("/run/", "/var/lib/cni", "/var/lib/kubelet"))
        },
        "control groups": {
            str(path) for pattern in ("bannette-*", "*/bannette-*") for path in Path("/sys/fs/cgroup").glob(pattern)
        },
        "settings": {Path(f"/proc/sys/{name}").read_text() for name in ("net/ipv4/ip_forward", "kernel/panic")},
        "folders": {name for name in ("/var/lib/cni", "/var/lib/kubelet", "/var/log/pods") if Path(name).exists()},
    }


def processes_of(layout: Layout) -> dict[int, str]:
    """The node's processes by pid, with their command lines: all of them name its folder."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # ended in between
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(layout.root) in command:
                found[int(process.name)] = command
    return found


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    before = traces()
    node = Node(tmp_path_factory.mktemp("state"))
    try:
        node("up")
        archive = node.layout.root.parent / "probe.tar"
        program = archive.with_name("probe")
        environment = {**os.environ, "CGO_ENABLED": "0"}
        build = ["go", "build", "-buildvcs=false", "-o", str(program), "."]
        subprocess.run(build, cwd=Path(__file__).parent / "probe", env=environment, check=True)
        write_archive(archive, name=IMAGE, files={"/probe": program}, entrypoint=["/probe"])
        node("load", str(archive))
        yield node
    finally:
        node("down")
    # Another node on this machine may have gone meanwhile; nothing may have come.
    left = {what: found - before[what] for what, found in traces().items()}
    assert not any(left.values()), left
    # The process that made the namespaces ends by itself when their first one has.
    wait_until(lambda: processes_of(node.layout) == {}, what="its last process ended", seconds=60)
    assert not node.layout.root.exists()
    assert "There is no cluster" in node("down")


def test_a_second_up_finds_it_up_and_status_is_well(node: Node) -> None:
    before = Record.load(node.layout.record)
    assert "up already" in node("up")
    assert Record.load(node.layout.record) == before
    assert "Ready" in node("status")


def test_a_pod_reaches_names_services_and_the_api_server_and_keeps_files_as_anybody(node: Node) -> None:
    node.kubectl.apply(SERVER)
    node.kubectl("wait", "pod", "server", "--for=condition=Ready", "--timeout=110s")
    node.kubectl.apply(PROBE)
    wait_until(lambda: node.phase("probe") in ("Succeeded", "Failed"), what="the probe ended", seconds=300)
    log = node.kubectl("logs", "probe")
    assert "https://kubernetes.default.svc/version 200" in log
    assert "http://server.default.svc/ 200" in log
    assert "all well" in log
    (folder,) = node.layout.volumes.iterdir()
    assert (folder / "kept").read_text() == "kept\n"
    node.kubectl("delete", "pod", "probe")
    node.kubectl("delete", "pvc", "kept")
    wait_until(lambda: not folder.exists(), what="the claim's folder was taken back", seconds=120)


def test_a_cronjob_of_a_time_zone_fires(node: Node) -> None:
    node.kubectl.apply(CRONJOB)
    succeeded = ("get", "jobs", "--output", "jsonpath={.items[*].status.succeeded}")
    wait_until(lambda: "1" in node.kubectl(*succeeded), what="a Job of the CronJob succeeded", seconds=300, every=1)


def test_a_component_that_ends_is_started_again(node: Node) -> None:
    def schedulers() -> list[int]:
        return [pid for pid, command in processes_of(node.layout).items() if "/kube-scheduler " in command]

    (before,) = schedulers()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: schedulers() not in ([], [before]), what="the scheduler was started again", seconds=120)
    # What is told of it is written a moment later.
    wait_until(node.is_well, what="all is well again", seconds=120, every=1)
