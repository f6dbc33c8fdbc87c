"""1,000 channels beside 1,000 schedules of other operators, one after the other on one API server.

Counts of writes are from the API server's audit log. Nothing runs at a schedule's hour, for there is no node.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bannette.controller.names import Kind
from benchmarks.contenders import Contender, install_peers, k8up, ours, volsync
from benchmarks.plan import Plan, say
from benchmarks.processes import cpu_of, megabytes_of
from benchmarks.report import Area, Check, at_most, ratio, spread
from benchmarks.rest import STILL, at_rest, each
from devcluster.apiserver import ApiServer
from tests.controller.cluster import WRITES, Cluster, Json, install_rights
from tests.controller.tenant import Tenant

SCHEDULES = 1000
_PER_NAMESPACE = 50
_PATIENCE = 300.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one start of an operator cost, until it was at rest: wall and CPU seconds, memory in 10^6 bytes."""

    wall: float
    cpu: float
    megabytes: float
    writes: int


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One operator's turn: it starts and finds everything new; it starts again and finds nothing changed."""

    new: Cost
    again: Cost


def measure(plan: Plan) -> list[Area]:
    say("peer: building the peers, if they aren't yet (2 to 10 minutes)")
    contenders = [ours(), k8up(), volsync()]
    turns: dict[str, list[Turn]] = {one.name: [] for one in contenders}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for number in range(plan.pairs):
            with server_for(contenders, Path(name, str(number))) as bench:
                for contender in in_turn(contenders, number):
                    turn = bench.turn(contender, SCHEDULES)
                    turns[contender.name].append(turn)
                    say(f"peer: pair {number + 1} of {plan.pairs}, {contender.name}: {turn.new}, again {turn.again}")
    return areas(turns)


def in_turn(contenders: Sequence[Contender], number: int) -> list[Contender]:
    """Return them in another order for each *number*, so that the same one isn't always first."""
    first = number % len(contenders)
    return [*contenders[first:], *contenders[:first]]


def counted(requests: Iterable[str]) -> list[str]:
    """Return those of *requests* ("verb path") that write something but an Event or a Lease."""
    return [
        one for one in requests if one.partition(" ")[0] in WRITES and "/events" not in one and "/leases" not in one
    ]


@contextmanager
def server_for(contenders: Iterable[Contender], folder: Path) -> Iterator[_Bench]:
    """Run an API server that knows the kinds of all *contenders*, with its log and theirs in a new *folder*."""
    folder.mkdir()
    audit = folder / "audit.log"
    with ApiServer(audit_log=audit, arguments={"max-requests-inflight": "800"}) as server:
        for contender in contenders:
            for manifest in contender.definitions:
                server.kubectl("apply", "--server-side", "-f", str(manifest))
        server.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        cluster = Cluster(server, audit)
        install_rights(cluster)
        install_peers(cluster)
        yield _Bench(cluster, folder)


