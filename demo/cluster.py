"""``make run``: from nothing to a collected OneDrive on Kubernetes.

The embedded cluster, or the user's own with ``BANNETTE_CONTEXT=name``; the simulator stands for Microsoft in it, the
rest is what runs in production.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from datetime import UTC, datetime

from demo.installation import (
    SIMULATOR_ORIGIN,
    SOURCE,
    install_operator,
    install_simulator,
    trust_simulator,
)
from demo.narration import PHOTO, DemoFailed, say, show, step
from demo.runs import Runs
from demo.tools import put_tools
from devcluster import cluster, images
from devcluster.binaries import program
from devcluster.context import Cluster
from devcluster.context import cluster as chosen_cluster
from devcluster.errors import DevclusterError
from devcluster.kubectl import Kubectl

_NAMESPACE, _CHANNEL = "acme", "acme-onedrive"
_SAMPLES = SOURCE / "manifests" / "samples"
_RUN_SECONDS = 300


def main() -> int:
    started = time.monotonic()
    try:
        target = _cluster()
        _install(target)
        _tell(target)
    except (DemoFailed, DevclusterError, images.BuildFailed, TimeoutError) as failure:
        print(f"\nmake run failed: {failure}", file=sys.stderr)
        return 1
    say(f"Done in {time.monotonic() - started:.0f} seconds.")
    tools = put_tools(target.kubeconfig.parent / "bin")
    print(
        f"\nLook around:\n"
        f"  export KUBECONFIG={shlex.quote(str(target.kubeconfig))}\n"
        f"  export PATH={shlex.quote(str(tools))}:$PATH\n"
        f"  kubectl -n {_NAMESPACE} get collectionchannels,jobs,pods\n"
        f"  kubectl -n {_NAMESPACE} exec inbox -- bannette inbox list --binder /binder\n"
        f"  kubectl collection status -n {_NAMESPACE}\n"
        f"  kubectl explain collectionchannel.spec\n"
        + ("End the cluster and remove what it made: make down" if target.embedded else "")
    )
    return 0


def _cluster() -> Cluster:
    if not os.environ.get("BANNETTE_CONTEXT"):
        say("A Kubernetes on this machine")
        cluster.up()
    target = chosen_cluster()
    say(f"The cluster: {target.context}")
    return target


def _install(target: Cluster) -> None:
    with step("The images of operator, collector and simulator (built once for these sources)"):
        built = images.build()
    with step("Loading them into the cluster"):
        for image in built:
            load(target, image)
    names = {image.target: image.name for image in built}
    with step("The simulated OneDrive"):
        ca_file = install_simulator(target.kubectl, names["simulator"], ca_folder=target.kubeconfig.parent / "ca")
    with step("The operator"):
        origins = dict.fromkeys(("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"), SIMULATOR_ORIGIN)
        install_operator(target.kubectl, names, environment=origins)
    with step("A company's namespace that trusts the simulator"):
        target.kubectl.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {_NAMESPACE}}}}}")
        trust_simulator(target.kubectl, _NAMESPACE, ca_file)
        _apply_inbox_pod(target.kubectl, names["collector"])


def load(target: Cluster, image: images.Image) -> None:
    """Load *image* into the nodes of *target*, or say that it must be."""
    if target.embedded:
        cluster.load(image.archive)
    elif target.context.startswith("kind-"):
        name = target.context.removeprefix("kind-")
        subprocess.run(["kind", "load", "image-archive", str(image.archive), "--name", name], check=True)
    elif target.context == "minikube":
        subprocess.run(["minikube", "image", "load", str(image.archive)], check=True)
    else:
        print(f"  Load {image.archive} ({image.name}) into your cluster's nodes, unless they have it already.")


def _tell(target: Cluster) -> None:
    environment = {"KUBECONFIG": str(target.kubeconfig)}
    remove = f"kubectl --context {target.context} delete namespace {_NAMESPACE}"
    runs = Runs(target.kubectl, _NAMESPACE, _CHANNEL, begin_anew="make down" if target.embedded else remove)

    def run(*words: str) -> str:
        return show([str(program("kubectl")), *words], shown=" ".join(["kubectl", *words]), environment=environment)

    say("A Recipient, a Binder and a CollectionChannel are applied. The first collection follows by itself.")
    run("apply", "-f", str(_SAMPLES.relative_to(SOURCE) / "acme"))
    run("-n", _NAMESPACE, "wait", "collectionchannel", _CHANNEL, "--for=condition=Ready", "--timeout=180s")
    # There is none where the channel was before.
    if not runs.history():
        with step("Waiting for the first run"):
            runs.wait_for(None, seconds=_RUN_SECONDS)
    run("-n", _NAMESPACE, "get", "collectionchannels")

    say("A run on request:")
    value = datetime.now(UTC).isoformat(timespec="seconds")
    annotation = f"bannette.io/requestedAt={value}"
    run("-n", _NAMESPACE, "annotate", "collectionchannel", _CHANNEL, annotation, "--overwrite")
    with step("Waiting for it"):
        latest = runs.wait_for(value, seconds=_RUN_SECONDS)
    if (latest["result"], latest["collected"]) != ("Succeeded", 0):
        found = f"{latest['result']}, {latest['collected']} collected: {latest['message']}"
        raise DemoFailed(f"The requested run should have succeeded and collected nothing twice, but ended as {found}")
    run("-n", _NAMESPACE, "get", "collectionchannels", "-o", "wide")

    say("The company's inbox, and a photo of a receipt as it was read:")
    run("-n", _NAMESPACE, "wait", "pod", "inbox", "--for=condition=Ready", "--timeout=120s")
    inbox = ("-n", _NAMESPACE, "exec", "inbox", "--", "bannette", "inbox")
    listed = run(*inbox, "list", "--binder", "/binder")
    photo = next((line.split()[0] for line in listed.splitlines() if PHOTO in line), None)
    if photo is None:
        raise DemoFailed("No photo came into the inbox.")
    run(*inbox, "show", photo, "--binder", "/binder")


def _apply_inbox_pod(kubectl: Kubectl, image: str) -> None:
    manifest = (SOURCE / "manifests" / "simulator" / "inbox-pod.yaml").read_text()
    kubectl.apply(manifest.replace("localhost/bannette-collector:0.1.0", image))


if __name__ == "__main__":
    sys.exit(main())
