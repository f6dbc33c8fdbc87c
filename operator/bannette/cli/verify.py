"""``bannette binder verify``: whether a binder is whole, and what interrupted runs left in it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from bannette.binder.findings import Findings, Leftover, Tally
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification
from bannette.cli.binders import binder_location, existing_store
from bannette.cli.damage import print_damage, print_ids, tallies_data
from bannette.cli.output import print_data, print_members, print_table, size_text
from bannette.cli.stages import Stages
from bannette.errors import ExitCode

_LEFT: Final[Mapping[Leftover, str]] = {
    Leftover.FILES: "files of documents that no record names",
    Leftover.INBOX_ENTRIES: "inbox entries without a document that waits",
    Leftover.OUTBOX_ENTRIES: "outbox entries of documents that were never collected",
    Leftover.ATTEMPTS: "attempts at reading that are over",
    Leftover.STATES: "states that newer ones replaced",
    Leftover.UNFINISHED: "objects that were being written",
    Leftover.CLAIMS: "claims without a record (they stay)",
}


def run(arguments: argparse.Namespace) -> int:
    store = existing_store(binder_location(arguments))
    terms = Terms(
        content=arguments.content,
        repair=arguments.repair,
        older_than=arguments.older_than,
        files_since=arguments.files_since,
    )
    swept: Mapping[Leftover, Tally] | None = None
    with Stages("binder.verify") as stages:
        verification = Verification(store, terms, progress=stages.show)
        findings = verification.run()
        if arguments.sweep and not findings.records_in_doubt:
            sweep = Sweep(store, older_than=arguments.older_than)
            sweep.run(verification.leftovers, progress=stages.show)
            swept = sweep.swept
    if arguments.output == "table":
        _print(findings, swept, wanted=arguments.sweep)
    else:
        print_data(_data(findings, swept), arguments.output)
    return ExitCode.DAMAGED if findings.damage else ExitCode.DONE


def _print(findings: Findings, swept: Mapping[Leftover, Tally] | None, *, wanted: bool) -> None:
    print_members(
        {
            "Records": f"{findings.records:,}",
            "Files": f"{findings.files:,}, the originals {size_text(findings.size)}",
            "Waiting": f"{findings.waiting:,}",
            "Untold": f"{findings.untold:,} of which the sink of events is still to be told"
            if findings.untold
            else None,
            "Removed": f"{findings.removed:,} files, by retention" if findings.removed else None,
            "Recent": f"{findings.recent:,} objects that a run may be writing" if findings.recent else None,
        }
    )
    for kind, tally in findings.repaired.items():
        print(f"\nRepaired: {kind.value}, {tally.count:,}")
        print_ids(tally)
    print_damage(findings.damage)
    if findings.leftovers:
        gone = swept or {}
        print("\nLeft by interrupted runs, harmless:")
        rows = [
            (_LEFT[kind], f"{tally.count:,}", size_text(tally.size), _gone(gone.get(kind)))
            for kind, tally in findings.leftovers.items()
        ]
        print_table(("WHAT", "COUNT", "SIZE", "SWEPT"), rows)
    if wanted and swept is None:
        print("\nNothing was swept: with records in doubt, files without one may be all that is left of a document.")
    print(f"\n{'The binder is damaged.' if findings.damage else 'The binder is whole.'}")


def _gone(tally: Tally | None) -> str:
    return f"{tally.count:,}" if tally else "-"


def _data(findings: Findings, swept: Mapping[Leftover, Tally] | None) -> dict[str, object]:
    return {
        "whole": not findings.damage,
        "records": findings.records,
        "files": findings.files,
        "bytes": findings.size,
        "waiting": findings.waiting,
        "untold": findings.untold,
        "removed": findings.removed,
        "recent": findings.recent,
        "damage": tallies_data(findings.damage),
        "repaired": tallies_data(findings.repaired),
        "leftovers": tallies_data(findings.leftovers),
        "swept": None if swept is None else tallies_data(swept),
    }
