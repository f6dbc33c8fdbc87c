"""``bannette binder verify``: whether a binder is whole, and what interrupted runs left in it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from bannette.binder.findings import Damage, Findings, Leftover, Tally
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification
from bannette.cli.binders import binder_location, existing_store
from bannette.cli.output import print_data, print_members, print_table, size_text
from bannette.cli.stages import Stages
from bannette.errors import ExitCode

_MEANING: Final[Mapping[Damage, str]] = {
    Damage.MARKER_MISSING: "binder.json is gone: is this the whole folder or bucket? Restore it from a backup.",
    Damage.MARKER_UNREADABLE: "binder.json can't be read: restore it from a backup.",
    Damage.RECORD_UNREADABLE: "These records can't be read: restore them from a backup.",
    Damage.RECORD_MISPLACED: "These records aren't those of their keys or items: restore them from a backup.",
    Damage.RECORD_MISSING: "Processed, but without a record, so they would be collected again: restore the records.",
    Damage.FIRST_MISSING: "They repeat documents that have no record: restore those records from a backup.",
    Damage.FILE_MISSING: "Files are gone: restore them from a backup, or say what retention removed: --files-since.",
    Damage.FILE_WRONG_SIZE: "Files have another size than was delivered: restore them from a backup.",
    Damage.FILE_CHANGED: "Originals have other bytes than were delivered: restore them from a backup.",
    Damage.INBOX_ENTRY_MISSING: "Neither in the inbox nor processed, so nobody sees them: --repair puts them back.",
    Damage.CLAIM_MISSING: "The same bytes would be delivered once more: --repair puts their claims back.",
    Damage.STATE_UNREADABLE: "A channel's state can't be read: its next run uses an older one, or walks anew.",
    Damage.REVISION_MISSING: "A channel's states have a gap: somebody removed one; its next run goes on from the last.",
    Damage.REPORT_UNREADABLE: "Reports of runs can't be read: `bannette history` leaves them out.",
}
_LEFT: Final[Mapping[Leftover, str]] = {
    Leftover.FILES: "files of documents that no record names",
    Leftover.INBOX_ENTRIES: "inbox entries without a document that waits",
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
            "Removed": f"{findings.removed:,} files, by retention" if findings.removed else None,
            "Recent": f"{findings.recent:,} objects that a run may be writing" if findings.recent else None,
        }
    )
    for kind, tally in findings.repaired.items():
        print(f"\nRepaired: {kind.value}, {tally.count:,}")
        _print_ids(tally)
    for kind, tally in findings.damage.items():
        print(f"\nDamage: {kind.value}, {tally.count:,}. {_MEANING[kind]}")
        _print_ids(tally)
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


def _print_ids(tally: Tally) -> None:
    for which in tally.ids:
        print(f"  {which}")
    if tally.count > len(tally.ids):
        print("  …")


def _gone(tally: Tally | None) -> str:
    return f"{tally.count:,}" if tally else "-"


def _data(findings: Findings, swept: Mapping[Leftover, Tally] | None) -> dict[str, object]:
    return {
        "whole": not findings.damage,
        "records": findings.records,
        "files": findings.files,
        "bytes": findings.size,
        "waiting": findings.waiting,
        "removed": findings.removed,
        "recent": findings.recent,
        "damage": _tallies(findings.damage),
        "repaired": _tallies(findings.repaired),
        "leftovers": _tallies(findings.leftovers),
        "swept": None if swept is None else _tallies(swept),
    }


def _tallies(tallies: Mapping[Damage, Tally] | Mapping[Leftover, Tally]) -> dict[str, object]:
    return {
        kind.value: {"count": tally.count, "bytes": tally.size, "ids": tally.ids} for kind, tally in tallies.items()
    }
