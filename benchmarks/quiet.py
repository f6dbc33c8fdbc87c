"""A day on which nothing is new: a drive of 100 files against one of 100,000."""

from __future__ import annotations

import statistics

from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.report import Area, Check, at_most, ratio, spread
from benchmarks.seeded import seed
from benchmarks.workplace import Collected, Workplace

_FEW, _MANY, _PER_FOLDER = 100, 100_000, 200


def measure(plan: Plan) -> list[Area]:
    area = Area(
        key="quiet",
        command="--only quiet",
        title="A quiet day",
        header=["files in the drive", "CPU s", "wall s", "memory MB", "Graph requests"],
    )
    runs: dict[int, list[Collected]] = {_FEW: [], _MANY: []}
    few, many = (OneDrive(f"generate:{files}x200B/{_PER_FOLDER}") for files in (_FEW, _MANY))
    with few, many, Workplace(few) as of_few, Workplace(many) as of_many:
        for files, onedrive, workplace in ((_FEW, few, of_few), (_MANY, many, of_many)):
            say(f"quiet: the drive of {files:,} files is collected already")
            seed(workplace.binder, drive=onedrive.drive, files=files, per_folder=_PER_FOLDER)
            first = workplace.collect()
            if first.count("alreadySeen") != files:
                raise RuntimeError(f"The first walk should have known {files} files: {first.entry}")
        for number in range(plan.pairs):
            for files, workplace in ((_FEW, of_few), (_MANY, of_many)):
                runs[files].append(workplace.collect())
            costs = ", ".join(f"{files:,} files {runs[files][-1].reader.cost.cpu:.2f} s CPU" for files in runs)
            say(f"quiet: pair {number + 1} of {plan.pairs}: {costs}")
    for files, collected in runs.items():
        area.rows.append(
            [
                f"{files:,}",
                spread([run.reader.cost.cpu for run in collected]),
                spread([run.reader.cost.wall for run in collected]),
                spread([run.reader.cost.megabytes for run in collected], 0),
                spread([run.reader.requests for run in collected], 0),
            ]
        )
    cpu = {files: [run.reader.cost.cpu for run in collected] for files, collected in runs.items()}
    wall = {files: [run.reader.cost.wall for run in collected] for files, collected in runs.items()}
    of_cpu, of_wall = ratio(cpu[_MANY], cpu[_FEW]), ratio(wall[_MANY], wall[_FEW])
    area.rows.append([f"{_MANY:,} / {_FEW}", f"{of_cpu:.2f} x", f"{of_wall:.2f} x", "", ""])
    requests = max(run.reader.requests for run in runs[_MANY])
    memory = max(run.reader.cost.megabytes for run in runs[_MANY])
    area.checks = [
        Check(what="quiet day, Graph requests", target="1", measured=str(requests), met=requests == 1),
        at_most("quiet day of 100,000 files, CPU", 0.6, statistics.median(cpu[_MANY]), "s"),
        at_most("quiet day of 100,000 files, memory", 80, memory, "MB"),
        at_most("quiet day, CPU of 100,000 files to 100", 1.1, of_cpu, "x"),
    ]
    return [area]
