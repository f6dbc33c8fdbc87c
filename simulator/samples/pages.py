"""Draws a bill as a page: an invoice on A4, a receipt on a till roll."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from pathlib import Path

import reportlab
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from simulator.samples.bills import Bill, Language

_REGULAR, _BOLD = "Vera", "VeraBd"

_WORDS = {
    Language.FRENCH: {
        "invoice": "FACTURE",
        "receipt": "REÇU",
        "number": "Numéro",
        "date": "Date",
        "due": "Échéance",
        "to": "Facturé à",
        "vat_id": "TVA intracommunautaire",
        "what": "Désignation",
        "quantity": "Qté",
        "price": "Prix unitaire HT",
        "amount": "Montant HT",
        "net": "Total HT",
        "vat": "TVA",
        "total": "Total TTC",
    },
    Language.ENGLISH: {
        "invoice": "INVOICE",
        "receipt": "RECEIPT",
        "number": "Number",
        "date": "Date",
        "due": "Due",
        "to": "Billed to",
        "vat_id": "VAT registration",
        "what": "Description",
        "quantity": "Qty",
        "price": "Unit price",
        "amount": "Amount",
        "net": "Subtotal",
        "vat": "VAT",
        "total": "Total due",
    },
}
_CUSTOMER = ("Acme Conseil SAS", "3, quai Saint-Antoine", "69002 Lyon")


def money(amount: Decimal, bill: Bill) -> str:
    """Return *amount* as the bill's language writes it: ``1 234,50 €`` or ``€1,234.50``."""
    if bill.language is Language.FRENCH:
        return f"{amount:,.2f}".replace(",", " ").replace(".", ",") + f" {bill.currency}"
    return f"{bill.currency}{amount:,.2f}"


def draw(bill: Bill) -> bytes:
    """Return the bill as a PDF of one page; the same bytes every time."""
    _register_fonts()
    return _invoice(bill) if bill.due else _receipt(bill)


def _register_fonts() -> None:
    # A font that reportlab ships: embedded, so that the page looks the same everywhere.
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (_REGULAR, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def _canvas(width: float, height: float, bill: Bill) -> tuple[Canvas, BytesIO]:
    target = BytesIO()
    canvas = Canvas(target, pagesize=(width, height), invariant=1, pageCompression=1)
    canvas.setTitle(f"{bill.seller} {bill.number}")
    canvas.setAuthor(bill.seller)
    return canvas, target


def _invoice(bill: Bill) -> bytes:
    words = _WORDS[bill.language]
    width, height = 210 * mm, 297 * mm
    canvas, target = _canvas(width, height, bill)
    left, right, y = 20 * mm, width - 20 * mm, height - 25 * mm

    canvas.setFont(_BOLD, 16)
    canvas.drawString(left, y, bill.seller)
    canvas.drawRightString(right, y, words["invoice"])
    canvas.setFont(_REGULAR, 9)
    for text in (*bill.address, f"{words['vat_id']} : {bill.vat_id}"):
        y -= 5 * mm
        canvas.drawString(left, y, text)

    y -= 14 * mm
    details = [(words["number"], bill.number), (words["date"], bill.date), (words["due"], bill.due or "")]
    canvas.setFont(_REGULAR, 10)
    for row, (label, value) in enumerate(details):
        canvas.drawString(left, y - row * 6 * mm, f"{label} : {value}")
    canvas.setFont(_BOLD, 10)
    canvas.drawString(120 * mm, y, words["to"])
    canvas.setFont(_REGULAR, 10)
    for row, text in enumerate(_CUSTOMER, start=1):
        canvas.drawString(120 * mm, y - row * 6 * mm, text)

    y -= 36 * mm
    columns = (left, 118 * mm, 157 * mm, right)
    canvas.setFont(_BOLD, 9)
    canvas.drawString(columns[0], y, words["what"])
    for x, label in zip(columns[1:], (words["quantity"], words["price"], words["amount"]), strict=True):
        canvas.drawRightString(x, y, label)
    canvas.line(left, y - 2 * mm, right, y - 2 * mm)
    canvas.setFont(_REGULAR, 9.5)
    for line in bill.lines:
        y -= 8 * mm
        canvas.drawString(columns[0], y, line.what)
        canvas.drawRightString(columns[1], y, str(line.quantity))
        canvas.drawRightString(columns[2], y, money(line.price, bill))
        canvas.drawRightString(columns[3], y, money(line.quantity * line.price, bill))
    canvas.line(left, y - 3 * mm, right, y - 3 * mm)

    y -= 11 * mm
    sums = ((words["net"], bill.net), (f"{words['vat']} {bill.vat_percent} %", bill.vat), (words["total"], bill.total))
    for row, (label, amount) in enumerate(sums):
        canvas.setFont(_BOLD if row == len(sums) - 1 else _REGULAR, 10.5)
        canvas.drawString(118 * mm, y - row * 7 * mm, label)
        canvas.drawRightString(right, y - row * 7 * mm, money(amount, bill))
    canvas.setFont(_REGULAR, 9)
    canvas.drawString(left, 30 * mm, bill.note)
    canvas.save()
    return target.getvalue()


def _receipt(bill: Bill) -> bytes:
    words = _WORDS[bill.language]
    width, height = 80 * mm, (95 + 7 * len(bill.lines)) * mm
    canvas, target = _canvas(width, height, bill)
    left, right, y = 6 * mm, width - 6 * mm, height - 12 * mm

    canvas.setFont(_BOLD, 12)
    canvas.drawCentredString(width / 2, y, bill.seller)
    canvas.setFont(_REGULAR, 8.5)
    for text in (*bill.address, f"{words['vat']} {bill.vat_id}"):
        y -= 5 * mm
        canvas.drawCentredString(width / 2, y, text)
    y -= 9 * mm
    canvas.drawString(left, y, bill.number)
    y -= 5 * mm
    canvas.drawString(left, y, bill.date)
    y -= 3 * mm
    canvas.line(left, y, right, y)
    canvas.setFont(_REGULAR, 9)
    for line in bill.lines:
        y -= 7 * mm
        canvas.drawString(left, y, f"{line.quantity} x {line.what}")
        canvas.drawRightString(right, y, money(line.quantity * line.price, bill))
    y -= 4 * mm
    canvas.line(left, y, right, y)
    for label, amount in ((words["net"], bill.net), (f"{words['vat']} {bill.vat_percent} %", bill.vat)):
        y -= 6 * mm
        canvas.drawString(left, y, label)
        canvas.drawRightString(right, y, money(amount, bill))
    y -= 8 * mm
    canvas.setFont(_BOLD, 12)
    canvas.drawString(left, y, words["total"])
    canvas.drawRightString(right, y, money(bill.total, bill))
    canvas.setFont(_REGULAR, 8)
    canvas.drawCentredString(width / 2, 8 * mm, bill.note)
    canvas.save()
    return target.getvalue()
