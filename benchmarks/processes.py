"""Runs a program to its end and says what it cost, by the kernel's own account of the finished process."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a program cost.

    Attributes:
        cpu: seconds, user and system, of the process and of the children that it waited for.
        wall: seconds. megabytes: the most memory that one process of them had (10^6 bytes, resident).
    """

    cpu: float
    wall: float
    megabytes: float


class ProgramFailed(Exception):
    """A measured program didn't end well, so there is nothing to measure."""


def run(command: Sequence[str | Path], *, environment: Mapping[str, str]) -> tuple[str, Cost]:
    """Run *command* to its end; return what it wrote to standard output, and its cost.

    This process must stay smaller than those that it measures: a new process is charged with its parent's memory.

    Raises:
        ProgramFailed: its exit code isn't 0.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(
            command, env={**environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, text=True
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise ProgramFailed(f"{command[0]} ended with {process.returncode}: {errors.read()[-2000:]}")
        # The kernel counts in kB of 1,024 bytes.
        cost = Cost(cpu=used.ru_utime + used.ru_stime, wall=wall, megabytes=used.ru_maxrss * 1024 / 1e6)
        return output.read(), cost


def cpu_of(pid: int) -> float:
    """The CPU seconds that a running process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def megabytes_of(pid: int) -> float:
    """The most memory that a running process has had, in 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
