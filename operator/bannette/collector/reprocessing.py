"""Reads documents again that are in the binder already: what is new stands beside what is there, and amends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bannette import ocr
from bannette.binder import Binder, NewDocument, OcrFacts, OcrOutcome, Record
from bannette.collector.reading import Content, Reader
from bannette.resources import OcrSettings

#: Of these another reading may make more: another engine, a format that is read by now, a password, a higher limit.
UNREAD: Final = frozenset({OcrOutcome.FAILED, OcrOutcome.NEEDS_PASSWORD, OcrOutcome.SKIPPED, OcrOutcome.UNSUPPORTED})


class Result(StrEnum):
    """What came of reading a document again.

    Amended: it is better, and in the binder. Kept: it isn't, and what was there stays. Gone: its original was removed,
    by rules on retention. Damaged: its original isn't what was collected.
    """

    AMENDED = "Amended"
    KEPT = "Kept"
    GONE = "Gone"
    DAMAGED = "Damaged"


@dataclass(frozen=True, kw_only=True)
class Reprocessed:
    """One document that was read again; *after* is None when its original couldn't be.

    Attributes:
        parts: how many documents that were inside it came into the binder.
    """

    record: Record
    result: Result
    after: OcrFacts | None = None
    parts: int = 0


def is_better(before: OcrFacts, after: OcrFacts) -> bool:
    """Whether a reading that ended as *after* may take the place of one that ended as *before*.

    A text takes the place of none, never the other way round; of two recognitions the one with as many sure words.
    """
    if after.outcome in UNREAD:
        return False
    if before.outcome in UNREAD:
        return True
    return _sure_words(after) >= _sure_words(before)


def _sure_words(facts: OcrFacts) -> int:
    # A document's own text isn't in doubt.
    return 0 if facts.words is None else facts.words - (facts.unsure_words or 0)


class Reprocessing:
    """Reads documents again, several at once.

    Args:
        on_duplicate: what becomes of a document inside another one whose bytes were collected before; a value of
            OnDuplicate.
        announced: the next run tells the binder's sink of such a document.
        force: amend though the new reading isn't better, unless it gave nothing at all.
    """

    def __init__(
        self,
        binder: Binder,
        *,
        settings: OcrSettings,
        limits: ocr.Limits,
        passwords: tuple[str, ...],
        at_once: int,
        on_duplicate: str,
        announced: bool = False,
        force: bool = False,
    ) -> None:
        self._binder = binder
        self._settings = settings
        self._limits = limits
        self._passwords = passwords
        self._at_once = at_once
        self._on_duplicate = on_duplicate
        self._announced = announced
        self._force = force

    def run(self, records: Iterable[Record], *, ended: Callable[[Reprocessed], None]) -> None:
        """Read the documents of *records*, none of which is a withheld duplicate; *ended* is told of each.

        Raises:
            PersonNeeded, Transient: the store fails. What was amended until then stays.
        """
        with (
            closing(ocr.Detector()) as detector,
            TemporaryDirectory(prefix="bannette-") as scratch,
            ThreadPoolExecutor(self._at_once) as workers,
        ):
            reader = Reader(detector, settings=self._settings, limits=self._limits, passwords=self._passwords)
            try:
                for one in workers.map(lambda record: self._reprocess(record, reader, Path(scratch)), records):
                    ended(one)
            except BaseException:
                # Those that wait aren't begun, and those under way end at once.
                workers.shutdown(wait=False, cancel_futures=True)
                ocr.stop_all()
                raise

    def _reprocess(self, record: Record, reader: Reader, scratch: Path) -> Reprocessed:
        with TemporaryDirectory(dir=scratch) as name:
            original, workspace = Path(name, "original"), Path(name, "reading")
            match self._binder.fetch_original(record, original):
                case None:
                    return Reprocessed(record=record, result=Result.GONE)
                case False:
                    return Reprocessed(record=record, result=Result.DAMAGED)
            workspace.mkdir()
            content = reader.read(original, workspace)
            parts = reader.parts(record.id, content, workspace)
            if not (is_better(record.ocr, content.facts) or (self._force and content.files)):
                return Reprocessed(record=record, result=Result.KEPT, after=content.facts)
            outer = _as_document(record, content, original)
            for part in parts:
                new = part.as_document(outer)
                self._binder.commit(new, on_duplicate=self._on_duplicate, announced=self._announced)
            self._binder.amend(record, files=content.files, ocr=content.facts, invoice=content.invoice)
            return Reprocessed(record=record, result=Result.AMENDED, after=content.facts, parts=len(parts))


def chosen(binder: Binder, outcomes: Iterable[OcrOutcome]) -> Iterator[Record]:
    """Yield the records whose document ended as one of *outcomes*, as far as the binder's inbox would show it."""
    wanted = frozenset(outcomes)
    for record in binder.records():
        if record.ocr.outcome in wanted and not record.withheld:
            yield record


def _as_document(record: Record, content: Content, original: Path) -> NewDocument:
    """Return the collected document of *record* as one that is collected now, for what came out of it to go by."""
    return NewDocument(
        id=record.id,
        drive=record.drive,
        item=record.item,
        name=record.name,
        folder=record.folder,
        size=record.size,
        sha256=record.sha256,
        verified=record.verified,
        media_type=content.detected.media_type,
        extension=content.detected.extension,
        modified_at=record.modified_at,
        collected_at=datetime.now(UTC),
        channel=record.channel,
        run=record.run,
        recipient=record.recipient,
        binder=record.binder,
        ocr=content.facts,
        invoice=content.invoice,
        files={"original": original, **content.files},
        parent=record.parent,
    )
