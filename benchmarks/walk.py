"""A walk of a large drive from its start, all of it collected already; then one new document in it."""

from __future__ import annotations

import statistics
import time

from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.report import Area, at_least, at_most, ratio, spread
from benchmarks.seeded import seed
from benchmarks.workplace import Collected, Workplace

_PER_FOLDER = 200
_FEW = 1_000


def measure(plan: Plan) -> list[Area]:
    """Walk the drive, then add documents to it, and to a small one beside it."""
    walk = Area(
        key="walk",
        title="A walk from the start, everything collected already, the binder a folder",
        header=["items", "items/s", "wall s", "CPU s", "memory MB", "Graph requests", "simulator's CPU s"],
        command=f"--only walk --items {plan.items}",
    )
    large, small = (OneDrive(f"generate:{files}x200B/{_PER_FOLDER}") for files in (plan.items, _FEW))
    with large, small, Workplace(large) as of_large, Workplace(small) as of_small:
        say(f"walk: the simulator holds {plan.items:,} files after {large.seconds_to_start:.0f} s")
        started = time.monotonic()
        seed(of_large.binder, drive=large.drive, files=plan.items, per_folder=_PER_FOLDER)
        seed(of_small.binder, drive=small.drive, files=_FEW, per_folder=_PER_FOLDER)
        say(f"walk: their records are in the binder after {time.monotonic() - started:.0f} s")
        of_small.collect()
        runs = _walks(of_large, plan)
        new = _new_documents({_FEW: (small, of_small), plan.items: (large, of_large)}, plan)
        walk.notes = [
            f"The simulator had {large.megabytes:,.0f} MB for {plan.items:,} files, "
            f"and served them {large.seconds_to_start:.0f} s after its start."
        ]
    rates = [plan.items / run.reader.cost.wall for run in runs]
    memory = [run.reader.cost.megabytes for run in runs]
    walk.rows.append(
        [
            f"{plan.items:,}",
            spread(rates, 0),
            spread([run.reader.cost.wall for run in runs], 1),
            spread([run.reader.cost.cpu for run in runs], 1),
            spread(memory, 0),
            spread([run.reader.requests for run in runs], 0),
            spread([run.reader.simulator_cpu for run in runs], 1),
        ]
    )
    walk.checks = [
        at_least(f"walk of {plan.items:,} items, local store", 4000, statistics.median(rates), "items/s"),
        at_most(f"walk of {plan.items:,} items, memory", 300, max(memory), "MB"),
    ]
    return [walk, new]


def _walks(workplace: Workplace, plan: Plan) -> list[Collected]:
    """Walk as often as is planned, of more than 200,000 items once: that takes minutes."""
    times = plan.pairs if plan.items <= 200_000 else 1
    runs = []
    for number in range(times):
        workplace.forget()
        runs.append(workplace.collect())
        if runs[-1].count("alreadySeen") != plan.items or runs[-1].reader.downloads:
            raise RuntimeError(f"The walk should have known everything: {runs[-1].entry}")
        say(f"walk: {number + 1} of {times}: {plan.items / runs[-1].reader.cost.wall:,.0f} items/s")
    return runs


def _new_documents(drives: dict[int, tuple[OneDrive, Workplace]], plan: Plan) -> Area:
    area = Area(
        key="new",
        title="One new document",
        header=["files in the drive", "wall s", "CPU s", "memory MB", "Graph requests", "downloads"],
        command=f"--only walk --items {plan.items}",
    )
    runs: dict[int, list[Collected]] = {files: [] for files in drives}
    for number in range(plan.pairs):
        for files, (onedrive, workplace) in drives.items():
            onedrive.control.create(f"/folder-00000/new-{number}.bin", generate=(10**9 + number, 20_000))
            runs[files].append(workplace.collect())
            if runs[files][-1].count("collected") != 1:
                raise RuntimeError(f"One document should have been collected: {runs[files][-1].entry}")
        walls = ", ".join(f"{files:,} files {runs[files][-1].reader.cost.wall:.2f} s" for files in runs)
        say(f"new: pair {number + 1} of {plan.pairs}: {walls}")
    for files, collected in runs.items():
        area.rows.append(
            [
                f"{files:,}",
                spread([run.reader.cost.wall for run in collected]),
                spread([run.reader.cost.cpu for run in collected]),
                spread([run.reader.cost.megabytes for run in collected], 0),
                spread([run.reader.requests for run in collected], 0),
                spread([run.reader.downloads for run in collected], 0),
            ]
        )
    few, many = runs.values()
    of_wall = ratio([run.reader.cost.wall for run in many], [run.reader.cost.wall for run in few])
    of_cpu = ratio([run.reader.cost.cpu for run in many], [run.reader.cost.cpu for run in few])
    area.rows.append([f"{plan.items:,} / {_FEW:,}", f"{of_wall:.2f} x", f"{of_cpu:.2f} x", "", "", ""])
    what = f"one new document, a drive of {plan.items:,} to one of {_FEW:,}"
    area.checks = [at_most(f"{what}, wall", 1.2, of_wall, "x"), at_most(f"{what}, CPU", 1.2, of_cpu, "x")]
    return area
