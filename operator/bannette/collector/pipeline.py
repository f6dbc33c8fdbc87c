"""The threads of a run: one that discovers, up to 16 that download, one per core that reads, some that commit.

A document that isn't read is committed by the thread that downloaded it. Bounded queues lie between them, so that
memory and scratch space don't grow with the drive. The first error ends the run: one of OneDrive lets what was
downloaded be delivered, one of the binder leaves nothing to deliver to.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Final

from bannette import logs
from bannette.collector.capacity import Capacity
from bannette.collector.concurrency import MOST, Concurrency
from bannette.collector.discovery import Discovery
from bannette.collector.documents import Candidate, Documents, Fetched, Read
from bannette.collector.handover import Halt, Handover
from bannette.collector.ledger import Ledger
from bannette.errors import BannetteError, ItemDeferred, ItemRejected
from bannette.onedrive import Item, ItemGone

logger = logging.getLogger(__name__)

_COMMITTERS: Final = 4


class Pipeline:
    """The work of one run, done in threads until there is none left.

    Attributes:
        ended: set when nothing more is read or committed; a download that hangs isn't waited for.
        error: what ended the run early, if anything did.
    """

    def __init__(
        self,
        discovery: Discovery,
        documents: Documents,
        *,
        ledger: Ledger,
        concurrency: Concurrency,
        capacity: Capacity,
        halt: Halt,
    ) -> None:
        self._discovery = discovery
        self._documents = documents
        self._ledger = ledger
        self._concurrency = concurrency
        self._halt = halt
        self._found = Handover[Candidate](4 * MOST, halt)
        self._fetched = Handover[Fetched](MOST, halt)
        self._read = Handover[Read](2 * capacity.recognitions, halt)
        self._lock = threading.Lock()
        self._delivering = 0
        self._numbers = count()
        self.ended = threading.Event()
        self.error: BaseException | None = None
        self._stages = [
            _Stage("discover", 1, self._discover, self._no_more_found),
            _Stage("download", MOST, self._download, self._fetched.close),
            _Stage("read", capacity.recognitions, self._recognise, self._read.close),
            _Stage("commit", _COMMITTERS, self._commit),
        ]

    def start(self) -> None:
        for stage in self._stages:
            for number in range(stage.workers):
                # Daemons: a run that is told to end doesn't wait for a request that hangs.
                threading.Thread(target=self._work, args=(stage,), name=f"{stage.name} {number}", daemon=True).start()

    def _work(self, stage: _Stage) -> None:
        try:
            stage.loop()
        except Exception as error:  # noqa: BLE001 - the top of a worker
            self._fail(error, abandon=True)
        finally:
            with self._lock:
                stage.left -= 1
                last = stage.left == 0
            if last:
                stage.close()
            self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        with self._lock:
            # In a run that is given up, readings end after the commits.
            if not self._delivering and not any(stage.left for stage in self._stages[-2:]):
                self.ended.set()

    def _fail(self, error: BaseException, *, abandon: bool) -> None:
        with self._lock:
            first = self.error is None and not self._halt.abandoned
            if first:
                self.error = error
        if first and not isinstance(error, BannetteError):
            logs.crash(logger, "run.crashed", error)
        elif first:
            logs.event(logger, "run.failing", level=logging.WARNING, reason=getattr(error, "reason", None))
        if abandon:
            self._halt.abandon()
        else:
            self._halt.stop_intake()

    def _discover(self) -> None:
        try:
            self._discovery.run(self._found.put)
        except BannetteError as error:
            self._fail(error, abandon=False)

    def _no_more_found(self) -> None:
        self._found.close()
        self._concurrency.over()

    def _download(self) -> None:
        number = next(self._numbers)
        while True:
            self._concurrency.wait(number)
            candidate = self._found.take()
            if candidate is None:
                return
            if self._halt.intake:
                continue
            fetched: Fetched | None = None
            with self._answering(candidate.item_id, candidate.item, abandon=False):
                fetched = self._documents.fetch(candidate)
            if fetched is not None:
                self._hand_on(fetched)
            self._concurrency.done(fetched.size if fetched else 0)

    def _hand_on(self, fetched: Fetched) -> None:
        """Give the document to those who read, or commit it if it needn't be read."""
        unread: Read | None = None
        known = False
        with self._delivery() as allowed:
            if allowed:
                with self._answering(fetched.item.id, fetched.item, abandon=True):
                    unread = self._documents.unread(fetched)
                    known = True
            if unread is not None:
                self._deliver(unread)
                return
        if not known or not self._fetched.put(fetched):
            self._documents.discard(fetched)

    @contextmanager
    def _delivery(self) -> Iterator[bool]:
        """Hold back the end meanwhile; False if the run was given up."""
        with self._lock:
            allowed = not self._halt.abandoned
            self._delivering += int(allowed)
        try:
            yield allowed
        finally:
            with self._lock:
                self._delivering -= int(allowed)
            self._look_for_the_end()

    def _deliver(self, read: Read) -> None:
        fetched = read.fetched
        with self._answering(fetched.item.id, fetched.item, abandon=True):
            committed, parts = self._documents.commit(read)
            self._ledger.committed(fetched.candidate.item_id, committed, parts)
        self._documents.discard(fetched)

    def _recognise(self) -> None:
        while (fetched := self._fetched.take()) is not None:
            read: Read | None = None
            with self._answering(fetched.item.id, fetched.item, abandon=True):
                read = self._documents.read(fetched)
            if read is None or not self._read.put(read):
                self._documents.discard(fetched)

    def _commit(self) -> None:
        while (read := self._read.take()) is not None:
            self._deliver(read)

    def _answering(self, item_id: str, item: Item | None, *, abandon: bool) -> _Answering:
        return _Answering(self._ledger, self._fail, item_id, item, abandon=abandon)


class _Stage:
    def __init__(
        self, name: str, workers: int, loop: Callable[[], None], close: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self.workers = self.left = workers
        self.loop = loop
        self.close = close


class _Answering:
    """Enters into the ledger what an error says about one item; what it says about all ends the run."""

    def __init__(
        self,
        ledger: Ledger,
        fail: Callable[..., None],
        item_id: str,
        item: Item | None,
        *,
        abandon: bool,
    ) -> None:
        self._ledger = ledger
        self._fail = fail
        self._item_id = item_id
        self._item = item
        self._abandon = abandon

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        now = datetime.now(UTC)
        try:
            match error:
                case None:
                    return True
                case ItemDeferred():
                    self._ledger.deferred(self._item_id, error, now=now, item=self._item)
                case ItemRejected():
                    self._ledger.rejected(self._item_id, error, now=now, item=self._item)
                case ItemGone():
                    self._ledger.dropped(self._item_id)
                case BannetteError():
                    self._fail(error, abandon=self._abandon)
                case OSError() | MemoryError():
                    # Of the machine rather than of the document.
                    return False
                case Exception():
                    # Of this document, as far as anybody knows: it must not keep those behind it from arriving.
                    logs.crash(logger, "document.crashed", error)
                    deferral = ItemDeferred("Collecting it failed unexpectedly.", reason="UnexpectedError")
                    self._ledger.deferred(self._item_id, deferral, now=now, item=self._item)
                case _:
                    return False
        except BannetteError as too_many:
            self._fail(too_many, abandon=False)
        return True
