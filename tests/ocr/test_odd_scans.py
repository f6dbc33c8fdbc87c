"""Scans in PDFs as printers, faxes and other programs write them: all is read, and words lie on their ink."""

from __future__ import annotations

import ctypes

import pikepdf
import pypdfium2
import pypdfium2.raw as raw
import pytest
import specimens
from pikepdf import Array, Dictionary, Name

from bannette.ocr import Outcome

A4 = (595, 842)


def scan(path, *, before=b"", after=b"", strips=1, place=(0, 0, *A4), **members):
    """A page with a scan in *strips*, content *before* and *after* it, and further *members* of the page."""
    image = specimens.picture(dpi=150)
    left, bottom, width, height = place
    with pikepdf.new() as document:
        document.add_blank_page(page_size=A4)
        page = document.pages[0]
        pictures, content = Dictionary(), before
        for number in range(strips):
            top, end = (image.height * at // strips for at in (number, number + 1))
            strip = document.make_stream(image.crop((0, top, image.width, end)).tobytes())
            strip.update(Dictionary(Type=Name.XObject, Subtype=Name.Image, ColorSpace=Name.DeviceGray))
            strip.update(Dictionary(Width=image.width, Height=end - top, BitsPerComponent=8))
            pictures[f"/I{number}"] = strip
            share = height / image.height
            y = bottom + (image.height - end) * share
            content += f"q {width} 0 0 {(end - top) * share} {left} {y} cm /I{number} Do Q\n".encode()
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources = Dictionary(XObject=pictures, Font=Dictionary(F=font))
        page.Contents = document.make_stream(content + after)
        for name, value in members.items():
            page.obj[f"/{name}"] = value
        document.save(path)
    return path


def on_ink(path):
    """The share of the letters of the first page's text that lie where something dark is seen."""
    with pypdfium2.PdfDocument(path) as document:
        page = document[0]
        text, drawing = page.get_textpage(), page.render(scale=2, grayscale=True).to_pil()
        letters = [at for at in range(text.count_chars()) if chr(raw.FPDFText_GetUnicode(text, at)).isalnum()]
        dark = 0
        for at in letters:
            left, bottom, right, top = text.get_charbox(at)
            corners = []
            for x, y in ((left, top), (right, bottom)):
                across, down = ctypes.c_int(), ctypes.c_int()
                raw.FPDF_PageToDevice(page, 0, 0, *drawing.size, 0, x, y, across, down)
                corners.append((across.value, down.value))
            (x0, x1), (y0, y1) = (sorted(side) for side in zip(*corners, strict=True))
            if x0 >= 0 and y0 >= 0 and x0 < drawing.width and y0 < drawing.height:
                dark += drawing.crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))).getextrema()[0] < 128
        return dark / len(letters)


ODD = {
    "a crop box": {"CropBox": Array([30, 40, 560, 800])},
    "a crop box beyond the page": {"CropBox": Array([-200, -200, 900, 1000])},
    "a crop box the other way round": {"CropBox": Array([560, 800, 30, 40])},
    "an empty crop box": {"CropBox": Array([50, 50, 50, 50])},
    "a media box the other way round": {"MediaBox": Array([595, 842, 0, 0])},
    "a page that begins elsewhere": {"MediaBox": Array([100, 100, 695, 942]), "place": (100, 100, *A4)},
    "units of their own": {"UserUnit": 2},
    "turned backwards": {"Rotate": -90},
    "turned by half a quarter": {"Rotate": 45},
    "turned by a fraction": {"Rotate": 90.0},
    "states restored that weren't saved": {"after": b"Q Q 2 0 0 2 50 50 cm "},
    "states saved and never restored": {"before": b"2 0 0 2 0 0 cm q q ", "place": (0, 0, 297, 421)},
    "a text that never ends": {"after": b"BT /F 12 Tf "},
    "strips": {"strips": 40},
}


@pytest.mark.parametrize("odd", ODD)
def test_words_lie_on_their_ink(tmp_path, read_document, text_of, recall, odd):
    reading = read_document(scan(tmp_path / "a", **ODD[odd]))
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, None)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.85
    assert on_ink(reading.files["pdf"]) >= 0.97


@pytest.mark.parametrize("strips", [1, 40])
def test_a_scan_below_a_line_of_the_fax_machine_is_read(tmp_path, read_document, text_of, recall, strips):
    line = b"BT /F 8 Tf 20 830 Td (Received 2026-11-24 by fax) Tj ET"
    reading = read_document(scan(tmp_path / "a", strips=strips, after=line))
    assert reading.outcome is Outcome.RECOGNISED
    text = text_of(reading)
    assert "Received 2026-11-24 by fax" in text
    assert recall(text, specimens.INVOICE_WORDS) >= 0.85


def test_a_stamp_that_cannot_be_seen_is_no_earlier_reading(tmp_path, read_document, text_of, recall):
    stamp = b"BT /F 8 Tf 3 Tr 20 830 Td (scan0001) Tj ET"
    reading = read_document(scan(tmp_path / "a", after=stamp))
    assert reading.outcome is Outcome.RECOGNISED
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.85


def test_files_that_a_pdf_carries_are_told(tmp_path, read_document):
    path = specimens.text_pdf(tmp_path / "a")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.attachments["invoice.pdf"] = path.read_bytes()
        document.save(path)
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "PartsMissing")


def test_the_data_of_an_invoice_that_are_named_only_cost_nothing(tmp_path, read_document, text_of):
    path = specimens.text_pdf(tmp_path / "a")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.attachments["factur-x.xml"] = b"<x/>"
        del document.Root.Names.EmbeddedFiles.Names[1]["/EF"]
        document.save(path)
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.invoice) == (Outcome.TEXT, None, None)
    assert "FACTURE" in text_of(reading)
