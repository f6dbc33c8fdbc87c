"""PDF: pages with text are read, scanned pages are recognised, signed documents are left untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bannette.ocr.request import Answer

if TYPE_CHECKING:
    from bannette.ocr.job import Job

MEDIA_TYPES = frozenset({"application/pdf"})


def read(job: Job) -> Answer:
    """Read a PDF."""
    raise NotImplementedError
