"""How commands print what is wrong with a binder: by kind, with what to do, and the ids of the first documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from bannette.binder.findings import Damage, Leftover, Tally

Kind = TypeVar("Kind", Damage, Leftover)

_MEANING: Final[Mapping[Damage, str]] = {
    Damage.MARKER_MISSING: "binder.json is gone: is this the whole folder or bucket? Restore it from a backup.",
    Damage.MARKER_UNREADABLE: "binder.json can't be read: restore it from a backup.",
    Damage.RECORD_UNREADABLE: "These records can't be read: restore them from a backup.",
    Damage.RECORD_MISPLACED: "These records aren't those of their keys or items: restore them from a backup.",
    Damage.RECORD_MISSING: "Processed, but without a record, so they would be collected again: restore the records.",
    Damage.RECORDS_LOST: "Runs recorded more documents than there are records: restore the others from a backup.",
    Damage.FIRST_MISSING: "They repeat documents that have no record: restore those records from a backup.",
    Damage.FILE_MISSING: "Files are gone: restore them from a backup, or say what retention removed: --files-since.",
    Damage.FILE_WRONG_SIZE: "Files have another size than was delivered: restore them from a backup.",
    Damage.FILE_CHANGED: "Originals have other bytes than were delivered: restore them from a backup.",
    Damage.INBOX_ENTRY_MISSING: "Neither in the inbox nor processed, so nobody sees them: --repair puts them back.",
    Damage.CLAIM_MISSING: "The same bytes would be delivered once more: --repair puts their claims back.",
    Damage.STATE_UNREADABLE: "A channel's state can't be read: its next run uses an older one, or walks anew.",
    Damage.REVISION_MISSING: "A channel's states have a gap: somebody removed one; its next run goes on from the last.",
    Damage.AMENDMENT_UNREADABLE: "What was read later can't be read: remove it, and `bannette reprocess` the document.",
    Damage.REPORT_UNREADABLE: "Reports of runs can't be read: `bannette history` leaves them out.",
}


def print_damage(tallies: Mapping[Damage, Tally]) -> None:
    for kind, tally in tallies.items():
        print(f"\nDamage: {kind.value}, {tally.count:,}. {_MEANING[kind]}")
        print_ids(tally)


def print_ids(tally: Tally) -> None:
    for which in tally.ids:
        print(f"  {which}")
    if tally.count > len(tally.ids):
        print("  …")


def tallies_data(tallies: Mapping[Kind, Tally]) -> dict[str, object]:
    """Return *tallies* for JSON and YAML."""
    return {
        kind.value: {"count": tally.count, "bytes": tally.size, "ids": tally.ids} for kind, tally in tallies.items()
    }
