"""What a language must be able to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Counted:
    """A text for one, and a text for several; ``{n}`` is the number."""

    one: str
    several: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The frame of one kind of mail.

    Attributes:
        subject: for one company, ``{company}``.
        subject_of_several: for several companies.
        heading: the subject without the company.
        opening: what it is about, by the number of channels; ``{companies}``.
        closing: paragraphs after the channels; ``{companies}``.
        action: the words of the link, with ``{account}``; empty when there is none.
    """

    subject: str
    subject_of_several: str
    heading: str
    opening: Counted
    closing: tuple[str, ...]
    action: str = ""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """All texts of a language.

    Attributes:
        tag: BCP 47.
        singular_below: numbers below it take the singular.
        lost: by the reason why a connection was lost, a sentence with ``{account}`` and ``{application}``.
        consent: what the address is that an administrator agrees at.
        failed: by the reason why runs fail, a sentence with ``{folder}``, ``{account}`` and ``{application}``: those
            reasons that the owner of the account can do something about.
    """

    tag: str
    singular_below: int
    months: tuple[str, ...]
    day: str
    first_of_month: str
    conjunction: str
    colon: str
    greeting: str
    company: str
    folder: str
    whole_drive: str
    account: str
    channel: str
    since: str
    lapses: str
    new: str
    duplicates: str
    deferred: str
    rejected: str
    why: str
    link_works_until: str
    last_run_failed: str
    footer: str
    connect: Kind
    lost_connection: Kind
    reminder: Kind
    lapsing: Kind
    first: Kind
    first_empty: Kind
    digest: Kind
    failure: Kind
    lost: Mapping[str, str]
    consent: str
    failed: Mapping[str, str]
    failed_otherwise: str

    def date(self, when: date) -> str:
        """Return a day in words; of a datetime, the day that it is in its own time zone."""
        pattern = self.first_of_month if when.day == 1 else self.day
        return pattern.format(day=when.day, month=self.months[when.month - 1], year=when.year)

    def count(self, counted: Counted, number: int) -> str:
        """Return the text for *number* of a thing; what else it has in braces stays."""
        return (counted.one if number < self.singular_below else counted.several).replace("{n}", str(number))

    def join(self, names: Sequence[str]) -> str:
        """Return names as an enumeration."""
        *first, last = names
        return f"{', '.join(first)} {self.conjunction} {last}" if first else last
