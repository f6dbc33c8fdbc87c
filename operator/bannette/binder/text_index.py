"""The words and facts of a binder's documents, in a file of this machine: a cache, made from the binder, again if lost.

The binder itself has no database: it may lie in a bucket, or on a file system where SQLite's locks don't work.
Imported by those who search; sqlite3 isn't small.

Source: SQLite, FTS5.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from bannette.binder.binder import Binder
from bannette.binder.records import Record
from bannette.binder.waiting import Waiting
from bannette.errors import PersonNeeded

_VERSION: Final = 3
# The number of a document is when it was collected, so that the words' own order is the newest first. What pages are
# chosen by lies apart from the records, which are ten times as large.
_SCHEMA: Final = f"""
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT UNIQUE NOT NULL,
    amendment INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    withheld INTEGER NOT NULL,
    channel TEXT NOT NULL,
    type TEXT NOT NULL
);
CREATE INDEX of_state ON documents (withheld, waiting, number);
CREATE INDEX of_channel ON documents (channel, number);
CREATE INDEX of_type ON documents (type, number);
CREATE TABLE records (number INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(name, folder, invoice, text, tokenize = "unicode61 remove_diacritics 2");
PRAGMA user_version = {_VERSION};
"""
_AT_ONCE: Final = 8
_BATCH: Final = 256
_PATIENCE: Final = 60.0
# In characters of one document; beyond them nobody searches.
_MOST_TEXT: Final = 2_000_000
_EXCERPT_WORDS: Final = 12
_OF_ALL: Final = "SELECT record, '', number, waiting FROM documents"
_OF_WORDS: Final = (
    "SELECT record, snippet(words, 3, ?, ?, '…', ?), number, waiting "
    "FROM words CROSS JOIN documents ON number = words.rowid"
)
_SNIPPET: Final = "snippet(words, 3, ?, ?, '…', ?)"
#: What stands around the words that were found in an excerpt.
BEGIN, END = "\x02", "\x03"
#: Where its transactions are kept, beside the file.
COMPANIONS: Final = ("-journal", "-wal", "-shm")


@dataclass(frozen=True)
class Hit:
    """A document with the words; *excerpt* is where they are, with BEGIN and END around them."""

    record: Record
    excerpt: str
    number: int = 0
    waiting: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which documents are wanted; a withheld duplicate never is, since its files are those of another.

    Attributes:
        waiting: in the inbox, or done; None: either.
        channel: its name.
        types: media types; one that ends in ``/`` is all that begin with it.
        since, until: when it was collected; *until* itself isn't meant.
        terms: as for ``TextIndex.find``.
    """

    waiting: bool | None = None
    channel: str | None = None
    types: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    terms: Sequence[str] = ()


class TextIndex:
    """An open index; to be closed. For one thread at a time.

    Args:
        beside_writer: readers don't wait for a writer, nor it for them; on this machine's own disks only.

    Raises, as all its methods do:
        sqlite3.DatabaseError: the file is damaged: remove it, with its COMPANIONS.
        PersonNeeded: IndexUnwritable.
    """

    def __init__(self, path: Path, *, beside_writer: bool = False) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Before SQLite makes it for everybody: it holds the text of documents.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise PersonNeeded(
                f"The search index {path} can't be written ({error.strerror}): name another folder with --index.",
                reason="IndexUnwritable",
            ) from error
        self._file = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        if beside_writer:
            self._file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")
        self._prepare()

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return int(self._file.execute("SELECT count(*) FROM documents").fetchone()[0])

    def update(
        self,
        binder: Binder,
        progress: Callable[[int, int], None],
        *,
        waiting: Waiting | None = None,
        noted: Callable[[], Mapping[str, bool]] = dict,
    ) -> None:
        """Add what was collected or read again since the last time, and remove what is gone.

        Args:
            progress: told how many are added of how many.
            waiting: what waits, if that was looked up just now.
            noted: asked at each write what ``note`` was told since then.

        Raises: PersonNeeded, Transient: as the store's operations do.
        """
        latest = binder.amendment_numbers()
        there = {document: latest.get(document, 0) for document in binder.ids()}
        waiting = binder.waiting() if waiting is None else waiting
        with self._transaction():
            known = dict(self._file.execute("SELECT id, amendment FROM documents"))
            for document, amendment in known.items():
                if there.get(document) != amendment:
                    self._remove(document)
            self._note_waiting(waiting)
            self._note_all(noted())
        new = {document for document, amendment in there.items() if known.get(document) != amendment}
        total = len(new)
        # The newest of the inbox first: they are looked for most.
        first = (name[9:] for name in waiting.newest(limit=len(waiting)))
        queue = [document for document in first if document in new]
        queue += sorted(new.difference(queue))
        done = 0
        with ThreadPoolExecutor(_AT_ONCE) as readers:
            for batch in _batches(queue):
                found = list(readers.map(lambda document: _read(binder, document, there[document]), batch))
                with self._transaction():
                    for record, text in filter(None, found):
                        self._add(record, text, amendment=there[record.id], waiting=record.id in waiting)
                    self._note_all(noted())
                done += len(batch)
                progress(done, total)

    def find(self, terms: Iterable[str], *, waiting: bool | None = None) -> Iterator[Hit]:
        """Yield the documents that have all of *terms*, best first; *waiting*: in the inbox, or done.

        A term is a word, or several that follow each other; one that ends in ``*`` is the beginning of a word. Case
        and accents make no difference.
        """
        state, values = ("", ()) if waiting is None else ("AND waiting = ? ", (int(waiting),))
        rows = self._file.execute(
            f"SELECT record, {_SNIPPET}, number, waiting FROM words JOIN documents ON number = words.rowid "  # noqa: S608 - constants
            f"JOIN records USING (number) WHERE words MATCH ? {state}ORDER BY rank, number DESC",
            (BEGIN, END, _EXCERPT_WORDS, _expression(terms), *values),
        )
        yield from map(_hit, rows)

    def page(self, wanted: Wanted, *, below: int | None = None, limit: int) -> list[Hit]:
        """Return the newest of what is *wanted*, at most *limit*; of those numbered *below*, if given."""
        conditions, values = _conditions(wanted, below)
        head: tuple[object, ...]
        if wanted.terms:
            # In this order the words are gone through from the newest document on, and only as far as needed.
            source, head, order = _OF_WORDS, (BEGIN, END, _EXCERPT_WORDS), "words.rowid"
            conditions, values = ["words MATCH ?", *conditions], [_expression(wanted.terms), *values]
        else:
            source, head, order = _OF_ALL, (), "number"
        rows = self._file.execute(
            f"{source} JOIN records USING (number) WHERE {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT ?",
            (*head, *values, limit),
        )
        return [_hit(row) for row in rows]

    def channels(self) -> list[str]:
        """Return the names of the channels that documents came by."""
        return [row[0] for row in self._file.execute("SELECT DISTINCT channel FROM documents ORDER BY channel")]

    def note(self, document: str, *, waiting: bool) -> None:
        """Note that *document* is in the inbox, or done; nothing if it isn't known."""
        self._file.execute("UPDATE documents SET waiting = ? WHERE id = ?", (int(waiting), document))

    def _note_all(self, noted: Mapping[str, bool]) -> None:
        for document, waits in noted.items():
            self.note(document, waiting=waits)

    def _prepare(self) -> None:
        version = self._file.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError("of another version")
        if version == 0:
            try:
                self._file.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            except sqlite3.OperationalError:
                # Another search has made it meanwhile.
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")

    def _note_waiting(self, waiting: Waiting) -> None:
        changed = [
            (int(document in waiting), document)
            for document, noted in self._file.execute("SELECT id, waiting FROM documents")
            if (document in waiting) != bool(noted)
        ]
        self._file.executemany("UPDATE documents SET waiting = ? WHERE id = ?", changed)

    def _add(self, record: Record, text: str, *, amendment: int, waiting: bool) -> None:
        number = _number_of(record)
        values = (record.id, amendment, int(waiting), int(record.withheld), record.channel.name, record.media_type)
        insert = (
            "INSERT INTO documents (number, id, amendment, waiting, withheld, channel, type) VALUES (?,?,?,?,?,?,?)"
        )
        if self._file.execute("SELECT 1 FROM documents WHERE id = ?", (record.id,)).fetchone():
            return  # Another search was faster.
        while self._file.execute("SELECT 1 FROM documents WHERE number = ?", (number,)).fetchone():
            number += 1
        self._file.execute(insert, (number, *values))
        members = json.dumps(record.to_dict(), ensure_ascii=False)
        self._file.execute("INSERT INTO records (number, record) VALUES (?, ?)", (number, members))
        if not record.withheld:
            invoice = record.invoice
            said = (invoice.number, invoice.date, invoice.seller, invoice.total) if invoice else ()
            self._file.execute(
                "INSERT INTO words (rowid, name, folder, invoice, text) VALUES (?, ?, ?, ?, ?)",
                (number, record.name, record.folder, " ".join(filter(None, said)), text[:_MOST_TEXT]),
            )

    def _remove(self, document: str) -> None:
        row = self._file.execute("SELECT number FROM documents WHERE id = ?", (document,)).fetchone()
        if row:
            self._file.execute("DELETE FROM words WHERE rowid = ?", row)
            self._file.execute("DELETE FROM records WHERE number = ?", row)
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


def _hit(row: tuple[str, str, int, int]) -> Hit:
    record, excerpt, number, waiting = row
    return Hit(Record.parse(record.encode()), " ".join(excerpt.split()), number, bool(waiting))


def _conditions(wanted: Wanted, below: int | None) -> tuple[list[str], list[object]]:
    found: list[tuple[str, Sequence[object]]] = [("withheld = 0", ())]
    if wanted.waiting is not None:
        found.append(("waiting = ?", (int(wanted.waiting),)))
    if wanted.channel is not None:
        found.append(("channel = ?", (wanted.channel,)))
    if wanted.types:
        # "0" is what follows "/" in the order of letters.
        each = [
            ("type >= ? AND type < ?", (one, f"{one[:-1]}0")) if one[-1:] == "/" else ("type = ?", (one,))
            for one in wanted.types
        ]
        found.append((f"({' OR '.join(one for one, _ in each)})", [value for _, values in each for value in values]))
    # Of the column that the order is by, so that SQLite goes no further.
    column = "words.rowid" if wanted.terms else "number"
    if wanted.since is not None:
        found.append((f"{column} >= ?", (_first_number(wanted.since),)))
    if wanted.until is not None:
        found.append((f"{column} < ?", (_first_number(wanted.until),)))
    if below is not None:
        found.append((f"{column} < ?", (below,)))
    return [condition for condition, _ in found], [value for _, values in found for value in values]


def _first_number(at: datetime) -> int:
    return int(at.timestamp() * 1000) << 12


def _number_of(record: Record) -> int:
    return _first_number(record.collected_at) | int(record.id[:3], 16)


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
