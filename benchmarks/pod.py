"""A quiet day in a pod of the embedded cluster: all CPU that the pod uses, from its start until its end.

The kernel's account of the pod's control group is read until the group is gone: that covers what the process itself
can't see, its start by the container runtime and the container that holds the pod's network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
            known, cpu, wall = set(pods), [], []
            for number in range(plan.pairs):
                started = time.monotonic()
                tenant.request(f"bench-{number}")
                history = tenant.wait_for_runs(number + 2)
                if (history[0]["result"], history[0]["collected"]) != ("Succeeded", 0):
                    raise RuntimeError(f"The run should have found nothing: {history[0]}")
                wall.append(time.monotonic() - started)
                cpu.append(_of_new_pod(tenant, pods, known))
                say(f"pod: {number + 1} of {plan.pairs}: {cpu[-1]:.2f} s CPU")
        finally:
            tenant.tear_down()
    return Area(
        key="pod",
        command="--only pod",
        title="A quiet day in a pod, from its start until its end",
        header=["CPU s of the pod", "s from the request until the run is in the history"],
        rows=[[spread(cpu), spread(wall, 1)]],
        checks=[at_most("quiet day in a pod, most CPU of any run", 1.0, max(cpu), "s")],
    )


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
