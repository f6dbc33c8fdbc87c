"""The operator with many channels, on an API server alone: how fast, how large, and how much it writes.

Counts of writes are from the API server's audit log. Jobs never run here, for there is no node.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import requests

from bannette.controller.names import CHANNEL, CHILD_KINDS, JOB
from benchmarks.plan import Plan, say
from benchmarks.processes import cpu_of, megabytes_of, run
from benchmarks.report import Area, Check, at_most, ratio, spread
from benchmarks.rest import STILL, at_rest, each
from devcluster.apiserver import ApiServer
from tests.controller.cluster import SYSTEM, Cluster, Json, install_rights
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

_PER_NAMESPACE = 50
_CHANNELS = 1000
_CURVE = (1000, 2000, 5000, 10_000)
_PATIENCE = 600.0
_ENTRIES = 10


def measure(plan: Plan) -> list[Area]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        return [*_new_channels(plan, Path(name, "new")), *_restarts(Path(name, "restarts"))]


class _Bench:
    """An API server with the definitions, and the operator beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._numbers = itertools.count(1)
        self._server = ApiServer(audit_log=folder / "audit.log", arguments={"max-requests-inflight": "800"})

    def __enter__(self) -> _Bench:
        self._server.__enter__()
        self._server.install_crds(Path("crds"))
        self.cluster = Cluster(self._server, self.folder / "audit.log")
        install_rights(self.cluster)
        return self

    def __exit__(self, *error: Any) -> None:
        self._server.__exit__(*error)

    def command(self, *namespaces: str) -> list[str]:
        # As the operator: the API server asks of nobody else whether he holds the rights that a Role gives.
        token = self.cluster.service_account_token(SYSTEM, "bannette-operator")
        return [self._server.url, str(self._server.ca_file), token, *namespaces]

    def operator(self, *arguments: str) -> Operator:
        folder = self.folder / f"operator-{next(self._numbers)}"
        folder.mkdir()
        return Operator(self.cluster, folder, *arguments, environ={"POD_NAME": folder.name})

    def tenants(self, prefix: str, channels: int) -> list[Tenant]:
        """Make namespaces with what *channels* channels need, and these."""
        count = channels // _PER_NAMESPACE
        made = [Tenant(self.cluster, f"{prefix}-{number}") for number in range(count)]
        for tenant in made:
            tenant.add_prerequisites()
        each(lambda pair: pair[0].add_channel(f"channel-{pair[1]}"), itertools.product(made, range(_PER_NAMESPACE)))
        return made

    def remember(self, tenants: Sequence[Tenant]) -> None:
        """Give each channel a history, as after ten days."""
        entries = [_entry(day) for day in reversed(range(1, _ENTRIES + 1))]
        status = {"history": entries, "lastRun": entries[0]}
        names = [(tenant, f"channel-{number}") for tenant in tenants for number in range(_PER_NAMESPACE)]
        each(lambda pair: pair[0].report(status, pair[1]), names)

    def clear(self, tenants: Sequence[Tenant]) -> None:
        """Take away the channels of *tenants* and all that was made for them."""
        kinds = (CHANNEL, JOB, *CHILD_KINDS)
        paths = [kind.path(tenant.namespace) for kind in kinds for tenant in tenants]
        each(lambda path: self.cluster.request("DELETE", path), paths)

    def channels(self, tenants: Sequence[Tenant]) -> Iterator[Json]:
        for tenant in tenants:
            yield from self.cluster.list(CHANNEL, tenant.namespace)


def _new_channels(plan: Plan, folder: Path) -> list[Area]:
    """1,000 channels without children, until all children exist and every status is observed, and bare writes."""
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    writes = queued = 0.0
    with _Bench(folder) as bench:
        for number in range(plan.pairs):
            others = bench.tenants(f"bare-{number}", _CHANNELS)
            names = [tenant.namespace for tenant in others]
            script = [sys.executable, "-m", "benchmarks.bare_channels", *bench.command(*names)]
            output, _ = run(script, environment={**os.environ, "PYTHONPATH": os.pathsep.join(["operator", "."])})
            said = json.loads(output)
            bare.append((said["wall"], said["cpu"]))
            bench.clear(others)
            tenants = bench.tenants(f"ours-{number}", _CHANNELS)
            operator = bench.operator()
            position = bench.cluster.audit_position()
            with operator:
                began, cpu = time.monotonic(), cpu_of(operator.pid)
                ours.append((_all_observed(bench, operator, tenants) - began, cpu_of(operator.pid) - cpu))
                made = bench.cluster.writes_of(Operator.user, since=position)
                writes = len([one for one in made if "/events" not in one]) / _CHANNELS
                if number == 0:
                    queued = _requests(bench, tenants)
            bench.clear(tenants)
            wall, used = ours[-1]
            say(
                f"channels: pair {number + 1} of {plan.pairs}: {wall:.1f} s, {used:.1f} s CPU, bare {bare[-1][0]:.1f} s"
            )
    of_wall = ratio([one[0] for one in ours], [one[0] for one in bare])
    of_cpu = ratio([one[1] for one in ours], [one[1] for one in bare])
    return [
        Area(
            key="channels",
            command="--only channels",
            title=f"{_CHANNELS:,} channels, until their children exist and their status is observed",
            header=["", "wall s", "CPU s", "writes a channel"],
            rows=[
                ["the operator", spread([one[0] for one in ours]), spread([one[1] for one in ours]), f"{writes:.2f}"],
                ["bare raw HTTP", spread([one[0] for one in bare]), spread([one[1] for one in bare]), "5"],
                ["ours / bare", f"{of_wall:.2f} x", f"{of_cpu:.2f} x", ""],
            ],
            checks=[
                at_most(f"{_CHANNELS:,} new channels, wall to bare writes", 1.4, of_wall, "x"),
                at_most(f"{_CHANNELS:,} new channels, CPU to bare writes", 2, of_cpu, "x"),
                at_most("writes of the operator for a new channel", 5.2, writes, "writes"),
                at_most(f"{_CHANNELS:,} requests at once, until acknowledged or visibly queued", 15, queued, "s"),
            ],
            notes=[
                "Twenty of the first runs get a Job, and one write more each; the others wait for a slot.",
                "The operator also reads what a channel needs and lists the names of what is there.",
                "The bare script has the operator's rights: for each Role and RoleBinding of somebody who may not give "
                "away more than he holds the API server looks up what that is, which takes it a tenth of a second.",
            ],
        )
    ]


