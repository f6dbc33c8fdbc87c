"""A reply as HTML, in one of the languages. Everything that isn't ours is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bannette.connect import texts_en, texts_fr

LANGUAGES: Final[Mapping[str, ModuleType]] = {"en": texts_en, "fr": texts_fr}
_FOLDER: Final = Path(__file__).parent
STYLE: Final = (_FOLDER / "static" / "style.css").read_bytes()
ICON: Final = (_FOLDER / "static" / "icon.svg").read_bytes()


def render(page: str, language: str, facts: Mapping[str, object]) -> str:
    """Return the template *page* with *facts*, in *language* (``en``, ``fr``)."""
    words = LANGUAGES[language]

    def text(key: str, **values: object) -> str:
        return str(words.TEXTS[key]).format(**values)

    def folder(path: str) -> str:
        return text("whole_drive") if path == "/" else path

    def date(at: datetime, zone: str) -> str:
        local = at.astimezone(ZoneInfo(zone))
        return str(words.DATE).format(
            day=local.day, month=words.MONTHS[local.month - 1], year=local.year, time=f"{local:%H:%M}", zone=zone
        )

    other = "en" if language == "fr" else "fr"
    return (
        _environment()
        .get_template(f"{page}.html")
        .render(facts, language=language, other=other, text=text, folder_name=folder, date=date)
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def preferred_language(accepted: str) -> str:
    """Return the language that an Accept-Language header asks for, as far as there is one: else English."""
    for part in accepted.split(",")[:20]:
        name = part.partition(";")[0].strip().lower().partition("-")[0]
        if name in LANGUAGES:
            return name
    return "en"
