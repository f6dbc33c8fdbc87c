"""benchmarks/soak.md: one row for each store and seed, renewed by each campaign with them."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from soak.campaign import Outcome

TARGET = Path(__file__).resolve().parent.parent / "benchmarks" / "soak.md"
_HEAD = """\
# Kills

Made by `make soak`: the real `bannette collect` is killed by SIGKILL at a random moment, again and
again, while a client creates, renames, moves, edits, copies, uploads again and deletes files, moves folders
with all that is in them out of the watched folder and back, and OneDrive forgets its cursors now and then. One run in
four has a second one beside it. At the end one run is left alone, and everything is read and compared with what lay in
the drive.

Lost: files in the watched folder that have no record, records that went away, originals with other bytes than the
client's, documents that the inbox doesn't list; in campaigns since 2026-11-29 also those that a failing sink of events
wasn't told of, or was told of before they were collected. Twice: items with two records, bytes delivered twice,
documents that the inbox lists twice.

The operator is killed too, by `BANNETTE_OPERATOR_KILLS=200 pytest tests/controller/test_kills.py -k random`: again and
again after 0.3 to 2.5 seconds, while somebody asks for a run of one of six channels and changes the time of another.
No request was run twice, no Job made twice, no run stood in the history twice, and in the end each channel had its
children, and its last request was acknowledged (200 kills, 499 seconds, 2026-11-29, 2 shared cores, Python 3.11.7).

| store | seed | documents | kills | lost | twice | ended before the kill | seconds | made by | on |
|---|---|---|---|---|---|---|---|---|---|
"""


def write(store: str, seed: int, outcome: Outcome, *, command: str) -> None:
    """Put the row of *store* and *seed* in place of the last one."""
    rows = [row for row in _rows() if not row.startswith(f"| {store} | {seed} |")]
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} shared cores, Python {platform.python_version()}"
    rows.append(
        f"| {store} | {seed} | {outcome.documents:,} | {outcome.kills:,} | {outcome.lost} | {outcome.twice} "
        f"| {outcome.survived:,} | {outcome.seconds:,.0f} | `{command}` | {machine} |"
    )
    TARGET.write_text(_HEAD + "\n".join(sorted(rows)) + "\n", encoding="utf-8")


def _rows() -> list[str]:
    if not TARGET.exists():
        return []
    lines = TARGET.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith("| store |")]
