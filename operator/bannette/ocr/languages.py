"""Which languages the OCR engine of this machine can read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from bannette.errors import PersonNeeded

# Not languages but models for layout: they are listed beside them.
_NOT_LANGUAGES = frozenset({"osd", "equ", "snum"})


def installed_models() -> frozenset[str]:
    """Return the names of all models that tesseract has, layout models included.

    Raises:
        PersonNeeded: tesseract isn't installed, or can't start.
    """
    try:
        answer = subprocess.run(
            ["tesseract", "--list-langs"],  # noqa: S607 - the engine of the image, found by PATH
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PersonNeeded(
            "The OCR engine can't be started: install tesseract-ocr (5.0 or newer), or set spec.ocr.enabled to false.",
            reason="OcrNotInstalled",
        ) from error
    # The first line is a heading.
    return frozenset(line.strip() for line in answer.stdout.splitlines()[1:] if line.strip())


def check_languages(languages: Iterable[str]) -> None:
    """Make sure that the engine can read *languages*; called once, before a run collects anything.

    Raises:
        PersonNeeded: at least one isn't installed (LanguageNotInstalled), or there is no engine (OcrNotInstalled).
    """
    installed = installed_models() - _NOT_LANGUAGES
    missing = [language for language in languages if language not in installed]
    if missing:
        packages = " ".join(f"tesseract-ocr-{language.replace('_', '-').lower()}" for language in missing)
        raise PersonNeeded(
            f"OCR can't read {', '.join(missing)} here; installed: {', '.join(sorted(installed)) or 'none'}. "
            f"Name installed languages in spec.ocr.languages, or add the models to the image ({packages}).",
            reason="LanguageNotInstalled",
        )
