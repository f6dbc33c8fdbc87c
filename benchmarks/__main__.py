"""``python -m benchmarks``: what runs cost; ``make bench`` runs it and writes benchmarks/figures.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import bucket, first, large, pod, quiet, reading, walk
from benchmarks.plan import Plan, say
from benchmarks.report import Area, save

_AREAS: dict[str, Callable[[Plan], Area | list[Area]]] = {
    "quiet": quiet.measure,
    "first": first.measure,
    "large": large.measure,
    "walk": walk.measure,
    "bucket": bucket.measure,
    "reading": reading.measure,
    "pod": pod.measure,
}
# Needs root and a quarter of an hour, to build the images and the cluster.
_OPT_IN = {"pod"}


def main() -> int:
    options = _parser().parse_args()
    plan = Plan(pairs=options.pairs, items=options.items)
    for name in options.only:
        say(f"{name} begins")
        measured = _AREAS[name](plan)
        page = save(measured if isinstance(measured, list) else [measured])
    print(page.read_text())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=lambda text: _names(text),
        default=[name for name in _AREAS if name not in _OPT_IN],
        metavar="AREA[,AREA…]",
        help=f"of {', '.join(_AREAS)} (default: all but {', '.join(_OPT_IN)}); the figures of the others stay",
    )
    parser.add_argument("--pairs", type=int, default=Plan.pairs, help="runs of each thing that is compared (default 5)")
    parser.add_argument("--items", type=int, default=Plan.items, help="in the drive that is walked (default 1000000)")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _AREAS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(_AREAS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
