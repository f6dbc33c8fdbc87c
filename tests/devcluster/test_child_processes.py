"""Children end with us, and say why they ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devcluster import processes
from devcluster.errors import DevclusterError
from devcluster.layout import start_ticks
from devcluster.processes import free_ports, start, wait_until

ROOT = Path(__file__).parents[2]
STARTS_A_SLEEPER = """
import sys, threading
from pathlib import Path
from devcluster.processes import start
# From a thread that ends: only the end of the process may end the child.
thread = threading.Thread(target=lambda: print(start("sleep", ["sleep", "600"], log=Path(sys.argv[1])).popen.pid))
thread.start(); thread.join()
sys.stdout.flush(); sys.stdin.read()
"""


def test_a_child_ends_when_we_are_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_A_SLEEPER, str(tmp_path / "log")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert start_ticks(child) is not None
        parent.kill()
    wait_until(lambda: start_ticks(child) is None, what="the child ended", seconds=60)


def test_a_child_that_ends_too_early_is_quoted(tmp_path: Path) -> None:
    child = start("sh", ["sh", "-c", "echo the port is taken; exit 3"], log=tmp_path / "sh.log")
    with pytest.raises(DevclusterError, match=r"(?s)sh ended with exit code 3 before it was ready.*the port is taken"):
        wait_until(lambda: False, what="it was ready", seconds=60, needs=[child])


def test_what_does_not_come_is_named() -> None:
    with pytest.raises(DevclusterError, match="in vain: the moon is blue"):
        wait_until(lambda: False, what="the moon is blue", seconds=0.1)


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(20))) == 20


def test_a_free_port_is_given_to_one_process_alone_though_nothing_listens_there_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A few of our own: tests run side by side.
    first = 11_000 + 10 * (os.getpid() % 800)
    monkeypatch.setattr(processes, "PORTS", range(first, first + 10))
    ours = free_ports(5)
    others = f"from devcluster import processes as p; p.PORTS = range({first}, {first + 10}); print(*p.free_ports(5))"
    command = [sys.executable, "-c", others]
    theirs = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {*ours}.isdisjoint(map(int, theirs))
