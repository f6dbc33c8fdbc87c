"""What docs/ show that takes a node: kubectl logs, exec and the API server's proxy, typed on a real one."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

from demo.installation import OPERATOR_NAMESPACE, wait_for_rollout
from devcluster.binaries import program
from devcluster.errors import CommandFailed
from devcluster.kubectl import Kubectl
from tests.cluster.tenant import CHANNEL, Json, Tenant
from tests.docs.fenced import pages
from tests.docs.terminal import Terminal
from tests.docs.test_typed_commands import ELSEWHERE

HERE = "tests/cluster/test_documented_commands.py::test_what_takes_a_node"


def terminal(folder: Path, kubectl: Kubectl, tenant: Tenant) -> Terminal:
    """A terminal whose kubectl leads to the cluster, and whose pages speak of *tenant*."""
    path = '{.spec.template.spec.containers[0].env[?(@.name=="BANNETTE_COLLECTOR_IMAGE")].value}'
    image = kubectl("-n", OPERATOR_NAMESPACE, "get", "deployment", "bannette-operator", "-o", f"jsonpath={path}")
    made = Terminal(
        folder,
        environment=kubectl.environment(),
        placeholders={
            "REGISTRY/bannette-collector:0.1.0": image,
            "NAMESPACE": tenant.namespace,
            "CHANNEL": CHANNEL,
        },
    )
    made.program("kubectl", str(program("kubectl")))
    return made


def test_what_takes_a_node(kubectl: Kubectl, tenant: Tenant, tmp_path: Path) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    commands = [
        command
        for page in pages()
        for command in (*page.commands, *page.in_passing)
        for pattern, test in ELSEWHERE.items()
        if test == HERE and re.search(pattern, command.text)
    ]
    assert commands
    _let_the_operator_start_anew(kubectl, tenant)
    with terminal(tmp_path, kubectl, tenant) as typed:
        printed = {command.text: typed.type(command) for command in commands}
    assert [text for text, output in printed.items() if not output.strip()] == []


def _let_the_operator_start_anew(kubectl: Kubectl, tenant: Tenant) -> None:
    """End its process, so that there is the log of the one before."""

    def container() -> Json:
        found = json.loads(kubectl("-n", OPERATOR_NAMESPACE, "get", pod, "-o", "json"))
        status: Json = found["status"]["containerStatuses"][0]
        return status

    tenant.wait("one pod of the operator", lambda: len(tenant.operator_pods()) == 1)
    (pod,) = tenant.operator_pods()
    # Other tests may have ended it too.
    tenant.wait("the operator's container to be ready", lambda: container()["ready"])
    before = container()["restartCount"]
    with contextlib.suppress(CommandFailed):  # the shell may end with the container
        kubectl("-n", OPERATOR_NAMESPACE, "exec", pod, "--", "sh", "-c", "kill 1")
    tenant.wait(
        "the operator's container to start anew",
        lambda: container()["restartCount"] != before and container()["ready"],
    )
    # Of its Deployment that is said a moment later.
    wait_for_rollout(kubectl, OPERATOR_NAMESPACE, "bannette-operator")


def test_a_binder_on_a_volume_is_backed_up_and_restored_by_a_pod(
    kubectl: Kubectl, tenant: Tenant, tmp_path: Path
) -> None:
    tenant.create_channel()
    tenant.wait_for_runs(1)
    (page,) = (one for one in pages() if one.name == "docs/backup.md")
    with terminal(tmp_path, kubectl, tenant) as typed:
        typed.write(page.files)
        for command in page.of("Binder on a volume"):
            output = typed.type(command)
            if "binder verify" in command.text:
                assert "The binder is whole." in output
        # The store is lost: as the page's restore finds it, an empty volume.
        typed.run("kubectl", "apply", "-f", "binder-pod.yaml")
        typed.run("kubectl", "-n", tenant.namespace, "wait", "pod", "binder", "--for=condition=Ready", "--timeout=2m")
        empty = "find /binder -mindepth 1 -delete"
        typed.run("kubectl", "-n", tenant.namespace, "exec", "binder", "--", "sh", "-c", empty)
        typed.run("kubectl", "-n", tenant.namespace, "delete", "pod", "binder")
        tenant.drop("3.txt", "A third one")
        for command in page.of("The binder alone"):
            typed.type(command)
    tenant.request("restored")
    tenant.wait_for_runs(2)
    assert (tenant.history[0]["collected"], tenant.history[0]["alreadySeen"]) == (1, 2)
    assert sorted(str(entry["name"]) for entry in tenant.inbox()) == ["1.txt", "2.txt", "3.txt"]
