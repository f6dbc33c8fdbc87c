"""A quiet day in a pod of the embedded cluster: all CPU that the pod uses, from its start until its end.

The kernel's account of the pod's control group is read until the group is gone: that covers what the process itself
can't see, its start by the container runtime and the container that holds the pod's network.
"""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import requests

from bannette.controller.names import CHANNEL, POD
from benchmarks.plan import Plan, say
from benchmarks.report import Area, at_most, spread
from demo.installation import SIMULATOR_ORIGIN, install_operator, install_simulator, simulator_control
from devcluster import cluster, images
from devcluster.binaries import program
from devcluster.cgroups import ROOT
from devcluster.kubectl import Kubectl
from devcluster.layout import Layout, state_folder
from tests.cluster.tenant import Tenant

_POLL_SECONDS = 0.02


def measure(plan: Plan) -> list[Area]:
    built = images.build()
    names = {image.target: image.name for image in built}
    was_up = cluster.status(Layout(state_folder())).healthy
    layout = cluster.up()
    try:
        for image in built:
            cluster.load(image.archive)
        return [_measure(plan, layout, names)]
    finally:
        if not was_up:
            cluster.down()


def _measure(plan: Plan, layout: Layout, names: dict[str, str]) -> Area:
    kubectl = Kubectl(layout.kubeconfig)
    ca_file = install_simulator(kubectl, names["simulator"], ca_folder=layout.kubeconfig.parent / "ca")
    origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
    install_operator(kubectl, names, environment=origins)
    with simulator_control(kubectl, str(program("kubectl")), ca_file) as control, _watched(layout.name) as pods:
        tenant = Tenant(kubectl, control, "bench")
        tenant.set_up(ca_file)
        try:
            tenant.create_channel()
            tenant.wait_for_runs(1)
            known, cpu = set(pods), []
            starts, ends = [], []
            for number in range(plan.pairs):
                with _proxied(kubectl) as url:
                    start, end = _timed(url, tenant, f"bench-{number}")
                history = tenant.wait_for_runs(number + 2)
                if (history[0]["result"], history[0]["collected"]) != ("Succeeded", 0):
                    raise RuntimeError(f"The run should have found nothing: {history[0]}")
                starts.append(start)
                ends.append(end)
                cpu.append(_of_new_pod(tenant, pods, known))
                say(
                    f"pod: {number + 1} of {plan.pairs}: {cpu[-1]:.2f} s CPU, runs after {start:.1f} s, for {end:.1f} s"
                )
        finally:
            tenant.tear_down()
    return Area(
        key="pod",
        command="--only pod",
        title="A quiet day in a pod, from its start until its end",
        header=["CPU s of the pod", "s from the annotation until the pod runs", "s from then until the history has it"],
        rows=[[spread(cpu), spread(starts), spread(ends)]],
        checks=[
            at_most("quiet day in a pod, most CPU of any run", 1.0, max(cpu), "s"),
            at_most("annotation until the pod runs, median", 3, statistics.median(starts), "s"),
            at_most("quiet run from the pod's start until the status has it, median", 4, statistics.median(ends), "s"),
        ],
    )


@contextmanager
def _proxied(kubectl: Kubectl) -> Iterator[str]:
    """Reach the API server by plain HTTP: kubectl itself takes a tenth of a second for each question."""
    command = [str(program("kubectl")), "proxy", "--port=0"]
    with subprocess.Popen(command, env=kubectl.environment(), stdout=subprocess.PIPE, text=True) as proxy:
        try:
            assert proxy.stdout is not None
            # "Starting to serve on 127.0.0.1:PORT"
            yield f"http://{proxy.stdout.readline().split()[-1]}"
        finally:
            proxy.terminate()


def _timed(url: str, tenant: Tenant, request: str) -> tuple[float, float]:
    """Annotate, and return the seconds until the run's pod runs, and from then until the history has the run."""
    session = requests.Session()
    channel = url + CHANNEL.path(tenant.namespace, "acme-onedrive")

    def get(address: str) -> Any:
        return session.get(address, timeout=10).json()

    before = {pod["metadata"]["uid"] for pod in get(url + POD.path(tenant.namespace))["items"]}
    began = time.monotonic()
    annotated = {"metadata": {"annotations": {"bannette.io/requestedAt": request}}}
    session.patch(
        channel, json=annotated, headers={"Content-Type": "application/merge-patch+json"}, timeout=10
    ).raise_for_status()
    runs = None
    while runs is None:
        time.sleep(_POLL_SECONDS)
        for pod in get(url + POD.path(tenant.namespace))["items"]:
            if pod["metadata"]["uid"] not in before and pod["status"]["phase"] != "Pending":
                runs = time.monotonic()
    while (get(channel)["status"].get("lastRun") or {}).get("request") != request:
        time.sleep(_POLL_SECONDS)
    return runs - began, time.monotonic() - runs


def _of_new_pod(tenant: Tenant, pods: dict[str, float], known: set[str]) -> float:
    """Return the CPU seconds of the channel's pod that wasn't known; from now on it is."""
    own = set()
    for pod in tenant.pods():
        metadata = pod["metadata"]
        assert isinstance(metadata, dict)
        own.add(f"pod{metadata['uid']}")
    (new,) = (own & set(pods)) - known
    known.add(new)
    tenant.wait("the end of the pod's control group", lambda: _still(pods, new), seconds=60)
    return pods[new]


def _still(pods: dict[str, float], name: str) -> bool:
    before = pods[name]
    threading.Event().wait(1)
    return pods[name] == before


@contextmanager
def _watched(group: str) -> Iterator[dict[str, float]]:
    """Keep the CPU seconds of every pod of the node up to date in the yielded dictionary, by its group's name."""
    version2 = (ROOT / "cgroup.controllers").exists()
    top = (ROOT if version2 else ROOT / "cpuacct") / group
    seconds: dict[str, float] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            for folder in (*top.glob("kubepods/pod*"), *top.glob("kubepods/*/pod*")):
                # Gone between the listing and the reading.
                with suppress(OSError):
                    seconds[folder.name] = _used(folder, version2=version2)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seconds
    finally:
        ended.set()
        watcher.join()


def _used(folder: Path, *, version2: bool) -> float:
    if version2:
        first = (folder / "cpu.stat").read_text().split("\n", 1)[0]
        return int(first.split()[1]) / 1e6
    return int((folder / "cpuacct.usage").read_text()) / 1e9
