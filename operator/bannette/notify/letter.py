"""A mail before it has a form: what is said, in which order. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Section:
    """What is said of one channel.

    Attributes:
        facts: what each is called, and what it is.
        sentences: after them.
        passed_on: the words, and the address, of what is for somebody else to open.
        action: the words of the link; None when there is nothing to be done.
        link: where it leads.
        note: a sentence below the link.
    """

    facts: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...] = ()
    passed_on: tuple[str, str] | None = None
    action: str | None = None
    link: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A whole mail, in one language."""

    tag: str
    colon: str
    subject: str
    heading: str
    greeting: str
    opening: str
    sections: tuple[Section, ...]
    closing: tuple[str, ...]
    footer: str
