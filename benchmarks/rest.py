"""When a running process has come to rest, and doing much at once meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from benchmarks.processes import cpu_of

STILL = 1.5  # seconds without CPU, after which a process is taken to have nothing left to do
_AT_ONCE = 20

T = TypeVar("T")


class NeverAtRest(Exception):
    """The process was still at work, or hadn't done its work, at the deadline."""


def at_rest(pid: int, *, done: Callable[[], bool], seconds: float) -> float:
    """Wait until the process uses no CPU and its work is *done*; return the monotonic time when it last used any.

    *done* is asked only while the process is still: asking a server would slow down what is measured.

    Raises: NeverAtRest: not within *seconds*, or the process has ended.
    """
    deadline = time.monotonic() + seconds
    last = asked = time.monotonic()
    used = cpu_of(pid)
    while time.monotonic() < deadline:
        time.sleep(0.05)
        now = cpu_of(pid)
        # Two ticks of the kernel's clock: a runtime's own timers use one now and then.
        if now > used + 0.015:
            last, used = time.monotonic(), now
        elif time.monotonic() - max(last, asked) >= STILL:
            if done():
                return last
            asked = time.monotonic()
        elif _has_ended(pid):
            raise NeverAtRest(f"Process {pid} has ended.")
    raise NeverAtRest(f"Process {pid} wasn't at rest with its work done after {seconds:.0f} s.")


def each(act: Callable[[T], object], items: Iterable[T]) -> None:
    """Do *act* with all *items*, twenty at a time.

    Raises: whatever *act* raises first.
    """
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        list(workers.map(act, list(items)))


def _has_ended(pid: int) -> bool:
    """Whether nothing is left of the process but its exit code, which nobody has asked for yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
