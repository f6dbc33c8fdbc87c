"""Reads documents: what type a file is, its text, and a PDF in which that text can be searched.

Importing this package is cheap: the libraries that read documents are imported only in the child process that reads
one. ``read`` starts that child, bounds it, and says how it ended; no document can stop or crash its caller.
"""

from bannette.ocr.detection import UNKNOWN, Detected, detect
from bannette.ocr.detector import Detector
from bannette.ocr.invoice import Invoice
from bannette.ocr.languages import check_languages
from bannette.ocr.reading import Limits, Outcome, Part, Reading
from bannette.ocr.request import MOST_PART_BYTES, MOST_PARTS
from bannette.ocr.supervision import Stopped, memory_needed, read, stop_all

__all__ = [
    "MOST_PARTS",
    "MOST_PART_BYTES",
    "UNKNOWN",
    "Detected",
    "Detector",
    "Invoice",
    "Limits",
    "Outcome",
    "Part",
    "Reading",
    "Stopped",
    "check_languages",
    "detect",
    "memory_needed",
    "read",
    "stop_all",
]
