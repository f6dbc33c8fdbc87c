"""A walk from the start with the binder in a bucket: what is collected already is learnt by listing it."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.onedrive import OneDrive
from benchmarks.plan import Plan, say
from benchmarks.report import Area, at_least, at_most, spread
from benchmarks.seeded import seed
from benchmarks.workplace import Workplace
from tests.stores.services import BUCKET, S3_KEY, S3_SECRET, VERSITYGW, s3_gateway

_PER_FOLDER = 200
_MOST = 200_000
_SECRET = f"""\
---
apiVersion: v1
kind: Secret
metadata: {{name: store, namespace: acme}}
stringData: {{accessKeyId: {S3_KEY}, secretAccessKey: {S3_SECRET}}}
"""


def measure(plan: Plan) -> list[Area]:
    items = min(plan.items, _MOST)
    runs = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-s3-") as name,
        s3_gateway(Path(name)) as address,
        OneDrive(f"generate:{items}x200B/{_PER_FOLDER}") as onedrive,
    ):
        # The gateway's objects are the files of a folder.
        seed(Path(name) / BUCKET / "walked", drive=onedrive.drive, files=items, per_folder=_PER_FOLDER)
        say(f"bucket: the records of {items:,} files are there")
        place = f"bucket: {BUCKET}, prefix: walked, endpoint: '{address}', region: us-east-1"
        for number in range(plan.pairs):
            storage = f"{{s3: {{{place}, credentialsSecret: {{name: store}}}}}}"
            with Workplace(onedrive, storage=storage, secrets=_SECRET, name=f"walk-{number}") as workplace:
                runs.append(workplace.collect())
            if runs[-1].count("alreadySeen") != items or runs[-1].reader.downloads:
                raise RuntimeError(f"The walk should have known everything: {runs[-1].entry}")
            say(f"bucket: {number + 1} of {plan.pairs}: {items / runs[-1].reader.cost.wall:,.0f} items/s")
    rates = [items / run.reader.cost.wall for run in runs]
    memory = [run.reader.cost.megabytes for run in runs]
    return [
        Area(
            key="bucket",
            command=f"--only bucket --items {items}",
            title=f"The same walk with the binder in a bucket (versitygw {VERSITYGW})",
            header=["items", "items/s", "wall s", "CPU s", "memory MB"],
            rows=[
                [
                    f"{items:,}",
                    spread(rates, 0),
                    spread([run.reader.cost.wall for run in runs], 1),
                    spread([run.reader.cost.cpu for run in runs], 1),
                    spread(memory, 0),
                ]
            ],
            checks=[
                at_least(f"walk of {items:,} items, S3", 1500, statistics.median(rates), "items/s"),
                at_most(f"walk of {items:,} items, S3, memory", 300, max(memory), "MB"),
            ],
        )
    ]
