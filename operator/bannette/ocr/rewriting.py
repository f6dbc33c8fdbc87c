"""A searchable PDF from a scanned one, by OCRmyPDF: the images stay as they are, the text is laid over them."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from bannette.ocr.engine import PAGE_SECONDS
from bannette.ocr.languages import installed_models
from bannette.ocr.reading import Outcome
from bannette.ocr.request import NotRead, Request

_CONFIDENCE = re.compile(r"class=['\"]ocrx_word['\"][^>]*x_wconf (\d+)")


class NotRewritable(Exception):
    """OCRmyPDF refuses this file; its pages may still be drawn and recognised."""


def rewrite(source: Path, target: Path, *, request: Request, pages: Sequence[int], mixed: bool) -> list[float]:
    """Recognise the *pages* (from 0) of *source*, write *target*, and return the confidences of the words.

    Args:
        mixed: some of the pages have text beside images; only what isn't text is recognised there.

    Raises:
        NotRewritable: encrypted, broken beyond repair, or otherwise not for OCRmyPDF.
        NotRead: an image is larger than it may be, or the engine failed for want of memory.
    """
    import ocrmypdf
    from PIL.Image import DecompressionBombError

    logging.disable(logging.CRITICAL)
    try:
        ocrmypdf.ocr(
            source,
            target,
            language=list(request.languages),
            pages=",".join(str(page + 1) for page in pages),
            mode="redo" if mixed else "skip",
            rotate_pages="osd" in installed_models(),
            output_type="pdf",
            optimize=0,
            jobs=1,
            use_threads=True,
            progress_bar=False,
            tesseract_timeout=PAGE_SECONDS,
            max_image_mpixels=request.limits.megapixels,
            # In the scratch folder, which goes with the child: the confidences are in them.
            keep_temporary_files=True,
        )
    except DecompressionBombError as error:
        raise NotRead(Outcome.SKIPPED, "TooLarge") from error
    except MemoryError:
        raise
    except Exception as error:
        raise NotRewritable from error
    return [
        float(confidence)
        for page in sorted(request.scratch.glob("ocrmypdf.io.*/*_ocr_hocr.hocr"))
        for confidence in _CONFIDENCE.findall(page.read_text(encoding="utf-8", errors="replace"))
    ]
