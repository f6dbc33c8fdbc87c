"""``bannette inbox``: what waits for data entry."""

from __future__ import annotations

import argparse

from bannette.binder import Binder, Location, Record, address
from bannette.cli.binders import binder_location, open_binder
from bannette.cli.output import print_data, print_members, print_table, size_text

# As much of an id as a person needs to type, and some more.
_SHORT = 12


def run(arguments: argparse.Namespace) -> int:
    location = binder_location(arguments)
    binder = open_binder(location)
    match arguments.verb:
        case "list":
            _list(binder, arguments.output)
        case "show":
            _show(binder, location, arguments.ids[0], arguments.output)
        case "done":
            _done(binder, arguments.ids, arguments.output)
    return 0


def _list(binder: Binder, form: str) -> None:
    # Entries are in the order of their days.
    records = sorted(
        (entry.record for entry in binder.inbox()), key=lambda one: (one.collected_at, one.folder, one.name)
    )
    if form != "table":
        print_data([record.to_dict() for record in records], form)
        return
    if not records:
        print("The inbox is empty.")
        return
    rows = [
        (
            record.id[:_SHORT],
            f"{record.collected_at:%Y-%m-%d %H:%M}",
            record.media_type,
            size_text(record.size),
            _reading(record),
            record.folder,
            record.name,
        )
        for record in records
    ]
    print_table(("ID", "COLLECTED", "TYPE", "SIZE", "READING", "FOLDER", "NAME"), rows)


def _show(binder: Binder, location: Location, wanted: str, form: str) -> None:
    record = binder.record(wanted)
    text = binder.text(record.id)
    if form != "table":
        print_data({**record.to_dict(), "text": text}, form)
        return
    print_members(
        {
            "Id": record.id,
            "Name": record.name,
            "Folder": record.folder,
            "Type": record.media_type,
            "Size": size_text(record.size),
            "Modified": record.modified_at and f"{record.modified_at:%Y-%m-%d %H:%M} UTC",
            "Collected": f"{record.collected_at:%Y-%m-%d %H:%M} UTC",
            "Company": record.company,
            "Recipient": record.recipient,
            "Channel": f"{record.channel.namespace}/{record.channel.name}",
            "Reading": _reading(record),
            "Read by": record.ocr.engine,
            "Languages": ", ".join(record.ocr.languages),
            "Confidence": record.ocr.confidence and f"{record.ocr.confidence:.0f} of 100{_doubts(record)}",
            "Turned": ", ".join(f"page {page} by {degrees}°" for page, degrees in record.ocr.rotation.items()),
            "Invoice": _invoice(record),
            "Verified": None if record.verified else "no: OneDrive's description of the file differs from its content",
            "Repeats": record.duplicate_of,
            "Part of": record.parent,
            **{f"File ({role})": address(location, key) for role, key in record.files.items()},
        }
    )
    print(f"\n{text.strip()}" if text and text.strip() else "\nNo text was read.")


def _done(binder: Binder, wanted: list[str], form: str) -> None:
    # All are looked up first: with one wrong id nothing is changed.
    ids = [binder.record(one).id for one in wanted]
    records = [binder.mark_done(one) for one in ids]
    if form != "table":
        print_data([record.to_dict() for record in records], form)
        return
    for record in records:
        print(f"{record.id[:_SHORT]} is done.")


def _doubts(record: Record) -> str:
    words, unsure = record.ocr.words, record.ocr.unsure_words
    return "" if words is None or unsure is None else f", {unsure:,} of {words:,} words below 60"


def _invoice(record: Record) -> str | None:
    said = record.invoice
    if said is None:
        return None
    total = " ".join(filter(None, (said.total, said.currency)))
    return ", ".join(filter(None, (said.number, said.date, said.seller, total, said.profile)))


def _reading(record: Record) -> str:
    pages = record.ocr.pages
    counted = f", {pages} {'page' if pages == 1 else 'pages'}" if pages else ""
    return f"{record.ocr.outcome.value}{f' ({record.ocr.reason})' if record.ocr.reason else ''}{counted}"
