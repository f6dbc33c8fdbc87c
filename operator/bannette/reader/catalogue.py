"""The documents of one binder: pages of them from memory and an index, which follow the binder in the background."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bannette import logs
from bannette.binder import Binder, KnownIds, Record, Store
from bannette.binder.text_index import COMPANIONS, Hit, TextIndex
from bannette.binder.waiting import Waiting
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.reader.questions import AboutDocuments, AboutRuns
from bannette.reader.runs import RunIndex, RunPage

logger = logging.getLogger(__name__)

# So old may be what is shown; what costs a long time to look up is looked up less often.
_FRESH_SECONDS: Final = 2.0
_REST: Final = 5.0
# Whoever asks waits for a fresh look, if the last one was short.
_SHORT: Final = 0.25
_WAIT: Final = 0.5
_READERS: Final = 16
_NOBODY: Final = KnownIds(())


@dataclass(frozen=True)
class Page:
    """One page of documents.

    Attributes:
        cursor: where the next one begins; None: there is none.
        waiting: how many wait for data entry in all.
        indexed, total: how many documents are searched of how many that there are, as far as is known.
    """

    hits: list[Hit]
    cursor: str | None
    waiting: int
    indexed: int
    total: int


class Catalogue:
    """What one binder holds. Safe to use from several threads; to be closed.

    Args:
        uid: that of the Binder resource whose binder it must be.
        folder: on this machine, for its indices, which are made anew by each process.
    """

    def __init__(self, store: Store, *, uid: str, folder: Path) -> None:
        self._store = store
        self._uid = uid
        self._path = folder / "documents.sqlite"
        for name in ("", *COMPANIONS):
            self._path.with_name(f"{self._path.name}{name}").unlink(missing_ok=True)
        self._runs = RunIndex(store, folder / "runs.sqlite")
        self._binder: Binder | None = None
        self._waiting = Waiting((), _NOBODY)
        self._progress = (0, 0)
        self._complete = False
        # What was done or put back here since the last look: to True for what waits.
        self._noted: dict[str, tuple[float, bool]] = {}
        self._failure: BannetteError | None = None
        self._looked = self._lasted = 0.0
        self._looks = 0
        self._changed = threading.Condition()
        self._asked = threading.Event()
        self._ending = False
        self._idle: list[TextIndex] = []
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="record")
        self._follower = threading.Thread(target=self._follow, name="follower", daemon=True)
        self._follower.start()

    def close(self) -> None:
        self._ending = True
        self._asked.set()
        self._follower.join(timeout=10)
        self._readers.shutdown(wait=False, cancel_futures=True)
        for index in self._idle:
            index.close()
        self._runs.close()

    def page(self, about: AboutDocuments) -> Page:
        """Return a page of documents, the newest first.

        Raises: PersonNeeded, Transient: the binder can't be read.
        """
        binder = self._look()
        # Before anything is looked up: what comes while it is wasn't searched.
        indexed, total = self._progress
        if about.entry is not None or (about.plain and about.number is None and not self._complete):
            hits, cursor = self._from_entries(binder, about)
        else:
            with self._index() as index:
                hits = index.page(about.wanted, below=about.number, limit=about.limit + 1)
            cursor = str(hits[about.limit - 1].number) if len(hits) > about.limit else None
        return Page(hits[: about.limit], cursor, self._count_waiting(), indexed, total)

    def document(self, document: str) -> tuple[Record, bool]:
        """Return the record of a document, and whether it waits for data entry.

        Raises: PersonNeeded: NoSuchDocument, …
        """
        binder = self._look()
        return binder.record(document), self._waits(document)

    def text(self, record: Record) -> str | None:
        return self._opened().text_of(record)

    def mark(self, document: str, *, waiting: bool) -> Record:
        """Take a document out of the inbox, or put it back; doing it again changes nothing.

        Raises: PersonNeeded: NoSuchDocument, NeverInInbox, StoreReadOnly, … Transient.
        """
        binder = self._opened()
        record = binder.put_back(document) if waiting else binder.mark_done(document)
        with self._changed:
            self._noted[document] = (time.monotonic(), waiting)
        with self._index() as index:
            index.note(document, waiting=waiting)
        return record

    def runs(self, about: AboutRuns) -> RunPage:
        """Return a page of the reports of runs, the newest first."""
        self._look()
        return self._runs.page(about)

    def channels(self) -> list[str]:
        """Return the names of the channels that documents or runs are of, as far as is known."""
        self._look()
        with self._index() as index:
            return sorted({*index.channels(), *self._runs.channels()})

    def _from_entries(self, binder: Binder, about: AboutDocuments) -> tuple[list[Hit], str | None]:
        """Return a page of the inbox while the index isn't complete: by day, and within a day in any order."""
        hits: list[Hit] = []
        waiting, last = self._waiting, about.entry
        while len(hits) < about.limit:
            names = waiting.newest(below=last, limit=about.limit - len(hits))
            if not names:
                return hits, None
            last = names[-1]
            documents = [name[9:] for name in names if self._waits(name[9:])]
            records = self._readers.map(lambda document: binder.readable_record(document, amended=True), documents)
            hits += [Hit(record, "", 0, True) for record in records if record is not None and not record.withheld]
        return hits, last if waiting.newest(below=last, limit=1) else None

    def _waits(self, document: str) -> bool:
        noted = self._noted.get(document)
        return noted[1] if noted else document in self._waiting

    def _notes(self) -> dict[str, bool]:
        with self._changed:
            return {document: waits for document, (_, waits) in self._noted.items()}

    def _count_waiting(self) -> int:
        with self._changed:
            changes = [(document in self._waiting, now) for document, (_, now) in self._noted.items()]
        return len(self._waiting) + sum(now - before for before, now in changes)

    def _look(self) -> Binder:
        """Have the binder looked at if that is long ago, and return it; wait for it if it doesn't take long."""
        pause = max(_FRESH_SECONDS, _REST * self._lasted)
        with self._changed:
            if self._looks == 0 or time.monotonic() - self._looked > pause:
                before = self._looks
                self._asked.set()
                if self._lasted < _SHORT or self._looks == 0:
                    self._changed.wait_for(lambda: self._looks != before, timeout=_WAIT if before else 10 * _WAIT)
        return self._opened()

    def _opened(self) -> Binder:
        if self._binder is not None:
            return self._binder
        if self._failure is not None:
            raise self._failure
        return self._open()

    def _open(self) -> Binder:
        binder = Binder.existing(self._store)
        if binder.uid != self._uid:
            raise PersonNeeded(
                "What lies in the binder's storage belongs to another Binder: if it was moved or made again on "
                f"purpose, annotate the Binder with bannette.io/adopt={binder.uid}; the next run takes it over.",
                reason="BinderReplaced",
            )
        return binder

    def _follow(self) -> None:
        """Look again and again, when asked."""
        while not self._ending:
            self._asked.clear()
            try:
                self._refresh()
            except BannetteError as error:
                self._fail(error)
            except sqlite3.Error as error:
                self._fail(PersonNeeded(f"The reader's index can't be used ({error}).", reason="IndexUnusable"))
            except Exception as error:  # noqa: BLE001 - the top of a thread: it must go on to look
                logs.crash(logger, "inbox.unread", error)
                self._fail(Transient("The binder couldn't be looked at: this is a bug.", reason="ReaderFailed"))
            self._asked.wait()

    def _fail(self, error: BannetteError) -> None:
        logs.event(logger, "inbox.unread", level=logging.WARNING, reason=error.reason)
        with self._changed:
            self._failure = error
            if isinstance(error, PersonNeeded):
                # It isn't the binder that it was.
                self._binder = None
        self._seen()

    def _refresh(self) -> None:
        began = time.monotonic()
        binder = self._open()
        waiting = binder.waiting()
        with self._changed:
            self._binder, self._failure = binder, None
            self._waiting = waiting
            self._noted = {one: noted for one, noted in self._noted.items() if noted[0] >= began}
        listed = time.monotonic() - began
        if not self._complete:
            # Pages can be shown from now on, though nothing can be searched yet.
            self._seen(lasted=listed)
        self._runs.update()
        with self._index() as index:
            known = len(index)
            index.update(
                binder,
                lambda done, total: self._tell(known + done, known + total),
                waiting=waiting,
                # What somebody is done with mustn't come back for as long as this takes.
                noted=self._notes,
            )
        self._complete = True
        self._seen(lasted=time.monotonic() - began)

    def _tell(self, done: int, total: int) -> None:
        self._progress = (done, total)
        # A look that takes long shouldn't be waited for.
        self._lasted = max(self._lasted, 1.0) if done < total else self._lasted

    def _seen(self, *, lasted: float | None = None) -> None:
        with self._changed:
            self._looked = time.monotonic()
            self._lasted = self._lasted if lasted is None else lasted
            self._looks += 1
            self._changed.notify_all()

    @contextmanager
    def _index(self) -> Iterator[TextIndex]:
        """Give a connection to the index, of those that nobody uses now."""
        try:
            index = self._idle.pop()
        except IndexError:
            index = TextIndex(self._path, beside_writer=True)
        try:
            yield index
        finally:
            self._idle.append(index)
