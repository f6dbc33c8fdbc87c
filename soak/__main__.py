"""``python -m soak``: kill ``bannette collect`` under load, and print one line."""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path

from soak import figures
from soak.campaign import Campaign, Outcome
from soak.places import Place, places


def main() -> int:
    arguments = _arguments()
    shares = _shares(arguments.kills, arguments.workers)
    with (
        tempfile.TemporaryDirectory(prefix="soak-", dir=arguments.folder) as folder,
        places(arguments.store, Path(folder)) as place_of,
        ProcessPoolExecutor(len(shares)) as workers,
    ):
        campaigns = [
            workers.submit(
                _campaign,
                Path(folder) / str(number),
                place_of(number),
                kills=share,
                minutes=arguments.minutes,
                seed=arguments.seed * 1000 + number,
            )
            for number, share in enumerate(shares)
        ]
        outcome = reduce(add, [campaign.result() for campaign in campaigns])
    line = (
        f"{arguments.store} store: {outcome.documents} documents, {outcome.kills} kills, {outcome.lost} lost, "
        f"{outcome.twice} twice, {outcome.seconds:.0f} seconds"
    )
    print(line)
    command = f"python -m soak --kills {arguments.kills} --store {arguments.store} --seed {arguments.seed}"
    if arguments.minutes < math.inf:
        command += f" --minutes {arguments.minutes:g}"
    figures.write(arguments.store, arguments.seed, outcome, command=command)
    return 1 if outcome.lost or outcome.twice else 0


def _campaign(folder: Path, place: Place, *, kills: int, minutes: float, seed: int) -> Outcome:
    folder.mkdir()
    return Campaign(folder, place, kills=kills, seconds=minutes * 60, seed=seed).run()


def _shares(kills: int, workers: int) -> list[int]:
    return [kills // workers + (number < kills % workers) for number in range(min(workers, kills))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="kill no more after so long")
    parser.add_argument("--store", choices=["local", "s3"], default="local", help="where the binder lies")
    parser.add_argument("--seed", type=int, default=1, help="of what the client does and when runs are killed")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at the same time, each with a drive")
    parser.add_argument("--folder", type=Path, help="for what the campaign leaves while it lasts (default: /tmp)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
