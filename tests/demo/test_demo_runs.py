"""`make run` tells why a run failed, and gives the user a kubectl that has the plugin."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.installation import wait_for
from demo.narration import DemoFailed
from demo.runs import Runs
from demo.tools import put_tools
from devcluster.apiserver import ApiServer

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

TIME = "2026-11-24T05:30:00Z"
FAILED = {
    "id": "1",
    "trigger": "Initial",
    "job": "acme-onedrive-initial-1",
    "startedAt": TIME,
    "completedAt": TIME,
    "result": "Failed",
    "reason": "BinderReplaced",
    "message": "The binder belongs to another Binder resource.",
}
REQUESTED = FAILED | {"id": "2", "trigger": "Manual", "request": "now", "job": "acme-onedrive-manual-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer() as made:
        made.install_crds(Path("crds"))
        made.apply(Path("manifests/samples/acme"))
        yield made


@pytest.fixture
def runs(server: ApiServer) -> Runs:
    return Runs(server.kubectl, "acme", "acme-onedrive", begin_anew="make down")


def report(server: ApiServer, *history: dict[str, Any]) -> None:
    patch = json.dumps({"status": {"history": history}})
    words = ("patch", "collectionchannel", "acme-onedrive", "--subresource=status", "--type=merge", "-p", patch)
    server.kubectl("-n", "acme", *words)


def test_a_run_that_failed_is_told_with_what_to_do(
    server: ApiServer, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    report(server, FAILED)
    with pytest.raises(DemoFailed) as failure:
        runs.wait_for(None, seconds=120)
    assert capsys.readouterr().out == (
        "  A run failed, BinderReplaced: The binder belongs to another Binder resource.\n"
    )
    assert str(failure.value).startswith("The first run failed, BinderReplaced, and isn't tried again. The resources")
    assert "`make down`, then `make run`" in str(failure.value)


def test_a_run_that_is_tried_again_is_waited_for(
    server: ApiServer, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    server.kubectl("-n", "acme", "create", "job", str(REQUESTED["job"]), "--image=none")
    failed = REQUESTED | {"reason": "ServiceUnavailable", "message": "It is away."}
    report(server, failed, FAILED)
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(runs.wait_for("now", seconds=240)))
    waiting.start()
    told: list[str] = []

    def is_told() -> bool:
        told.append(capsys.readouterr().out)
        return "A run failed, ServiceUnavailable: It is away." in "".join(told)

    wait_for("the failure on the screen", is_told, seconds=120)
    assert waiting.is_alive()
    report(server, failed | {"result": "Succeeded", "reason": "Collected", "message": "1 document."}, FAILED)
    waiting.join(timeout=120)
    assert [one["message"] for one in found] == ["1 document."]


def test_kubectl_finds_its_plugin_where_the_demo_puts_both(server: ApiServer, tmp_path: Path) -> None:
    for _ in range(2):
        tools = put_tools(tmp_path / "bin")
    environment = server.kubectl.environment() | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["kubectl", "collection", "version"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("kubectl collection ")