class _Bench:
    """An API server on which one contender after the other has its turn."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._starts = itertools.count(1)

    def turn(self, contender: Contender, schedules: int) -> Turn:
        """Give *contender* so many resources, measure it, and leave nothing of it to those after it.

        Raises: NeverAtRest: it didn't settle all of them.
        """
        numbers = range(schedules // _PER_NAMESPACE)
        tenants = [Tenant(self._cluster, f"{_prefix(contender)}{number}") for number in numbers]
        each(contender.prepare, tenants)
        names = [f"schedule-{number}" for number in range(_PER_NAMESPACE)]
        each(lambda pair: contender.add(*pair), itertools.product(tenants, names))
        turn = Turn(new=self._start(contender, schedules), again=self._start(contender, schedules))
        # The others watch the whole cluster, so these would be in their memory.
        for kind in contender.kinds:
            each(partial(self._clear, kind), tenants)
        return turn

    def _start(self, contender: Contender, schedules: int) -> Cost:
        folder = self._folder / f"{_prefix(contender)}{next(self._starts)}"
        folder.mkdir()
        position = self._cluster.audit_position()
        program = contender.start(self._cluster, folder)
        began = time.monotonic()
        with program as running:
            ended = at_rest(running.pid, done=lambda: self._is_done(contender, schedules), seconds=_PATIENCE)
            cpu, megabytes = cpu_of(running.pid), megabytes_of(running.pid)
        writes = counted(self._cluster.requests_of(contender.user, since=position))
        return Cost(wall=ended - began, cpu=cpu, megabytes=megabytes, writes=len(writes))

    def _is_done(self, contender: Contender, schedules: int) -> bool:
        resources = self.found(contender, contender.kind)
        if len(resources) < schedules or not all(map(contender.is_settled, resources)):
            return False
        return all(len(self.found(contender, kind)) >= schedules for kind in contender.children)

    def found(self, contender: Contender, kind: Kind) -> list[Json]:
        """Return all of *kind* that there is in the namespaces of *contender*."""
        items: list[Json] = self._cluster.request("GET", kind.path(None))["items"]
        return [one for one in items if one["metadata"]["namespace"].startswith(_prefix(contender))]

    def _clear(self, kind: Kind, tenant: Tenant) -> None:
        for body in self._cluster.list(kind, tenant.namespace):
            if body["metadata"].get("finalizers"):
                without = {"metadata": {"finalizers": None}}
                self._cluster.patch(kind, tenant.namespace, body["metadata"]["name"], without)
        self._cluster.request("DELETE", kind.path(tenant.namespace), {"propagationPolicy": "Background"})
        left = self._cluster.list(kind, tenant.namespace)
        if left:
            raise RuntimeError(f"{len(left)} {kind.plural} of {tenant.namespace} can't be removed.")


def _prefix(contender: Contender) -> str:
    return f"for-{contender.name.lower()}-"


def areas(turns: Mapping[str, Sequence[Turn]]) -> list[Area]:
    """Return the two tables; of *turns* the first are ours, the last those of the peer whose task is closest to it."""
    title = f"{SCHEDULES:,} channels beside {SCHEDULES:,} schedules of other operators"
    new = _area("peer", f"{title}: all are new", {name: [one.new for one in some] for name, some in turns.items()})
    new.notes += [
        "For a channel Bannette makes a ServiceAccount, Role, RoleBinding and CronJob, and for twenty of them the Job "
        "of the first run; it first asks for what the channel names.",
        "For a ReplicationSource VolSync (rclone mover) makes a ServiceAccount, Role, RoleBinding and, at once, a Job: "
        "as many children, though the hours are kept by its own process.",
        "For a Schedule K8up (one backup a day) makes nothing before the hour, which its own process keeps: it writes "
        "a condition and a finalizer.",
    ]
    again = _area(
        "peer-restart",
        f"{title}: a start with nothing changed",
        {name: [one.again for one in some] for name, some in turns.items()},
    )
    again.notes += [
        f"From the start of the process until it uses no CPU for {STILL} s and all statuses are as they should be. "
        "Writes are all but those of Events and Leases, also such as change nothing or are refused as out of date.",
        "VolSync's and Bannette's first Jobs are still unfinished then, since no node runs them. Where the machine is "
        "so slow that this lasts 45 s, Bannette says so in the statuses of these twenty channels, one write each.",
    ]
    return [new, again]


def _area(key: str, title: str, costs: Mapping[str, Sequence[Cost]]) -> Area:
    (own, ours), *peers = costs.items()
    ratios = [(name, _Ratios.of(ours, theirs)) for name, theirs in peers]
    name, closest = ratios[-1]
    what = f"{SCHEDULES:,} channels, {'new' if key == 'peer' else 'started again'}"
    written, theirs_written = ours[-1].writes, peers[-1][1][-1].writes
    return Area(
        key=key,
        title=title,
        command="--only peer",
        header=["", "wall s", "CPU s", "most memory MB", "writes for each"],
        rows=[
            *(_row(name, some) for name, some in costs.items()),
            *(
                [f"{own} / {name}", f"{one.wall:.2f} x", f"{one.cpu:.2f} x", f"{one.megabytes:.2f} x", ""]
                for name, one in ratios
            ),
        ],
        checks=[
            at_most(f"{what}: wall to {name}'s", 1, closest.wall, "x"),
            at_most(f"{what}: memory to {name}'s", 1, closest.megabytes, "x"),
            Check(
                what=f"{what}: writes to {name}'s",
                target=f"≤ {theirs_written:,}",
                measured=f"{written:,}",
                met=written <= theirs_written,
            ),
        ],
    )


@dataclass(frozen=True, kw_only=True)
class _Ratios:
    wall: float
    cpu: float
    megabytes: float

    @classmethod
    def of(cls, ours: Sequence[Cost], theirs: Sequence[Cost]) -> _Ratios:
        return cls(
            wall=ratio([one.wall for one in ours], [one.wall for one in theirs]),
            cpu=ratio([one.cpu for one in ours], [one.cpu for one in theirs]),
            megabytes=ratio([one.megabytes for one in ours], [one.megabytes for one in theirs]),
        )


def _row(name: str, costs: Sequence[Cost]) -> list[str]:
    return [
        name,
        spread([one.wall for one in costs]),
        spread([one.cpu for one in costs]),
        spread([one.megabytes for one in costs], 0),
        spread([one.writes / SCHEDULES for one in costs]),
    ]
