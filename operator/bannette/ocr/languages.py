"""Which languages the OCR engine of this machine can read."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bannette.errors import PersonNeeded

# Not languages but models for layout: they are listed beside them.
_NOT_LANGUAGES = frozenset({"osd", "equ", "snum"})


def engine_folder() -> Path | None:
    """Return the folder where tesseract has its models and settings; None when it doesn't tell."""
    # List of available languages in "/usr/share/tesseract-ocr/5/tessdata/" (4):
    told = re.search(r'"([^"]+)"', _listed(None).partition("\n")[0])
    return Path(told[1]) if told else None


def installed_models(tessdata: Path | None = None) -> frozenset[str]:
    """Return the names of all models that tesseract has, layout models included; *tessdata*: in that folder.

    Raises:
        PersonNeeded: tesseract isn't installed, or can't start.
    """
    # The first line is a heading.
    return frozenset(line.strip() for line in _listed(tessdata).splitlines()[1:] if line.strip())


def _listed(tessdata: Path | None) -> str:
    try:
        answer = subprocess.run(
            ["tesseract", "--list-langs"],  # noqa: S607 - the engine of the image, found by PATH
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | ({"TESSDATA_PREFIX": str(tessdata)} if tessdata else {}),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PersonNeeded(
            "The OCR engine can't be started: install tesseract-ocr (5.0 or newer), or set spec.ocr.enabled to false.",
            reason="OcrNotInstalled",
        ) from error
    return answer.stdout


def check_languages(languages: Iterable[str], *, tessdata: Path | None = None) -> None:
    """Make sure that the engine can read *languages*; called once, before a run collects anything.

    *tessdata*: the folder of its models, if it isn't the engine's own.

    Raises:
        PersonNeeded: at least one isn't installed (LanguageNotInstalled), or there is no engine (OcrNotInstalled).
    """
    if tessdata is not None and not any(tessdata.glob("*.traineddata")):
        raise PersonNeeded(
            f"The folder {tessdata} of spec.ocr.tessdata holds no models here (*.traineddata): put them there, or "
            "leave the field out for the engine's own.",
            reason="LanguageNotInstalled",
        )
    installed = installed_models(tessdata) - _NOT_LANGUAGES
    missing = [language for language in languages if language not in installed]
    if missing:
        packages = " ".join(f"tesseract-ocr-{language.replace('_', '-').lower()}" for language in missing)
        raise PersonNeeded(
            f"OCR can't read {', '.join(missing)} here; installed{f' in {tessdata}' if tessdata else ''}: "
            f"{', '.join(sorted(installed)) or 'none'}. "
            f"Name installed languages in spec.ocr.languages, or add the models to the image ({packages}).",
            reason="LanguageNotInstalled",
        )
