"""The languages that people are written to in: one module for each, and nothing that is said is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bannette.notify.languages.english import ENGLISH
from bannette.notify.languages.french import FRENCH
from bannette.notify.languages.texts import Counted, Texts
from bannette.resources import Locale

LANGUAGES: Final[Mapping[Locale, Texts]] = {Locale.ENGLISH: ENGLISH, Locale.FRENCH: FRENCH}

__all__ = ["LANGUAGES", "Counted", "Texts"]
