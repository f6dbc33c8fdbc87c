"""The console's templates as HTML, in one of the languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bannette.console import texts_en, texts_fr, texts_inbox_en, texts_inbox_fr
from bannette.resources.needs import Need
from bannette.resources.rules import time_zone
from bannette.web.reasons import in_words, reading_in_words
from bannette.web.rendering import Renderer, date_in, short_date_in

WORDS: Final = {
    "en": {**texts_en.TEXTS, **texts_inbox_en.TEXTS},
    "fr": {**texts_fr.TEXTS, **texts_inbox_fr.TEXTS},
}
_RENDERER: Final = Renderer(Path(__file__).parent / "templates", WORDS)


def render(page: str, language: str, facts: Mapping[str, object]) -> str:
    """Return the template *page* with *facts*, in *language* (``en``, ``fr``)."""

    def when(at: datetime | None, zone: str) -> Markup | str:
        """Return a time, short, and whole for whoever points at it."""
        if at is None:
            return "–"
        # What a channel says may be no zone at all.
        known = zone if time_zone(zone) else "UTC"
        whole = date_in(language, at, known)
        short = short_date_in(language, at, known)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.astimezone(ZoneInfo("UTC")).isoformat(timespec="seconds"), whole, short
        )

    def folder_name(path: str) -> str:
        return _RENDERER.text(language, "whole_drive") if path == "/" else path

    def said(prefix: str, value: str) -> str:
        """Return the words of one of a few values; what isn't known, as it is."""
        key = f"{prefix}_{value}"
        return _RENDERER.text(language, key) if key in WORDS[language] else value

    def in_words_of(need: Need) -> str:
        """Return what a channel needs a person for, where the message doesn't say it in the page's language."""
        words = in_words(language, need.reason)
        if words and need.of_run:
            words = f"{_RENDERER.text(language, 'run_outdated' if need.outdated else 'run_failed')} {words}"
        return words

    helpers: dict[str, object] = {
        "when": when,
        "folder_name": folder_name,
        "said": said,
        "in_words": lambda reason: in_words(language, reason),
        "in_words_of": in_words_of,
        "reading_in_words": lambda reason: reading_in_words(language, reason),
    }
    return _RENDERER.render(page, language, {**facts, **helpers})
