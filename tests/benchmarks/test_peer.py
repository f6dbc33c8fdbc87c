"""The operator beside its peers: what is counted, what is called behind, and when a process is at rest."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from benchmarks.contenders import Contender, ours
from benchmarks.peer import SCHEDULES, Cost, Turn, areas, counted, in_turn
from benchmarks.processes import cpu_of
from benchmarks.rest import STILL, NeverAtRest, at_rest


def turn(wall: float, *, megabytes: float = 100, writes: int = 5 * SCHEDULES, writes_again: int = 0) -> Turn:
    new = Cost(wall=wall, cpu=wall / 2, megabytes=megabytes, writes=writes)
    return Turn(new=new, again=replace(new, writes=writes_again))


def verdicts(**turns: list[Turn]) -> dict[str, bool]:
    return {check.what.partition(", ")[2]: check.met for area in areas(turns) for check in area.checks}


@contextmanager
def process(script: str) -> Iterator[int]:
    """Run *script* until the block is left; it has begun when it says something, or has ended."""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as running:
        try:
            assert running.stdout
            running.stdout.readline()
            yield running.pid
        finally:
            running.kill()


def test_events_leases_and_reads_are_no_writes():
    asked = [
        "create /api/v1/namespaces/a/serviceaccounts",
        "patch /apis/bannette.io/v1alpha1/namespaces/a/collectionchannels/c/status",
        "create /apis/events.k8s.io/v1/namespaces/a/events",
        "update /apis/coordination.k8s.io/v1/namespaces/a/leases/operator",
        "list /apis/batch/v1/jobs",
    ]
    assert counted(asked) == asked[:2]


def test_who_is_slower_larger_or_writes_more_is_behind():
    behind = verdicts(
        ours=[turn(11, megabytes=101, writes=5001, writes_again=1)],
        other=[turn(1)],
        closest=[turn(10, writes=5000)],
    )
    assert len(behind) == 6
    assert not any(behind.values())


def test_who_is_equal_is_not_behind_whatever_the_others_do():
    level = verdicts(ours=[turn(10)], other=[turn(1, megabytes=1, writes=1)], closest=[turn(10)])
    assert len(level) == 6
    assert all(level.values())


def test_each_peer_has_its_row_and_its_ratios():
    new, _ = areas({"Bannette": [turn(10)], "K8up": [turn(20)], "VolSync": [turn(40, writes=7000)]})
    assert [row[0] for row in new.rows] == ["Bannette", "K8up", "VolSync", "Bannette / K8up", "Bannette / VolSync"]
    assert [row[1] for row in new.rows] == ["10.00", "20.00", "40.00", "0.50 x", "0.25 x"]
    assert new.rows[2][4] == "7.00"


def test_everyone_is_first_once():
    contenders = [replace(ours(), name=name) for name in "abc"]

    def names(some: list[Contender]) -> str:
        return "".join(one.name for one in some)

    assert [names(in_turn(contenders, number)) for number in range(4)] == ["abc", "bca", "cab", "abc"]


def test_a_process_is_at_rest_since_it_last_used_cpu():
    with process("import time\nprint(flush=True)\nwhile time.process_time() < 1: pass\ntime.sleep(60)") as pid:
        since = at_rest(pid, done=lambda: True, seconds=60)
        assert cpu_of(pid) >= 0.9
    assert since <= time.monotonic() - STILL


@pytest.mark.parametrize(
    ("script", "done", "why"),
    [
        ("print(flush=True)\nwhile True: pass", True, "rest"),
        ("import time; print(flush=True); time.sleep(60)", False, "rest"),
        ("", True, "ended"),
    ],
    ids=["busy", "work undone", "ended"],
)
def test_a_process_is_never_at_rest(script: str, done: bool, why: str):
    with process(script) as pid, pytest.raises(NeverAtRest, match=why):
        at_rest(pid, done=lambda: done, seconds=3)
