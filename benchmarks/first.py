"""The first collection of many small files, against `rclone copy` of the same drive."""

from __future__ import annotations

import statistics

from benchmarks.copying import Copied, copy
from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.rclone import VERSION
from benchmarks.report import Area, at_most, ratio, spread
from benchmarks.workplace import Collected, Workplace

_FILES, _FOLDERS, _SIZE = 5_000, 200, 20_000
_TRANSFERS = 16


def measure(plan: Plan) -> list[Area]:
    area = Area(
        key="first",
        command="--only first",
        title=f"The first collection of {_FILES:,} files of {_SIZE // 1000} kB in {_FOLDERS} folders, OCR off",
        header=["", "CPU ms a file", "wall s", "memory MB", "Graph requests", "downloads", "simulator's CPU ms a file"],
    )
    ours: list[Collected] = []
    theirs: list[Copied] = []
    with OneDrive(f"generate:{_FILES}x{_SIZE}B/{_FILES // _FOLDERS}") as onedrive:
        for number in range(plan.pairs):
            with Workplace(onedrive) as workplace:
                ours.append(workplace.collect())
            if ours[-1].count("collected") != _FILES:
                raise RuntimeError(f"Not everything was collected: {ours[-1].entry}")
            cost = ours[-1].reader.cost
            say(f"first: ours {number + 1} of {plan.pairs}: {cost.wall:.1f} s, {cost.cpu:.1f} s CPU")
            theirs.append(copy(onedrive, "--transfers", str(_TRANSFERS)))
            if (theirs[-1].files, theirs[-1].size) != (_FILES, _FILES * _SIZE):
                raise RuntimeError(f"Not everything was copied: {theirs[-1]}")
            say(f"first: rclone {number + 1} of {plan.pairs}: {theirs[-1].reader.cost.wall:.1f} s")
    names = ("bannette collect, fsync on", f"rclone {VERSION} copy --transfers {_TRANSFERS}, no fsync")
    readers = [[run.reader for run in ours], [run.reader for run in theirs]]
    for name, runs in zip(names, readers, strict=True):
        area.rows.append(
            [
                name,
                spread([1000 * run.cost.cpu / _FILES for run in runs]),
                spread([run.cost.wall for run in runs], 1),
                spread([run.cost.megabytes for run in runs], 0),
                spread([run.requests for run in runs], 0),
                spread([run.downloads for run in runs], 0),
                spread([1000 * run.simulator_cpu / _FILES for run in runs]),
            ]
        )
    of_wall = ratio([run.reader.cost.wall for run in ours], [run.reader.cost.wall for run in theirs])
    area.rows.append(["ours / rclone", "", f"{of_wall:.2f} x", "", "", "", ""])
    most = max(run.reader.requests + run.reader.downloads for run in ours)
    area.checks = [
        at_most(f"first collection of {_FILES:,} files, requests with downloads", _FILES + 30, most, "requests"),
        at_most(
            "first collection, CPU a file",
            3.0,
            statistics.median(1000 * run.reader.cost.cpu / _FILES for run in ours),
            "ms",
        ),
        at_most("first collection, wall to rclone's", 1.0, of_wall, "x"),
    ]
    area.notes = [
        "rclone's OneDrive backend waits 10 ms between any two requests to Graph, whatever `--transfers` is, and asks "
        "Graph once for each file's content: it can't copy more than 100 files a second. Ours takes the download "
        "addresses from the delta feed."
    ]
    return [area]
