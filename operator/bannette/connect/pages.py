"""A reply as HTML, in one of the languages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bannette.connect import texts_en, texts_fr
from bannette.web.rendering import Renderer

WORDS: Final = {"en": texts_en.TEXTS, "fr": texts_fr.TEXTS}
_RENDERER: Final = Renderer(Path(__file__).parent / "templates", WORDS)


def render(page: str, language: str, facts: Mapping[str, object]) -> str:
    """Return the template *page* with *facts*, in *language* (``en``, ``fr``)."""

    def folder_name(path: str) -> str:
        return _RENDERER.text(language, "whole_drive") if path == "/" else path

    return _RENDERER.render(page, language, {**facts, "folder_name": folder_name})
