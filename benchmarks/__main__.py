"""``python -m benchmarks``: what runs cost; ``make bench`` runs it and writes benchmarks/figures.md."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable

from benchmarks.plan import Plan, say
from benchmarks.report import Area, save

# Modules of this package; the last one needs root, for images and a cluster.
_AREAS = (
    "quiet",
    "first",
    "large",
    "walk",
    "reading",
    "recognition",
    "search",
    "inbox",
    "bucket",
    "channels",
    "console",
    "peer",
    "pod",
)
_USUAL = _AREAS if os.geteuid() == 0 else _AREAS[:-1]


def main() -> int:
    options = _parser().parse_args()
    plan = Plan(pairs=options.pairs, items=options.items)
    for name in options.only:
        say(f"{name} begins")
        # Only now: a measured process is charged with what this one has in memory when it starts.
        measure: Callable[[Plan], list[Area]] = importlib.import_module(f"benchmarks.{name}").measure
        page = save(measure(plan))
    print(page.read_text())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=_names,
        default=_USUAL,
        metavar="AREA[,AREA…]",
        help=f"of {', '.join(_AREAS)} (default: all; the last one for root alone); the figures of the others stay",
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
