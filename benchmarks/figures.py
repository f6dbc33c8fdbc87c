"""What runs cost: ``make bench`` measures and writes benchmarks/figures.md.

Each figure is the median of several runs of the real `bannette collect` process. The simulator runs in this process,
not in the measured one; CPU and peak memory are what the kernel says of the finished process and its children.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simulator.testing import Simulator

_RUNS = 5
_TARGET = Path(__file__).with_name("figures.md")
_SAMPLE = Path(__file__).resolve().parent.parent / "manifests" / "samples" / "local.yaml"


@dataclass(frozen=True)
class Cost:
    """What one process cost: CPU and wall in seconds, the largest process of its tree in MB, Graph requests."""

    cpu: float
    wall: float
    megabytes: float
    requests: int
    collected: int


def main() -> None:
    rows = [
        ("quiet run, 10 files in the folder", _quiet(10)),
        ("quiet run, 20,000 files in the drive", _quiet(20_000)),
        ("first run, 1,000 files of 20 kB, OCR off", _first("generate:1000x20kB/200", ocr=False)),
        ("first run, the samples (6 documents, 4 of them pictures), OCR on", _first("samples", ocr=True)),
    ]
    lines = [
        "# Figures",
        "",
        "Made by `make bench`: medians of 5 runs of the whole `bannette collect` process against the simulator on the "
        "same machine.",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}. The machine is "
        "shared: compare the rows with each other.",
        "",
        "| what | CPU s | wall s | largest process MB | Graph requests | collected |",
        "|---|---|---|---|---|---|",
    ]
    for name, costs in rows:
        middle = [statistics.median(values) for values in zip(*[_values(cost) for cost in costs], strict=True)]
        cpu, wall, megabytes, requests, collected = middle
        lines.append(f"| {name} | {cpu:.2f} | {wall:.2f} | {megabytes:.0f} | {requests:.0f} | {collected:.0f} |")
    _TARGET.write_text("\n".join(lines) + "\n")
    print(_TARGET.read_text())


def _quiet(files: int) -> list[Cost]:
    """Collect once, then measure runs that find nothing new."""
    with Simulator(f"generate:{files}x200B/200") as simulator, _Workplace(simulator, ocr=False) as workplace:
        workplace.collect()
        return [workplace.collect() for _ in range(_RUNS)]


def _first(content: str, *, ocr: bool) -> list[Cost]:
    """Measure first runs, each into a new binder."""
    costs = []
    with Simulator(content) as simulator:
        for _ in range(_RUNS):
            with _Workplace(simulator, ocr=ocr) as workplace:
                costs.append(workplace.collect())
    return costs


class _Workplace:
    """A folder with a channel that watches the whole drive."""

    def __init__(self, simulator: Simulator, *, ocr: bool) -> None:
        self._simulator = simulator
        self._ocr = ocr

    def __enter__(self) -> _Workplace:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        channel = _SAMPLE.read_text().replace("    folder: /Factures\n", "")
        if not self._ocr:
            channel = channel.replace("ocr: {languages", "ocr: {enabled: false, languages")
        (self._folder / "acme.yaml").write_text(channel)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def collect(self) -> Cost:
        command = [str(Path(sys.executable).with_name("bannette")), "collect", "-f", str(self._folder / "acme.yaml")]
        environment = {**os.environ, **self._simulator.environment, "XDG_STATE_HOME": str(self._folder / "state")}
        self._simulator.control.reset_counters()
        started = time.monotonic()
        output, cpu, megabytes = _measured(
            lambda: subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        )
        entry = json.loads(output.splitlines()[-1])
        counted = self._simulator.control.counters()["requests"]
        graph = ("drive", "item", "children", "delta", "content")
        requests = sum(int(counted.get(kind, 0)) for kind in graph) if isinstance(counted, dict) else 0
        return Cost(cpu, time.monotonic() - started, megabytes, requests, entry["collected"])


def _measured(start: Callable[[], subprocess.Popen[str]]) -> tuple[str, float, float]:
    """Run a process to its end; return its output, its tree's CPU seconds, its largest process's peak MB."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # a parent of its own, so that the kernel's accounts are of this process's tree alone
        process = start()
        output = process.communicate()[0]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        answer = json.dumps([output, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024])
        os.write(writer, answer.encode())
        os._exit(process.returncode)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"The run ended with {os.waitstatus_to_exitcode(status)}: {answer}")
    output, cpu, megabytes = json.loads(answer)
    return output, cpu, megabytes


def _values(cost: Cost) -> tuple[float, ...]:
    return (cost.cpu, cost.wall, cost.megabytes, cost.requests, cost.collected)


if __name__ == "__main__":
    main()
