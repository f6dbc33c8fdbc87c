"""The simulated OneDrive that a benchmark reads: a process of its own, whose CPU can be told from the reader's."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.processes import Cost, cpu_of, megabytes_of, run
from simulator.client import ControlClient
from simulator.environment import environment

_GRAPH = ("drive", "item", "children", "delta", "content")


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What a program that read the drive cost, and what it asked.

    Attributes:
        requests: to Graph, downloads apart. simulator_cpu: seconds that the other side needed meanwhile.
    """

    cost: Cost
    requests: int
    downloads: int
    simulator_cpu: float


class OneDrive:
    """A simulator that runs while the context is entered.

    Args:
        content: as for ``python -m simulator --content``.

    Attributes:
        seconds_to_start: from the start of the process until it serves, its content included.
    """

    def __init__(self, content: str) -> None:
        self._content = content

    def __enter__(self) -> OneDrive:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-onedrive-")
        started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--content", self._content, "--state-dir", self._folder.name],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        first = self._process.stdout.readline().split()
        if first[:1] != ["origin"]:
            raise RuntimeError("The simulator didn't start.")
        self.seconds_to_start = time.monotonic() - started
        self.origin = first[1]
        self.ca_file = Path(self._folder.name) / "ca.crt"
        self.control = ControlClient(self.origin, self.ca_file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead a program here."""
        return environment(self.origin, self.origin, self.ca_file)

    @property
    def cpu(self) -> float:
        """CPU seconds that the simulator has used."""
        return cpu_of(self._process.pid)

    @property
    def megabytes(self) -> float:
        """The most memory that the simulator has had."""
        return megabytes_of(self._process.pid)

    @property
    def drive(self) -> str:
        """The id of the first user's drive."""
        return str(self.control.item("/")["drive"])

    def read_by(self, command: Sequence[str | Path], *, environment: Mapping[str, str]) -> tuple[str, Reader]:
        """Run a program that reads the drive; return what it wrote to standard output, and what it cost."""
        self.control.reset_counters()
        before = self.cpu
        output, cost = run(command, environment=environment)
        simulator_cpu = self.cpu - before
        counted = self.control.counters()["requests"]
        assert isinstance(counted, dict)
        requests = sum(int(counted[kind]) for kind in _GRAPH)
        return output, Reader(
            cost=cost, requests=requests, downloads=int(counted["download"]), simulator_cpu=simulator_cpu
        )
