"""Removing what killed writers left, beside runs that may be under way.

Only what is old goes: a run lasts six hours at most, and nothing younger than twice that may be swept. Age alone
wouldn't do, since a run may commit a document whose files an earlier one left. That it can't end as a record without
files rests on this:

- A record names only files that its own commit put, or that were younger than an hour then (commit.py). So a file that
  no record names at an age of twelve hours will never be named: the commit that may name it is over by then.
- The record is read after the files were listed. One that appeared in between is respected.
- A key whose old file goes may be put anew by a commit, and then be young. It stays, because there is one sweep at a
  time, which deletes a listed key within moments; a second one might delete by a listing of long ago. Of a sweep that
  was killed, the lock is taken over when it hasn't been renewed for an hour.
- The key of an entry in inbox and outbox holds the day of its commit. Without a record, only days before yesterday's
  go, so no commit under way puts the same key.

Claims stay: whoever takes one over puts the next number, and a number that went missing below it would hide that one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType

from bannette.binder.amendments import amendments_of
from bannette.binder.fields import Unreadable
from bannette.binder.findings import Leftover, Leftovers, Tally
from bannette.binder.layout import (
    DOCUMENTS,
    PROBE,
    SWEEP,
    day_of_entry,
    document_of_entry,
    document_of_file,
    processed_key,
    record_key,
    states_by_channel,
)
from bannette.binder.records import Record
from bannette.binder.state import STATES_KEPT
from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists, NotFound
from bannette.binder.verification import ATTEMPTS_KEPT
from bannette.errors import BannetteError, Transient

LEAST_AGE = timedelta(hours=12)
_ABANDONED = timedelta(hours=1)
_RENEWED_EVERY = 60.0  # seconds


class Sweep:
    """Removes leftovers that a verification found, each after a look at how it stands now.

    Raises: ValueError: *older_than* is less than LEAST_AGE.
    """

    def __init__(self, store: Store, *, older_than: timedelta) -> None:
        if older_than < LEAST_AGE:
            raise ValueError(f"Leftovers younger than {LEAST_AGE} may be of a run under way.")
        self._store = store
        self._older_than = older_than
        self.swept: dict[Leftover, Tally] = {}

    def run(self, leftovers: Leftovers, *, progress: Callable[[str, int], None] = lambda stage, percent: None) -> None:
        """Remove them.

        Raises:
            Transient: SweepUnderWay, StoreUnavailable. PersonNeeded: StoreReadOnly, StoreAccessDenied, …
        """
        total = len(leftovers.documents) + len(leftovers.keys)
        now = _time_of(self._store)
        with SweepLock(self._store, now=now) as lock:
            for done, document in enumerate(sorted(leftovers.documents)):
                lock.renew()
                self._sweep_files(document, now - self._older_than)
                progress("sweep", done * 100 // total)
            for done, (key, kind) in enumerate(sorted(leftovers.keys.items()), start=len(leftovers.documents)):
                lock.renew()
                found = self._store.head(key)
                if found is not None and found.modified_at < now - self._older_than and self._is_over(key, kind, now):
                    self._delete(kind, key, found.size)
                progress("sweep", done * 100 // total)

    def _sweep_files(self, document: str, old: datetime) -> None:
        found = [
            file
            for file in self._store.list(f"{DOCUMENTS}/{document[:2]}/{document}")
            if file.modified_at < old and document_of_file(file.key) == document
        ]
        try:
            record = self._record(document)
            named = {key for amendment in amendments_of(self._store, document) for key in amendment.files.values()}
        except Unreadable:
            return
        named |= set(record.files.values()) if record is not None else set()
        for file in found:
            if file.key not in named:
                self._delete(Leftover.FILES, file.key, file.size, which=document)

    def _is_over(self, key: str, kind: Leftover, now: datetime) -> bool:
        """Whether what the old object at *key* was for is over."""
        document = document_of_entry(key) or ""
        match kind:
            case Leftover.INBOX_ENTRIES:
                return self._is_entry_over(key, document, now)
            case Leftover.OUTBOX_ENTRIES:
                return _is_day_over(key, now) and self._store.head(record_key(document)) is None
            case Leftover.ATTEMPTS:
                found = self._store.head(key)
                tried = found is not None and found.modified_at > now - ATTEMPTS_KEPT
                return not tried or self._store.head(record_key(document)) is not None
            case Leftover.STATES:
                folder, _, name = key.rpartition("/")
                (revisions,) = states_by_channel(self._store.keys(folder)).values()
                return int(name.removesuffix(".json")) not in revisions[:STATES_KEPT]
            case _:
                return True

    def _is_entry_over(self, key: str, document: str, now: datetime) -> bool:
        try:
            record = self._record(document)
        except Unreadable:
            return False
        if record is None:
            return _is_day_over(key, now)
        if record.withheld or record.inbox_key != key:
            return True
        return self._store.head(processed_key(document)) is not None

    def _record(self, document: str) -> Record | None:
        try:
            return Record.parse(self._store.get(record_key(document)))
        except NotFound:
            return None

    def _delete(self, kind: Leftover, key: str, size: int, *, which: str | None = None) -> None:
        self._store.delete(key)
        self.swept.setdefault(kind, Tally()).add(which or key, size)


class SweepLock:
    """Held by the one sweep of a binder that is under way: the object with the highest number below .sweep/."""

    def __init__(self, store: Store, *, now: datetime) -> None:
        self._store = store
        self._now = now
        self._token = uuid.uuid4().hex.encode()
        self._key = ""
        self._renewed = 0.0

    def __enter__(self) -> SweepLock:
        """Raises: Transient: SweepUnderWay."""
        there = ((found.key.rpartition("/")[2], found) for found in self._store.list(SWEEP))
        held = {int(name): found for name, found in there if name.isdecimal()}
        newest = held[max(held)].modified_at if held else None
        if newest is not None and self._now - newest < _ABANDONED:
            raise _under_way(newest)
        self._key = f"{SWEEP}/{max(held, default=0) + 1}"
        try:
            self._store.put_new(self._key, self._token)
        except AlreadyExists:
            # Ours, if the answer to the put was lost and its repeat met it.
            if not self._is_ours():
                raise _under_way(self._now) from None
        self._renewed = time.monotonic()
        for found in held.values():
            self._store.delete(found.key)
        return self

    def renew(self) -> None:
        """Show, once a minute, that this sweep goes on.

        Raises: Transient: SweepUnderWay: it stood still for so long that another took over.
        """
        if time.monotonic() - self._renewed < _RENEWED_EVERY:
            return
        if not self._is_ours():
            raise _under_way(self._now)
        self._store.put(self._key, self._token)
        self._renewed = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BannetteError):
            if self._is_ours():
                self._store.delete(self._key)

    def _is_ours(self) -> bool:
        try:
            return self._store.get(self._key) == self._token
        except NotFound:
            return False


def _is_day_over(key: str, now: datetime) -> bool:
    """Whether no commit under way puts this entry of the inbox or the outbox."""
    day = day_of_entry(key)
    return day is not None and day <= int(f"{now - timedelta(days=2):%Y%m%d}")


def _under_way(seen: datetime) -> Transient:
    return Transient(
        f"Another sweep of this binder is under way (seen at {seen:%H:%M} UTC): wait for its end; of one that was "
        "killed, try again in an hour.",
        reason="SweepUnderWay",
    )


def _time_of(store: Store) -> datetime:
    """What the store's own clock says, which dates its objects; ours may differ."""
    key = f"{PROBE}/{uuid.uuid4().hex}"
    with suppress(AlreadyExists):  # Nobody else has the key.
        store.put_new(key, b"")
    try:
        found = store.head(key)
    finally:
        store.delete(key)
    if found is None:
        raise Transient("The binder's store doesn't show what was just put.", reason="StoreUnavailable")
    return found.modified_at
