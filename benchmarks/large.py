"""One file of 2 GB, against `rclone copy` of it."""

from __future__ import annotations

from benchmarks.copying import Copied, copy
from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
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
                spread([_SIZE / 1e6 / run.cost.wall for run in runs], 0),
                spread([run.cost.wall for run in runs], 1),
                spread([run.cost.cpu for run in runs], 1),
                spread([run.cost.megabytes for run in runs], 0),
                spread([run.simulator_cpu for run in runs], 1),
            ]
        )
    throughput = ratio([run.reader.cost.wall for run in theirs], [run.reader.cost.wall for run in ours])
    area.rows.append(["ours / rclone", f"{throughput:.2f} x", "", "", "", ""])
    area.checks = [
        at_least("one file of 2 GB, throughput to rclone's", 0.95, throughput, "x"),
        at_most("one file of 2 GB, memory", 150, max(run.reader.cost.megabytes for run in ours), "MB"),
    ]
    area.notes = [
        "Beside quickXorHash ours takes SHA-256 of every byte, by which duplicates are known, and waits until the file "
        "is on the disk. Reader and simulator share the machine's cores, so this compares CPU more than throughput: on "
        "a line that carries less than the slower of the two, both are as fast as the line."
    ]
    return [area]
