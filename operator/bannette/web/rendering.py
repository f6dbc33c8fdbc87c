"""Templates as HTML, in one of the languages. Everything that isn't ours is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bannette.web import texts

_FOLDER: Final = Path(__file__).parent
STYLE: Final = (_FOLDER / "static" / "style.css").read_bytes()
ICON: Final = (_FOLDER / "static" / "icon.svg").read_bytes()
LANGUAGES: Final = tuple(texts.TEXTS)


class Renderer:
    """Renders the templates of *folder*, which may extend those that all pages share.

    Args:
        words: texts by their keys, by language.
    """

    def __init__(self, folder: Path, words: Mapping[str, Mapping[str, str]]) -> None:
        self._words = {language: {**texts.TEXTS[language], **words[language]} for language in LANGUAGES}
        self._environment = Environment(
            loader=FileSystemLoader([folder, _FOLDER / "templates"]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=100,
        )

    def text(self, language: str, key: str, **values: object) -> str:
        """Return the words *key* in *language*, with *values* in their gaps."""
        return self._words[language][key].format(**values)

    def render(self, page: str, language: str, facts: Mapping[str, object]) -> str:
        """Return the template *page* with *facts*, in *language*."""

        def text(key: str, **values: object) -> str:
            return self.text(language, key, **values)

        def date(at: datetime, zone: str) -> str:
            return date_in(language, at, zone)

        other = "en" if language == "fr" else "fr"
        template = self._environment.get_template(f"{page}.html")
        return template.render(facts, language=language, other=other, text=text, date=date)


def date_in(language: str, at: datetime, zone: str) -> str:
    """Return a time as people of *language* write it, on the clocks of *zone*."""
    local = on_clocks(at, zone)
    month = texts.MONTHS[language][local.month - 1]
    return texts.DATES[language].format(day=local.day, month=month, year=local.year, time=f"{local:%H:%M}", zone=zone)


def short_date_in(language: str, at: datetime, zone: str) -> str:
    """Return a time in few characters, on the clocks of *zone*."""
    local = on_clocks(at, zone)
    month = texts.SHORT_MONTHS[language][local.month - 1]
    return f"{local.day} {month} {local.year}, {local:%H:%M}"


def on_clocks(at: datetime, zone: str) -> datetime:
    """Return a time on the clocks of *zone*; in UTC if they don't reach that far."""
    try:
        return at.astimezone(ZoneInfo(zone))
    except OverflowError:
        # The first and the last day that there are: somebody wrote them.
        return at


def preferred_language(accepted: str) -> str:
    """Return the language that an Accept-Language header asks for, as far as there is one: else English."""
    for part in accepted.split(",")[:20]:
        name = part.partition(";")[0].strip().lower().partition("-")[0]
        if name in LANGUAGES:
            return name
    return "en"
