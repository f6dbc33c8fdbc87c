"""The first collection of the sample documents, which are read."""

from __future__ import annotations

from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.report import Area, spread
from benchmarks.workplace import Workplace


def measure(plan: Plan) -> list[Area]:
    runs = []
    with OneDrive("samples") as onedrive:
        for number in range(plan.pairs):
            with Workplace(onedrive, ocr=True) as workplace:
                runs.append(workplace.collect())
            say(f"reading: {number + 1} of {plan.pairs}: {runs[-1].reader.cost.wall:.1f} s")
    return [
        Area(
            key="reading",
            command="--only reading",
            title="The first collection of the samples, OCR on",
            header=["documents", "pages", "CPU s", "wall s", "memory of the largest process MB"],
            rows=[
                [
                    str(runs[0].count("collected")),
                    str(runs[0].count("pages")),
                    spread([run.reader.cost.cpu for run in runs]),
                    spread([run.reader.cost.wall for run in runs]),
                    spread([run.reader.cost.megabytes for run in runs], 0),
                ]
            ],
        )
    ]
