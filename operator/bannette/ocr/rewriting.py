"""A searchable PDF from pages that have text beside images, by OCRmyPDF: only what isn't text is recognised."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bannette.ocr.engine import PAGE_SECONDS
from bannette.ocr.request import Request

_CONFIDENCE = re.compile(r"class=['\"]ocrx_word['\"][^>]*x_wconf (\d+)")


@dataclass(frozen=True)
class Rewritten:
    """A searchable PDF was written by *engine*; *confidences* are those of the words that were recognised for it."""

    engine: str
    confidences: list[float]


class NotRewritable(Exception):
    """OCRmyPDF refuses this file; its pages may still be drawn and recognised."""


def rewrite(source: Path, target: Path, *, request: Request, pages: Sequence[int], shaded: bool) -> Rewritten:
    """Recognise the *pages* (from 0) of *source* and write the result to *target*.

    Args:
        shaded: some of the pages are photos with shadows; clean pages lose little by it.

    Raises:
        NotRewritable: broken, larger than memory, or otherwise not for OCRmyPDF.
    """
    import ocrmypdf

    logging.disable(logging.CRITICAL)
    try:
        ocrmypdf.ocr(
            source,
            target,
            language=list(request.languages),
            pages=",".join(str(page + 1) for page in pages),
            mode="redo",
            output_type="pdf",
            optimize=0,
            jobs=1,
            use_threads=True,
            progress_bar=False,
            tesseract_thresholding="sauvola" if shaded else "auto",
            tesseract_timeout=PAGE_SECONDS,
            max_image_mpixels=request.limits.megapixels,
            # In the scratch folder, which goes with the child: the confidences are in them.
            keep_temporary_files=True,
            plugins=["bannette.ocr.rewriting_plugin"],
        )
    except Exception as error:
        # It has no class for all that it raises, and lets those of its libraries through.
        target.unlink(missing_ok=True)
        raise NotRewritable from error
    confidences = [
        float(confidence)
        for page in sorted(request.scratch.glob("ocrmypdf.io.*/*_ocr_hocr.hocr"))
        for confidence in _CONFIDENCE.findall(page.read_text(encoding="utf-8", errors="replace"))
    ]
    return Rewritten(f"ocrmypdf {ocrmypdf.__version__}", confidences)
