"""What was measured: kept in benchmarks/figures.json by area, shown by the page benchmarks/figures.md."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_DATA = Path(__file__).with_name("figures.json")
_PAGE = Path(__file__).with_name("figures.md")
_INTRODUCTION = """\
# What runs cost

Written by `make bench`; what each part does is in [docs/figures.md](../docs/figures.md).
Each figure is the median of the runs, with the least and the most behind it. CPU is user and system time of the whole
process and its children, memory the most that one process had resident (MB of 10^6 bytes), both by the kernel's account
of the finished process. Where two things are compared they ran in turn, and the ratio is the median of the ratios pair
by pair. "Load" is the number of processes that wanted a CPU in the minute before: what else ran on the machine.
"""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A target and what came of it."""

    what: str
    target: str
    measured: str
    met: bool


def at_most(what: str, limit: float, value: float, unit: str) -> Check:
    """Return the check that *value* isn't above *limit*."""
    return _check(what, "≤", limit, value, unit, met=value <= limit)


def at_least(what: str, limit: float, value: float, unit: str) -> Check:
    """Return the check that *value* isn't below *limit*."""
    return _check(what, "≥", limit, value, unit, met=value >= limit)


def _check(what: str, sign: str, limit: float, value: float, unit: str, *, met: bool) -> Check:
    measured = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    target = f"{limit:,.0f}" if limit >= 100 else f"{limit:g}"
    return Check(what=what, target=f"{sign} {target} {unit}", measured=f"{measured} {unit}", met=met)


@dataclass(kw_only=True)
class Area:
    """One part of the page.

    Attributes:
        command: options of ``python -m benchmarks`` that measure it again.
        header, rows: the table. notes: paragraphs below it.
    """

    key: str
    title: str
    command: str
    header: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    measured: str = ""

    def __post_init__(self) -> None:
        if not self.measured:
            self.measured = _circumstances()


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median of *values*, and the least and the most of them."""
    middle, least, most = statistics.median(values), min(values), max(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({least:,.{digits}f}–{most:,.{digits}f})"


def ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios pair by pair."""
    return statistics.median(own / other for own, other in zip(ours, others, strict=True))


def save(areas: Sequence[Area]) -> Path:
    """Put *areas* in the place of what was measured of them before; return the page."""
    known: dict[str, object] = json.loads(_DATA.read_text()) if _DATA.exists() else {}
    known.update({area.key: asdict(area) for area in areas})
    _DATA.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    _PAGE.write_text(_rendered([_area(row) for row in known.values()]))
    return _PAGE


def _area(row: object) -> Area:
    assert isinstance(row, dict)
    return Area(**{**row, "checks": [Check(**check) for check in row["checks"]]})


def _rendered(areas: Sequence[Area]) -> str:
    lines = [_INTRODUCTION, "| target | wanted | measured | |", "|---|---|---|---|"]
    for area in areas:
        for check in area.checks:
            verdict = "met" if check.met else "**missed**"
            lines.append(f"| {check.what} | {check.target} | {check.measured} | {verdict} |")
    for area in areas:
        lines += [
            "",
            f"## {area.title}",
            f"`python -m benchmarks {area.command}`; {area.measured}",
            "",
        ]
        lines += [_table_row(area.header), _table_row(["---"] * len(area.header)), *map(_table_row, area.rows)]
        for note in area.notes:
            lines += ["", note]
    return "\n".join(lines) + "\n"


def _table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _circumstances() -> str:
    processors = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in processors if "model name" in line), platform.machine())
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    linux = platform.release().partition("-")[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({cpu}), {gigabytes:.0f} GB, "
        f"Linux {linux}, Python {platform.python_version()}; load {os.getloadavg()[0]:.1f} before."
    )
