"""One file of 2 GB, against `rclone copy` of it."""

from __future__ import annotations

import json
import os
import sys

from benchmarks.copying import Copied, copy
from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.processes import run
from benchmarks.rclone import VERSION
from benchmarks.report import Area, at_least, at_most, ratio, spread
from benchmarks.workplace import Collected, Workplace

_SIZE = 2_000_000_000


def measure(plan: Plan) -> list[Area]:
    area = Area(
        key="large",
        command="--only large",
        title="One file of 2 GB, its quickXorHash compared with OneDrive's",
        header=["", "MB/s", "wall s", "CPU s", "memory MB", "simulator's CPU s"],
    )
    ours: list[Collected] = []
    theirs: list[Copied] = []
    with OneDrive("empty") as onedrive:
        onedrive.control.create("/large.bin", generate=(1, _SIZE))
        steps = [_steps(onedrive) for _ in range(plan.pairs)]
        for number in range(plan.pairs):
            with Workplace(onedrive) as workplace:
                ours.append(workplace.collect())
            if ours[-1].count("bytes") != _SIZE:
                raise RuntimeError(f"The file wasn't collected: {ours[-1].entry}")
            theirs.append(copy(onedrive))
            if theirs[-1].size != _SIZE:
                raise RuntimeError(f"The file wasn't copied: {theirs[-1]}")
            walls = f"ours {ours[-1].reader.cost.wall:.1f} s, rclone {theirs[-1].reader.cost.wall:.1f} s"
            say(f"large: pair {number + 1} of {plan.pairs}: {walls}")
    names = ("bannette collect, fsync on", f"rclone {VERSION} copy, no fsync")
    readers = [[run.reader for run in ours], [run.reader for run in theirs]]
    for name, runs in zip(names, readers, strict=True):
        area.rows.append(
            [
                name,
                spread([_SIZE / 1e6 / reader.cost.wall for reader in runs], 0),
                spread([reader.cost.wall for reader in runs], 1),
                spread([reader.cost.cpu for reader in runs], 1),
                spread([reader.cost.megabytes for reader in runs], 0),
                spread([reader.simulator_cpu for reader in runs], 1),
            ]
        )
    throughput = ratio([run.reader.cost.wall for run in theirs], [run.reader.cost.wall for run in ours])
    area.rows.append(["ours / rclone", f"{throughput:.2f} x", "", "", "", ""])
    area.checks = [
        at_least("one file of 2 GB, throughput to rclone's", 0.95, throughput, "x"),
        at_most("one file of 2 GB, memory", 150, max(run.reader.cost.megabytes for run in ours), "MB"),
    ]
    alone = ", ".join(f"{name} {spread([run[name] for run in steps], 1)} s" for name in steps[0])
    area.notes = [
        "Beside quickXorHash ours takes SHA-256 of every byte, by which duplicates are known, and waits until the file "
        "is on the disk. Reader and simulator share the machine's cores, so this compares CPU more than throughput: on "
        "a line that carries less than the slower of the two, both are as fast as the line.",
        f"Each step of the bytes' way alone, in the pieces that ours takes, CPU but for the disk: {alone}.",
    ]
    return [area]


def _steps(onedrive: OneDrive) -> dict[str, float]:
    token = str(onedrive.control.sign_in()["access_token"])
    command = [sys.executable, "-m", "benchmarks.steps", f"{onedrive.origin}/v1.0/me/drive/root:/large.bin", token]
    output, _ = run(command, environment={**os.environ, **onedrive.environment})
    return {str(name): float(seconds) for name, seconds in json.loads(output).items()}
