"""Tesseract on one image: text, confidence, and a PDF page in which the text lies over the image."""

from __future__ import annotations

import csv
import errno
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bannette.ocr.languages import installed_models
from bannette.ocr.reading import Outcome
from bannette.ocr.request import NotRead, Request

PAGE_SECONDS = 120
# A word below this is more often wrong than right.
SURE = 60
# Of all words of a page.
_MANY_DOUBTS = 0.15
# In letters: a word that is wider than high when it stands upright.
_LONG = 4
_numbers = itertools.count(1)


class Thresholding(IntEnum):
    """How tesseract tells ink from paper; the numbers are tesseract's own."""

    OTSU = 0
    SAUVOLA = 2


@dataclass(frozen=True)
class Recognition:
    """What tesseract made of one image.

    Attributes:
        words: each word's confidence (0 to 100) and length.
        pdf: a PDF of one page: the image and the text, invisible.
        lies: most words run up or down the page. Tesseract reads them all the same.
    """

    text: str
    words: Sequence[tuple[float, int]]
    pdf: Path
    lies: bool = False

    @property
    def sure_characters(self) -> int:
        """Characters in words that are probably right: what one thresholding is better at than another."""
        return sum(length for confidence, length in self.words if confidence >= SURE)

    @property
    def may_be_turned(self) -> bool:
        """Whether the page may stand upright when it is turned: little was read, or the words don't run across it."""
        return self.lies or self.sure_characters * 2 <= sum(length for _, length in self.words)

    def is_beaten_by(self, turned: Recognition) -> bool:
        """Whether the same page *turned* is the one to keep.

        Lying words that were read nearly as surely are worth turning, too: a person reads them then.
        """
        return turned.sure_characters >= self.sure_characters * (0.9 if self.lies else 1.0)

    @property
    def is_doubtful(self) -> bool:
        """Whether more than a few words are probably wrong, or there are none."""
        return sum(confidence < SURE for confidence, _ in self.words) >= _MANY_DOUBTS * len(self.words)


@cache
def engine_name() -> str:
    """Return ``tesseract`` and its version."""
    from pytesseract import get_tesseract_version

    return f"tesseract {get_tesseract_version()}"


@dataclass(frozen=True)
class Certainty:
    """How sure the engine is of the words that it read; *mean* of their confidences is None without words."""

    mean: float | None
    words: int
    unsure_words: int


def certainty(confidences: Sequence[float]) -> Certainty:
    """Sum up the words' *confidences*, each 0 to 100."""
    mean = round(sum(confidences) / len(confidences), 1) if confidences else None
    return Certainty(mean, len(confidences), sum(confidence < SURE for confidence in confidences))


def require_languages(request: Request) -> None:
    """Make sure that tesseract has the models of *request*.

    Raises:
        NotRead: LanguageNotInstalled; tesseract itself would go on with those that it has.
    """
    if not request.languages or not installed_models().issuperset(request.languages):
        raise NotRead(Outcome.FAILED, "LanguageNotInstalled")


def recognise(image: Path, *, request: Request, dpi: int) -> Recognition:
    """Recognise *image* with both thresholdings and keep the better result.

    Otsu's is better on most clean pages, Sauvola's reads photos with a shadow of which Otsu's loses half, and neither
    knows it: the mean confidence is high either way. So what counts is how much was read surely.
    """
    otsu, sauvola = (_run(image, request=request, dpi=dpi, thresholding=thresholding) for thresholding in Thresholding)
    better, worse = (sauvola, otsu) if sauvola.sure_characters > otsu.sure_characters else (otsu, sauvola)
    worse.pdf.unlink()
    return better


def recognise_scan(image: Path, *, request: Request, dpi: int, shaded: bool) -> Recognition:
    """Recognise the drawing *image* of a scanned page; its PDF has the text alone, without the image.

    Clean scans are read once. A second time with the other thresholding only where that may win: in a shadow, and where
    many words are in doubt.
    """
    first = _run(image, request=request, dpi=dpi, thresholding=Thresholding.OTSU, text_only=True)
    if not shaded and not first.is_doubtful:
        return first
    second = _run(image, request=request, dpi=dpi, thresholding=Thresholding.SAUVOLA, text_only=True)
    return second if second.sure_characters > first.sure_characters else first


def quarter_turns(image: Path, *, dpi: int) -> int:
    """Say by how many quarter turns clockwise *image* must be turned to stand upright; 0 when that can't be told."""
    from pytesseract import Output, TesseractError, image_to_osd

    if "osd" not in installed_models():
        return 0
    try:
        found = image_to_osd(str(image), config=f"--dpi {dpi}", output_type=Output.DICT, timeout=PAGE_SECONDS)
    except (TesseractError, RuntimeError):  # Too few characters to tell; or out of time.
        return 0
    return int(found["rotate"]) // 90 if float(found["orientation_conf"]) >= 2 else 0


def _run(
    image: Path, *, request: Request, dpi: int, thresholding: Thresholding, text_only: bool = False
) -> Recognition:
    from pytesseract import TesseractError
    from pytesseract.pytesseract import run_tesseract

    base = request.scratch / f"recognised-{next(_numbers)}"
    try:
        run_tesseract(
            str(image),
            str(base),
            extension="pdf txt tsv",
            lang="+".join(request.languages),
            config=f"--dpi {dpi} -c thresholding_method={thresholding} -c tessedit_create_tsv=1"
            f" -c textonly_pdf={int(text_only)}",
            timeout=PAGE_SECONDS,
        )
    except TesseractError as error:
        raise NotRead(Outcome.FAILED, _reason(error.status, error.message)) from error
    except RuntimeError as error:  # pytesseract has no class of its own for this.
        raise NotRead(Outcome.FAILED, "TimedOut") from error
    text, pdf = base.with_suffix(".txt").read_text(encoding="utf-8", errors="replace"), base.with_suffix(".pdf")
    if not pdf.read_bytes().rstrip().endswith(b"%%EOF"):
        # Tesseract doesn't notice a full disk.
        raise OSError(errno.ENOSPC, "No space left")
    words = _words(base.with_suffix(".tsv"))
    long = [word for word in words if word.length >= _LONG]
    lies = sum(word.height > word.width for word in long) * 2 > len(long)
    return Recognition(text, [(word.confidence, word.length) for word in words], pdf, lies)


def _reason(status: int, message: str) -> str:
    if re.search(r"bad_alloc|[Oo]ut of memory|[Cc]annot allocate|malloc fail", str(message)):
        return "OutOfMemory"
    return "Crashed" if status < 0 else "EngineFailed"


class _Word(NamedTuple):
    confidence: float
    length: int
    width: int
    height: int


def _words(table: Path) -> list[_Word]:
    with table.open(encoding="utf-8", errors="replace", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        # Level 5 is a word; -1 stands for what isn't one.
        return [
            _Word(float(row["conf"]), len(row["text"].strip()), int(row["width"]), int(row["height"]))
            for row in rows
            if row["level"] == "5" and float(row["conf"]) >= 0 and row["text"] and row["text"].strip()
        ]
