"""The console's list with many channels: how soon it is there after a start, and how long its pages take.

``python -m benchmarks.console SERVER CA TOKEN KEYS PORT`` serves it: the process that is measured.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import uvicorn

from bannette.connect import Settings, new_server
from bannette.console import ConsoleSettings
from bannette.console.app import Console
from bannette.kube import ClusterApi
from benchmarks.plan import Plan, say
from benchmarks.processes import cpu_of, megabytes_of
from benchmarks.report import Area, at_most, spread
from benchmarks.rest import each
from devcluster.apiserver import ApiServer
from devcluster.processes import free_ports
from tests.connect.browser import Browser
from tests.connect.office import PUBLIC
from tests.console.desk import SERVICE, Company, browser_at, install_service, signed_in
from tests.controller.cluster import Cluster
from tests.controller.people import install_rights_of_people

_CHANNELS = 10_000
_NAMESPACES = 200
_ENTRIES = 10
_MOST_MS = 200
_MOST_SECONDS = 15
_PAGES = {
    "first page of all": "",
    "a page in the middle": "?page=100",
    "search": "?q=p77",
    "those that need a person": "?state=person",
    "one namespace": "?namespace=tenant-7",
}


def measure(plan: Plan) -> list[Area]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ApiServer() as server:
        folder = Path(name)
        server.install_crds(Path("crds"))
        cluster = Cluster(server, folder / "audit.log")
        install_rights_of_people(cluster)
        install_service(cluster)
        company = Company(cluster)
        everywhere = f"--serviceaccount={company.namespace}:configurator"
        server.kubectl("create", "clusterrolebinding", "all", "--clusterrole=bannette-configurator", everywhere)
        _fill(cluster)
        say(f"console: {_CHANNELS:,} channels are there")
        keys = folder / "keys"
        keys.mkdir()
        (keys / "1").write_text(secrets.token_hex(32))
        (port,) = free_ports(1)
        token = cluster.service_account_token("default", SERVICE)
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "benchmarks.console",
            server.url,
            server.ca_file,
            token,
            keys,
            str(port),
        ]
        began = time.monotonic()
        console = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["operator", "."])},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert console.stdout is not None
            assert console.stdout.readline() == "ready\n"
            ready = time.monotonic() - began
            return [_measured(cluster, company, port, console.pid, ready, times=4 * plan.pairs)]
        finally:
            console.terminate()
            console.wait(60)


def _measured(cluster: Cluster, company: Company, port: int, pid: int, ready: float, *, times: int) -> Area:
    cpu = cpu_of(pid)
    rows: list[Sequence[str]] = [
        [f"a start, until {_CHANNELS:,} channels are listed", f"{ready:,.1f} s, {cpu:.1f} s of CPU"]
    ]
    browser = browser_at(cluster, port)
    signed_in(browser, company.token("configurator"))
    medians = {}
    for what, query in _PAGES.items():
        took = [_seconds(browser, f"/console/channels{query}") for _ in range(times)]
        medians[what] = 1000 * median(took)
        rows.append([what, f"{spread([1000 * one for one in took])} ms"])
    rows.append(["one channel", f"{spread([1000 * _seconds(browser, company.url()) for _ in range(times)])} ms"])
    viewer = browser_at(cluster, port)
    signed_in(viewer, company.token("viewer"))
    time.sleep(16)
    asked = 1000 * _seconds(viewer, "/console/channels")
    rows.append([f"first page of one who may list one namespace of {_NAMESPACES + 1}", f"{asked:.0f} ms"])
    memory = megabytes_of(pid)
    rows.append(["most memory", f"{memory:.0f} MB"])
    return Area(
        key="console",
        command="--only console",
        title=f"The console with {_CHANNELS:,} channels with {_ENTRIES} entries of history each",
        header=["", ""],
        rows=rows,
        checks=[
            at_most(f"console: a start, until {_CHANNELS:,} channels are listed", _MOST_SECONDS, ready, "s"),
            at_most("console: the slowest list, median", _MOST_MS, max(medians.values()), "ms"),
        ],
        notes=[
            "Requests over HTTP from the same machine, which has the API server on it too.",
            "What somebody may list is asked of the API server again after 15 seconds; for one who may not list all "
            "namespaces, of each one.",
        ],
    )


def _seconds(browser: Browser, address: str) -> float:
    began = time.monotonic()
    page = browser.open(address)
    assert page.status == 200, page.text
    return time.monotonic() - began


def _fill(cluster: Cluster) -> None:
    for number in range(_NAMESPACES):
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"tenant-{number}"}}
        cluster.request("POST", "/api/v1/namespaces", namespace)
    entries = [_entry(day) for day in reversed(range(1, _ENTRIES + 1))]
    well = {"conditions": [_ready("True", "Scheduled")], "history": entries, "lastRun": entries[0]}
    lost = {**well, "conditions": [_ready("False", "PrerequisitesMissing")]}

    def make(number: int) -> None:
        path = f"/apis/bannette.io/v1alpha1/namespaces/tenant-{number % _NAMESPACES}/collectionchannels"
        account = {"delegated": {"loginHint": f"p{number}@acme.example"}}
        body = {
            "apiVersion": "bannette.io/v1alpha1",
            "kind": "CollectionChannel",
            "metadata": {"name": f"channel-{number}"},
            "spec": {
                "type": "OneDrive",
                "recipient": {"name": "marie"},
                "destination": {"binder": "purchases"},
                "onedrive": {"folder": "/Factures", "account": account},
            },
        }
        cluster.request("POST", path, body)
        status = well if number % 50 else lost
        merge = "application/merge-patch+json"
        cluster.request("PATCH", f"{path}/channel-{number}/status", {"status": status}, content_type=merge)

    each(make, range(_CHANNELS))


def _ready(status: str, reason: str) -> dict[str, object]:
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": "Collected every day at 05:30 (Europe/Paris), and on request.",
        "lastTransitionTime": "2026-11-24T10:00:00Z",
    }


def _entry(day: int) -> dict[str, object]:
    return {
        "id": f"00000000-0000-0000-0000-{day:012d}",
        "trigger": "Scheduled",
        "startedAt": f"2026-11-{day:02d}T04:30:00Z",
        "completedAt": f"2026-11-{day:02d}T04:30:42Z",
        "result": "Succeeded",
        "reason": "Collected",
        "message": "12 collected, 3 deferred (Locked 3).",
        "collected": 12,
        "deferred": 3,
    }


def main() -> None:
    server, ca, token, keys, port = sys.argv[1:6]
    api = ClusterApi(server, namespace="default", token=token, ca=Path(ca).read_text())
    connect = Settings(PUBLIC, Path(keys), "127.0.0.1", int(port), {})
    console = Console(ConsoleSettings(), connect, api)
    console.start()
    running = new_server(connect, api, console.routes())
    threading.Thread(target=_tell, args=(console, running), daemon=True).start()
    running.run()


def _tell(console: Console, running: uvicorn.Server) -> None:
    """Say when the list can be asked for."""
    while not (console.is_ready and running.started):
        time.sleep(0.02)
    print("ready", flush=True)


if __name__ == "__main__":
    main()
