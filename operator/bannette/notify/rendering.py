"""The two forms of a mail: plain text, and HTML that needs neither images nor anything from elsewhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bannette.notify.letter import Letter, Section
from bannette.notify.names import plain_header


@dataclass(frozen=True)
class Message:
    """A mail, ready to be sent: *subject* is one line; *text* and *html* say the same.

    Attributes:
        language: BCP 47 tag of all of it.
    """

    subject: str
    text: str
    html: str
    language: str


def render(letter: Letter) -> Message:
    """Return both forms of a letter."""
    return Message(
        subject=plain_header(letter.subject),
        text=_text(letter),
        html=_template().render(letter=letter),
        language=letter.tag,
    )


def _text(letter: Letter) -> str:
    paragraphs = [letter.greeting, letter.opening]
    paragraphs += [_section(letter, section) for section in letter.sections]
    paragraphs += [*letter.closing, f"-- \n{letter.footer}"]
    return "\n\n".join(paragraphs) + "\n"


def _section(letter: Letter, section: Section) -> str:
    lines = [f"{name}{letter.colon} {value}" for name, value in section.facts]
    lines += section.sentences
    if section.passed_on is not None:
        words, address = section.passed_on
        lines += [f"{words}{letter.colon}", address]
    if section.action is not None:
        lines += [f"{section.action}{letter.colon}", section.link, section.note]
    return "\n".join(lines)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("mail.html")
