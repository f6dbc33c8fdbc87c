"""Tells the binder's sink of collected documents, beside the run: nothing here keeps a document, or a run, waiting.

What couldn't be told stays in the binder's outbox, and the next run begins with it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from bannette import logs
from bannette.binder import Binder, Record
from bannette.errors import BannetteError
from bannette.notify.events import Event, document_collected
from bannette.notify.sink import Sink, deliver
from bannette.resources import EVENTS_DELIVERED, Condition, ConditionStatus

logger = logging.getLogger(__name__)

# How much longer than the collecting itself the telling may take.
_PATIENCE: Final = 30.0
_MOST_IN_MEMORY: Final = 1_000
# A sink that refuses that many events refuses all of them, as far as one run can know.
_MOST_REFUSED: Final = 100
# Of the outbox, as many as are held in memory at once.
_MOST_LISTED: Final = 100_000
_LOOK: Final = 0.1  # seconds


@dataclass(frozen=True, kw_only=True)
class Told:
    """What came of the telling.

    Attributes:
        told: events that the sink took; refused: those that it would refuse again.
        untold: documents that it is still to be told of; None if nobody could count them.
        reason, message: why there are any.
    """

    told: int = 0
    refused: int = 0
    untold: int | None = 0
    reason: str | None = None
    message: str = ""

    def to_dict(self) -> dict[str, object]:
        return {"told": self.told, "refused": self.refused, "untold": self.untold, "reason": self.reason}

    @property
    def note(self) -> str | None:
        """What the run's message says of it, if there is anything to say."""
        if self.reason is None:
            return None
        some = "Some documents are" if self.untold is None else _number(self.untold)
        return f"{some} still to be told of ({self.reason}): {self.message}"

    @property
    def condition(self) -> Condition:
        """What the binder's status says of it."""
        if self.reason is None:
            message = "The sink of events has been told of every document."
            return Condition(EVENTS_DELIVERED, ConditionStatus.TRUE, reason="Delivered", message=message)
        return Condition(EVENTS_DELIVERED, ConditionStatus.FALSE, self.reason, self.note or "")


class Courier:
    """Tells of the documents of one binder, one after the other, in a thread of its own.

    Args:
        sink: opens the sink, or raises PersonNeeded.
        namespace, name: of the Binder.
        run: id of the run that it goes beside.
    """

    def __init__(self, binder: Binder, sink: Callable[[], Sink], *, namespace: str, name: str, run: str) -> None:
        self._outbox = binder.outbox
        self._sink = sink
        self._namespace = namespace
        self._name = name
        self._run = run
        self._changed = threading.Condition()
        self._fresh: deque[tuple[str, Event]] = deque()
        self._overflowed = False
        self._until = math.inf
        self._over = False
        self._told = Told()
        # Of this run's documents, those that the listing at the start happened to show.
        self._early: set[str] = set()
        self._refused: set[str] = set()
        self._entry = ""
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def collected(self, record: Record) -> None:
        """Tell of a document whose record exists; returns at once."""
        if record.withheld:
            return
        with self._changed:
            if self._over or len(self._fresh) >= _MOST_IN_MEMORY:
                self._overflowed = True
                return
            self._fresh.append((record.outbox_key, self._event(record)))
            self._changed.notify_all()

    def finish(self, *, hurried: Callable[[], bool]) -> Told:
        """No document comes any more: return when the sink knows of all, or after half a minute.

        *hurried*: whether the run is to end at once.
        """
        began = time.monotonic()
        with self._changed:
            self._until = began + _PATIENCE
            self._changed.notify_all()
        self._thread.join(_LOOK)
        while self._thread.is_alive() and not hurried() and time.monotonic() < self._until + _LOOK:
            self._thread.join(_LOOK)
        with self._changed:
            ended = self._over
            # What is under way may arrive, and is repeated.
            self._over = True
            told = self._told
        if not ended:
            told = replace(told, reason="EventSinkSlow", message="The sink didn't take all events in time.")
        if told.reason is not None:
            told = replace(told, untold=None if hurried() else self._count())
        logs.event(
            logger,
            "events.ended",
            level=logging.INFO if told.reason is None else logging.WARNING,
            run=self._run,
            told=told.told,
            refused=told.refused,
            untold=told.untold,
            reason=told.reason,
            seconds=f"{time.monotonic() - began:.1f}",
        )
        return told

    def _work(self) -> None:
        try:
            for delivery in deliver(self._sink(), self._events(), left=self._left, wait=self._wait):
                if delivery.refused is None:
                    self._outbox.remove(self._entry)
                    self._note(told=1)
                    continue
                self._refused.add(self._entry)
                self._note(refused=1, error=delivery.refused)
                if len(self._refused) >= _MOST_REFUSED:
                    return
        except BannetteError as error:
            self._note(error=error)
        except Exception as error:  # noqa: BLE001 - the top of a thread
            logs.crash(logger, "events.crashed", error)
            with self._changed:
                self._told = replace(self._told, reason="UnexpectedError", message="The run's log says where.")
        finally:
            with self._changed:
                self._over = True
                self._fresh.clear()

    def _events(self) -> Iterator[Event]:
        """Yield what earlier runs left, then what this one collects; what didn't fit into memory comes at the end."""
        yield from self._left_over()
        while (one := self._next()) is not None:
            entry, event = one
            if event.id not in self._early:
                self._entry = entry
                yield event
        if self._overflowed:
            yield from self._left_over()

    def _left_over(self) -> Iterator[Event]:
        found = True
        while found:
            entries = self._outbox.oldest(_MOST_LISTED)
            found = False
            for entry in entries:
                record = None if entry in self._refused else self._outbox.record(entry)
                if record is not None:
                    # There may be more, when these are told.
                    found = len(entries) == _MOST_LISTED
                    if record.run == self._run:
                        self._early.add(record.id)
                    self._entry = entry
                    yield self._event(record)

    def _next(self) -> tuple[str, Event] | None:
        """Return the next document of this run, when there is one; None when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._fresh or self._until < math.inf)
            return self._fresh.popleft() if self._fresh else None

    def _event(self, record: Record) -> Event:
        return document_collected(record.to_dict(), namespace=self._namespace, binder=self._name)

    def _left(self) -> float:
        return -1.0 if self._over else self._until - time.monotonic()

    def _wait(self, seconds: float) -> None:
        with self._changed:
            until = self._until
            self._changed.wait_for(lambda: self._until != until, seconds)

    def _note(self, *, told: int = 0, refused: int = 0, error: BannetteError | None = None) -> None:
        with self._changed:
            now = self._told
            self._told = replace(now, told=now.told + told, refused=now.refused + refused)
            if error is not None:
                self._told = replace(self._told, reason=error.reason, message=logs.redact(str(error)))

    def _count(self) -> int | None:
        try:
            return self._outbox.count()
        except BannetteError:
            return None


def _number(count: int) -> str:
    return "1 document is" if count == 1 else f"{count} documents are"
