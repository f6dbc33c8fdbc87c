"""How often people are written to: by the environment, with defaults that flood nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from itertools import pairwise
from typing import Final, TypeVar

from bannette.accounts.clients import CLIENT_ID_VARIABLE
from bannette.errors import PersonNeeded
from bannette.notify.plan import Pace
from bannette.resources.recipient_status import MOST_MAILS

_NUMBER: Final = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_DAYS: Final = 3650.0
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class AskingSettings:
    """When mails go.

    Attributes:
        failing: how long runs fail before anybody is told.
        digest_time: of the morning after the day that a digest is of, in the channels' time zone.
        application: for channels that name none of their own; empty: nobody can sign in for them.
    """

    pace: Pace = field(default_factory=Pace)
    failing: timedelta = timedelta(days=2)
    digest_time: time = time(8)
    application: str = ""


def asking_settings(environ: Mapping[str, str]) -> AskingSettings:
    """Return what ``BANNETTE_MAIL_…`` say.

    Raises:
        PersonNeeded: one isn't what it must be.
    """
    usual = AskingSettings()
    pace = usual.pace

    def read(name: str, parse: Callable[[str], Value | None], instead: str, default: Value) -> Value:
        text = environ.get(f"BANNETTE_MAIL_{name}", "").strip()
        if not text:
            return default
        value = parse(text)
        if value is None:
            raise PersonNeeded(f"BANNETTE_MAIL_{name} isn't {instead}.", reason="InvalidSetting")
        return value

    return AskingSettings(
        pace=Pace(
            settle=read("SETTLE_SECONDS", _seconds, "a number of seconds: write 60, for example", pace.settle),
            between_mails=read(
                "GAP_MINUTES", _minutes, "a number of minutes: write 10, for example", pace.between_mails
            ),
            mails_a_day=read("DAILY_LIMIT", _limit, f"a number from 1 to {MOST_MAILS}: write 6", pace.mails_a_day),
            reminders=read(
                "REMINDER_DAYS",
                _reminders,
                "numbers of days that ascend, with commas between them: write 3,7, or none for no reminder",
                pace.reminders,
            ),
            warned=read(
                "LAPSE_WARNING_DAYS", _warning, "a number of days below 60: write 14, for example", pace.warned
            ),
        ),
        failing=read("FAILURE_DAYS", _days, "a number of days: write 2, for example", usual.failing),
        digest_time=read("DIGEST_TIME", _time, "a time of day: write 08:00, for example", usual.digest_time),
        application=environ.get(CLIENT_ID_VARIABLE, "").strip(),
    )


def _number(text: str) -> float | None:
    number = float(text) if _NUMBER.fullmatch(text) else 0.0
    return number if 0.0 < number <= _LONGEST_DAYS * 86400 else None


def _seconds(text: str) -> timedelta | None:
    number = _number(text)
    return None if number is None else timedelta(seconds=number)


def _minutes(text: str) -> timedelta | None:
    number = _number(text)
    return None if number is None else timedelta(minutes=number)


def _days(text: str) -> timedelta | None:
    number = _number(text)
    return None if number is None or number > _LONGEST_DAYS else timedelta(days=number)


def _limit(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,2}", text) and 1 <= int(text) <= MOST_MAILS else None


def _reminders(text: str) -> tuple[timedelta, ...] | None:
    if text.casefold() == "none":
        return ()
    days = [_days(part.strip()) for part in text.split(",")]
    known = tuple(one for one in days if one is not None)
    ascend = all(earlier < later for earlier, later in pairwise(known))
    return known if ascend and len(known) == len(days) else None


def _warning(text: str) -> timedelta | None:
    days = _days(text)
    return days if days is not None and days < timedelta(days=60) else None


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if _TIME.fullmatch(text) else None
