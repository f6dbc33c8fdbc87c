"""Electronic invoices that come as bare XML: Cross Industry Invoice and UBL. Other XML isn't read."""

from __future__ import annotations

from bannette.ocr.invoice import invoice_lines, parse_invoice
from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.versions import xml_engine

MEDIA_TYPES = frozenset({"text/xml", "application/xml"})
GIVES = ("text", "invoice")
# In bytes. Real ones have some 100 kB, unless they carry documents.
_LARGEST = 32_000_000
_TEXT = "document.txt"


def read(request: Request) -> Answer:
    """Read an invoice; its text has one line for each element that says something."""
    if request.path.stat().st_size > _LARGEST:
        raise NotRead(Outcome.SKIPPED, "TooLarge")
    data = request.path.read_bytes()
    invoice = parse_invoice(data)
    if invoice is None:
        raise NotRead(Outcome.UNSUPPORTED, "UnsupportedType")
    save_text(["\n".join(invoice_lines(data))], request.folder / _TEXT)
    return Answer(outcome=Outcome.TEXT, engine=xml_engine(), pages=1, files={"text": _TEXT}, invoice=invoice)
