"""An API server for a test."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from devcluster.apiserver import CONTEXT, ApiServer
from devcluster.context import cluster
from devcluster.errors import CommandFailed, DevclusterError
from devcluster.kubeconfig import write_kubeconfig
from devcluster.layout import start_ticks
from devcluster.processes import wait_until

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boxes.test.bannette.io}
spec:
  group: test.bannette.io
  scope: Namespaced
  names: {plural: boxes, singular: box, kind: Box}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer, maximum: 9}}}}
"""
HOLDS_A_SERVER = """
import sys
from devcluster.apiserver import CONTEXT, ApiServer
from devcluster.context import cluster
with ApiServer() as api:
    print(*(process.popen.pid for process in api._processes.values()), flush=True)
    sys.stdin.read()
"""


def box(size: int) -> str:
    return f"{{apiVersion: test.bannette.io/v1, kind: Box, metadata: {{name: box}}, spec: {{size: {size}}}}}"


def test_two_servers_run_side_by_side_and_know_nothing_of_each_other(tmp_path: Path) -> None:
    audit_log = tmp_path / "audit.log"
    with ApiServer(audit_log=audit_log) as one, ApiServer(controller_manager=True) as other:
        one.install_crds(CRD)
        assert "created" in one.apply(box(3))
        with pytest.raises(CommandFailed) as refused:
            one.apply(box(30))
        assert "should be less than or equal to 9" in refused.value.stderr
        with pytest.raises(CommandFailed) as unknown:
            other.kubectl("get", "boxes")
        assert "the server doesn't have a resource type" in unknown.value.stderr
        assert "default" in other.kubectl("get", "serviceaccounts")
        # Its last line may be being written.
        events = [json.loads(line) for line in audit_log.read_text().split("\n")[:-1]]
        assert any(event["verb"] == "patch" or event["verb"] == "create" for event in events)
        one.restart()
        assert one.kubectl("get", "box", "box", "-o", "jsonpath={.spec.size}") == "3"


def test_rights_are_enforced_and_the_certificate_is_strictly_valid() -> None:
    with ApiServer() as api:
        with pytest.raises(CommandFailed) as refused:
            api.kubectl("get", "secrets", "--as", "nobody")
        assert 'User "nobody" cannot list resource "secrets"' in refused.value.stderr
        trust = ssl.create_default_context(cafile=str(api.ca_file))
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        request = urllib.request.Request(f"{api.url}/version", headers={"Authorization": f"Bearer {api.token}"})
        with urllib.request.urlopen(request, context=trust) as response:
            assert json.load(response)["gitVersion"] == "v1.36.3"
        folder = api.folder
    assert not folder.exists()


def test_of_the_users_kubeconfigs_only_the_named_context_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    production = tmp_path / "production"
    with ApiServer() as api:
        write_kubeconfig(
            production, context="production", server="https://production.invalid", ca_file=api.ca_file, token="secret"
        )
        environ = {"BANNETTE_CONTEXT": CONTEXT, "KUBECONFIG": f"{production}{os.pathsep}{api.kubeconfig}"}
        chosen = cluster(environ)
        assert (chosen.context, chosen.embedded) == (CONTEXT, False)
        assert "production" not in chosen.kubeconfig.read_text()
        assert chosen.kubeconfig.stat().st_mode & 0o777 == 0o600
        assert "default" in chosen.kubectl("get", "namespaces")


def test_no_process_is_left_when_the_test_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS_A_SERVER]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as holder:
        assert holder.stdout
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        assert len(pids) == 2
        holder.send_signal(signal.SIGKILL)
    wait_until(lambda: all(start_ticks(pid) is None for pid in pids), what="both ended", seconds=60)


def test_a_server_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(DevclusterError, match=r"(?s)kube-apiserver ended .*invalid-flag"),
        ApiServer(arguments={"invalid-flag": "1"}),
    ):
        pass
