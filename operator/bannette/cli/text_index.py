"""The words of a binder's documents, in a file of this machine: a cache, made from the binder and made again if lost.

The binder itself has no database: it may lie in a bucket, or on a file system where SQLite's locks don't work.

Source: SQLite, FTS5.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bannette.binder import Binder, Record
from bannette.errors import PersonNeeded

_VERSION: Final = 2
_SCHEMA: Final = f"""
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT UNIQUE NOT NULL,
    amendment INTEGER NOT NULL,
    collected TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5(name, folder, invoice, text, tokenize = "unicode61 remove_diacritics 2");
PRAGMA user_version = {_VERSION};
"""
_AT_ONCE: Final = 8
_BATCH: Final = 256
_PATIENCE: Final = 60.0
# In characters of one document; beyond them nobody searches.
_MOST_TEXT: Final = 2_000_000
_EXCERPT_WORDS: Final = 12
#: What stands around the words that were found in an excerpt.
BEGIN, END = "\x02", "\x03"


@dataclass(frozen=True)
class Hit:
    """A document with the words; *excerpt* is where they are, with BEGIN and END around them."""

    record: Record
    excerpt: str


class TextIndex:
    """An open index; to be closed.

    Raises, as all its methods do:
        sqlite3.DatabaseError: the file is damaged: remove it.
        PersonNeeded: IndexUnwritable.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Before SQLite makes it for everybody: it holds the text of documents.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise PersonNeeded(
                f"The search index {path} can't be written ({error.strerror}): name another folder with --index.",
                reason="IndexUnwritable",
            ) from error
        self._file = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        self._prepare()

    def close(self) -> None:
        self._file.close()

    def update(self, binder: Binder, progress: Callable[[int, int], None]) -> None:
        """Add what was collected or read again since the last time, and remove what is gone.

        *progress* is told how many are added of how many.

        Raises: PersonNeeded, Transient: as the store's operations do.
        """
        latest = binder.amendment_numbers()
        there = {document: latest.get(document, 0) for document in binder.ids()}
        with self._transaction():
            known = dict(self._file.execute("SELECT id, amendment FROM documents"))
            for document, amendment in known.items():
                if there.get(document) != amendment:
                    self._remove(document)
        new, done = sorted(document for document, amendment in there.items() if known.get(document) != amendment), 0
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            for batch in _batches(new):
                found = list(readers.map(lambda document: _read(binder, document, there[document]), batch))
                with self._transaction():
                    for record, text in filter(None, found):
                        self._add(record, text, amendment=there[record.id])
                done += len(batch)
                progress(done, len(new))

    def find(self, terms: Iterable[str]) -> Iterator[Hit]:
        """Yield the documents that have all of *terms*, best first.

        A term is a word, or several that follow each other; one that ends in ``*`` is the beginning of a word. Case
        and accents make no difference.
        """
        rows = self._file.execute(
            "SELECT record, snippet(words, 3, ?, ?, '…', ?) FROM words JOIN documents ON number = words.rowid "
            "WHERE words MATCH ? ORDER BY rank, collected DESC",
            (BEGIN, END, _EXCERPT_WORDS, _expression(terms)),
        )
        for record, excerpt in rows:
            yield Hit(Record.parse(record.encode()), " ".join(excerpt.split()))

    def _prepare(self) -> None:
        with self._transaction():
            version = self._file.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError("of another version")
        if version == 0:
            with suppress(sqlite3.OperationalError):  # Another search is making it.
                self._file.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")

    def _add(self, record: Record, text: str, *, amendment: int) -> None:
        members = json.dumps(record.to_dict(), ensure_ascii=False)
        added = self._file.execute(
            "INSERT OR IGNORE INTO documents (id, amendment, collected, record) VALUES (?, ?, ?, ?)",
            (record.id, amendment, record.collected_at.isoformat(), members),
        )
        if added.rowcount and not record.withheld:
            invoice = record.invoice
            said = (invoice.number, invoice.date, invoice.seller, invoice.total) if invoice else ()
            self._file.execute(
                "INSERT INTO words (rowid, name, folder, invoice, text) VALUES (?, ?, ?, ?, ?)",
                (added.lastrowid, record.name, record.folder, " ".join(filter(None, said)), text[:_MOST_TEXT]),
            )

    def _remove(self, document: str) -> None:
        row = self._file.execute("SELECT number FROM documents WHERE id = ?", (document,)).fetchone()
        if row:
            self._file.execute("DELETE FROM words WHERE rowid = ?", row)
            self._file.execute("DELETE FROM documents WHERE number = ?", row)

    def _transaction(self) -> _Transaction:
        return _Transaction(self._file)


class _Transaction:
    """One transaction that writes, from its beginning: two searches wait for each other."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def __enter__(self) -> None:
        self._file.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.execute("COMMIT" if kind is None else "ROLLBACK")


def _read(binder: Binder, document: str, amendment: int) -> tuple[Record, str] | None:
    """Return the record and the text of *document*; None when it can't be read: it is looked at again next time."""
    record = binder.readable_record(document, amended=amendment > 0)
    if record is None:
        return None
    return record, "" if record.withheld else binder.text_of(record) or ""


def _batches(documents: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(documents)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _expression(terms: Iterable[str]) -> str:
    """Return *terms* in the language of FTS5, in which anything between quotes is words."""
    return " AND ".join(
        '"{}"{}'.format(term.rstrip("*").replace('"', '""'), "*" if term.endswith("*") else "") for term in terms
    )