def _requests(bench: _Bench, tenants: Sequence[Tenant]) -> float:
    value = "at-once"
    names = [(tenant, f"channel-{number}") for tenant in tenants for number in range(_PER_NAMESPACE)]
    began = time.monotonic()
    each(lambda pair: pair[0].request(value, pair[1]), names)
    _wait(lambda: all(_answered(one, value) for one in bench.channels(tenants)), "all are acknowledged or queued")
    return time.monotonic() - began


def _restarts(folder: Path) -> list[Area]:
    """The operator starts with nothing to do, with more and more channels."""
    rows: list[Sequence[str]] = []
    seconds: dict[int, float] = {}
    memory: dict[int, float] = {}
    written = 0
    scrape = (0.0, 0)
    with _Bench(folder) as bench:
        tenants: list[Tenant] = []
        for channels in _CURVE:
            new = bench.tenants(f"of-{channels}", channels - len(tenants) * _PER_NAMESPACE)
            bench.remember(new)
            tenants += new
            with bench.operator() as operator:
                _all_observed(bench, operator, tenants)
            say(f"channels: {channels:,} have their children")
            position = bench.cluster.audit_position()
            port = _free_port()
            began = time.monotonic()
            operator = bench.operator(f"--listen=127.0.0.1:{port}")
            with operator:
                seconds[channels] = at_rest(operator.pid, done=lambda: True, seconds=_PATIENCE) - began
                memory[channels], cpu = megabytes_of(operator.pid), cpu_of(operator.pid)
                written += len(bench.cluster.writes_of(Operator.user, since=position))
                asked = time.monotonic()
                text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
                scrape = (time.monotonic() - asked, len(text))
            rows.append(
                [
                    f"{channels:,}",
                    f"{seconds[channels]:.1f}",
                    f"{cpu:.1f}",
                    f"{memory[channels]:.0f}",
                    f"{scrape[0]:.2f}",
                ]
            )
            say(f"channels: restart with {channels:,}: {rows[-1]}")
    last = _CURVE[-1]
    return [
        Area(
            key="restart",
            command="--only channels",
            title=f"The operator starts and finds nothing to do: channels with {_ENTRIES} entries of history each",
            header=["channels", "s until it is still", "CPU s", "most memory MB", "s for a scrape"],
            rows=rows,
            checks=[
                Check(what="restart with nothing changed, writes", target="0", measured=str(written), met=not written),
                at_most(f"restart with {_CURVE[0]:,} channels", 2, seconds[_CURVE[0]], "s"),
                at_most(f"restart with {last:,} channels", 15, seconds[last], "s"),
                at_most(f"restart with {last:,} channels, memory", 200, memory[last], "MB"),
            ],
            notes=[
                f"From the start of the process, imports and all, until it uses no CPU for {STILL} s.",
                f"A scrape of {last:,} channels has {scrape[1] / 1e6:.0f} MB.",
            ],
        )
    ]


def _all_observed(bench: _Bench, operator: Operator, tenants: Sequence[Tenant]) -> float:
    """Wait until the operator has nothing left to do; return the monotonic time when it last worked."""
    return at_rest(operator.pid, done=lambda: all(map(_observed, bench.channels(tenants))), seconds=_PATIENCE)


def _observed(channel: Json) -> bool:
    return bool((channel.get("status") or {}).get("observedGeneration"))


def _answered(channel: Json, request: str) -> bool:
    status = channel.get("status") or {}
    said = " ".join(str(one.get("message")) for one in status.get("conditions") or () if one["type"] == "Ready")
    return status.get("lastHandledRequestedAt") == request or request in said


def _entry(day: int) -> Json:
    return {
        "id": f"00000000-0000-0000-0000-{day:012d}",
        "trigger": "Scheduled",
        "job": f"acme-onedrive-collect-2973{day:04d}",
        "startedAt": f"2026-11-{day:02d}T04:30:00Z",
        "completedAt": f"2026-11-{day:02d}T04:30:42Z",
        "result": "Succeeded",
        "reason": "Collected",
        "message": "12 collected, 3 deferred (Locked 3).",
        "collected": 12,
        "alreadySeen": 3,
        "duplicates": 1,
        "deferred": 3,
        "rejected": 0,
        "bytes": 1234567,
        "pages": 31,
        "requests": 2,
        "throttled": 0,
    }


def _wait(check: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Not in {_PATIENCE:.0f} s: {what}")
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port
