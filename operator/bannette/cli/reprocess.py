"""``bannette reprocess``: reads documents again that are in the binder already."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bannette import ocr
from bannette.binder import Binder, OcrFacts, OcrOutcome, Record
from bannette.cli.binders import open_binder
from bannette.cli.output import print_data, print_table
from bannette.collector import ResourceFiles
from bannette.collector.capacity import capacity
from bannette.collector.passwords import passwords_in
from bannette.collector.reading import reading_limits, tessdata_of
from bannette.collector.reprocessing import UNREAD, Reprocessed, Reprocessing, Result, chosen
from bannette.errors import PersonNeeded

_SHORT: Final = 12
_DAMAGED: Final = 4


def run(arguments: argparse.Namespace) -> int:
    files = ResourceFiles.load(arguments.files)
    channel = files.channel(arguments.channel)
    resource = files.binder(channel.namespace, channel.binder)
    binder = open_binder(files.storage(resource))
    if not channel.ocr.enabled:
        raise PersonNeeded(
            "spec.ocr.enabled of the channel is false, so nothing would be read: set it to true.", reason="Disabled"
        )
    ocr.check_languages(channel.ocr.languages, tessdata=tessdata_of(channel.ocr))
    limits = reading_limits(channel.ocr)
    secret = channel.ocr.passwords_secret
    reprocessing = Reprocessing(
        binder,
        settings=channel.ocr,
        limits=limits,
        passwords=passwords_in(files.secret(channel.namespace, secret), secret) if secret else (),
        at_once=capacity(scratch=Path(tempfile.gettempdir()), limits=limits).recognitions,
        on_duplicate=resource.on_duplicate.value,
        announced=resource.events is not None,
        force=arguments.force,
    )
    done: list[Reprocessed] = []

    def ended(one: Reprocessed) -> None:
        done.append(one)
        if sys.stderr.isatty():
            print(f"bannette: {len(done):,} read, the last one: {one.result}", file=sys.stderr)

    reprocessing.run(_records(binder, arguments), ended=ended)
    _print(done, arguments.output)
    return _DAMAGED if any(one.result is Result.DAMAGED for one in done) else 0


def _records(binder: Binder, arguments: argparse.Namespace) -> Iterator[Record]:
    """Return the records that *arguments* name.

    Raises: PersonNeeded: Usage, NoSuchDocument, AmbiguousId, Duplicate.
    """
    outcomes = [OcrOutcome(name) for name in arguments.outcomes] or (sorted(UNREAD) if arguments.failed else [])
    if bool(arguments.ids) == bool(outcomes):
        raise PersonNeeded("Name documents by their ids, or choose them by --failed or --outcome.", reason="Usage")
    if outcomes:
        return chosen(binder, outcomes)
    records = {record.id: record for record in map(binder.record, arguments.ids)}
    for record in records.values():
        if record.withheld:
            raise PersonNeeded(
                f"{record.id} repeats {record.duplicate_of} and has no files of its own: reprocess that one.",
                reason="Duplicate",
            )
    return iter(records.values())


def _print(done: list[Reprocessed], form: str) -> None:
    if form != "table":
        print_data(
            [
                {
                    "id": one.record.id,
                    "result": one.result.value,
                    "before": one.record.ocr.to_dict(),
                    "after": one.after and one.after.to_dict(),
                    "parts": one.parts,
                }
                for one in done
            ],
            form,
        )
        return
    if not done:
        print("There is nothing to read again.")
        return
    rows = [
        (one.record.id[:_SHORT], _outcome(one.record.ocr), _outcome(one.after), f"{one.result}{_with_parts(one)}")
        for one in done
    ]
    print_table(("ID", "BEFORE", "AFTER", "RESULT"), rows)


def _outcome(facts: OcrFacts | None) -> str:
    if facts is None:
        return ""
    return f"{facts.outcome.value}{f' ({facts.reason})' if facts.reason else ''}"


def _with_parts(one: Reprocessed) -> str:
    return f", {one.parts} documents inside it" if one.parts else ""
