"""The server for mails fails everybody: then it is tried now and then, and not once for each recipient."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bannette.errors import BannetteError, PersonNeeded, Transient

# They may have got it: each repetition may be one mail too many, and how often it was made must not be forgotten.
_UNCONFIRMED: Final = "MailUnconfirmed"
# Reasons that speak of one recipient, or of one mail.
_OF_ONE: Final = frozenset({_UNCONFIRMED, "MailAddressInvalid", "MailAddressRefused", "MailPutOff", "MailRefused"})
# One server puts a stranger's first mail off; one that puts off so many in a row takes none for now.
_PUT_OFF: Final = 5
# A try takes a minute or so; when nobody has tried for longer after its time had come, nothing is due any more.
_TRY: Final = timedelta(minutes=5)
_TRANSIENT: Final = (timedelta(seconds=30), timedelta(minutes=15))
_PERSON_NEEDED: Final = (timedelta(minutes=5), timedelta(hours=1))
_ONE_TRANSIENT: Final = (timedelta(minutes=1), timedelta(hours=6))
_ONE_PERSON_NEEDED: Final = (timedelta(hours=1), timedelta(days=1))


def is_of_one(error: BannetteError) -> bool:
    """Tell whether an error speaks of one recipient: others may fare better."""
    return error.reason in _OF_ONE


def pause_for_one(error: BannetteError, failures: int) -> timedelta:
    """Return how long to wait with one recipient, after so many failures."""
    rarely = isinstance(error, PersonNeeded) or error.reason == _UNCONFIRMED
    return _pause(*(_ONE_PERSON_NEEDED if rarely else _ONE_TRANSIENT), failures)


@dataclass(frozen=True)
class _Lasting:
    error: BannetteError
    until: datetime
    failures: int


class Outage:
    """What keeps all mails, if anything does. Safe to share between threads; a restart forgets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lasting: _Lasting | None = None
        self._put_off = 0

    def speaks_of_all(self, error: BannetteError) -> bool:
        """Tell whether an error of one recipient speaks of all: the server has put off several in a row."""
        if error.reason == _UNCONFIRMED:
            return False
        with self._lock:
            self._put_off = self._put_off + 1 if isinstance(error, Transient) else 0
            return self._put_off >= _PUT_OFF

    def now(self, now: datetime) -> tuple[BannetteError, datetime] | None:
        """Return what keeps all mails, and until when it isn't tried again; None: try."""
        lasting = self._lasting
        return (lasting.error, lasting.until) if lasting is not None and now < lasting.until else None

    def lasts(self, now: datetime) -> bool:
        """Tell whether the last try failed for everybody, and another one is to come, or under way."""
        lasting = self._lasting
        return lasting is not None and now < lasting.until + _TRY

    def began(self, error: BannetteError, now: datetime) -> datetime:
        """Take note that nothing can be sent, and return when it is tried again."""
        with self._lock:
            lasting = self._lasting
            # Several threads found the same at once.
            if lasting is not None and now < lasting.until:
                return lasting.until
            failures = lasting.failures + 1 if lasting is not None else 1
            pauses = _PERSON_NEEDED if isinstance(error, PersonNeeded) else _TRANSIENT
            self._lasting = _Lasting(error, now + _pause(*pauses, failures), failures)
            return self._lasting.until

    def ended(self) -> None:
        """Take note that a mail was sent."""
        self._lasting = None
        self._put_off = 0


def _pause(first: timedelta, longest: timedelta, failures: int) -> timedelta:
    doubled: timedelta = first * 2.0 ** min(failures - 1, 20)
    return min(doubled, longest) * random.uniform(0.8, 1.0)  # noqa: S311 - jitter
