"""Texts, sheets and slides with what programs put into them: nothing is garbled, lost or made up."""

from __future__ import annotations

import io

import office_specimens as office
import openpyxl
import pytest

from bannette.ocr import Outcome, detect
from bannette.ocr.encodings import decode

UBL = (
    '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:c="c"><c:ID>F-1</c:ID>'
    "<c:LegalMonetaryTotal><c:TaxInclusiveAmount>{}</c:TaxInclusiveAmount></c:LegalMonetaryTotal></Invoice>"
)


def test_one_wrong_byte_makes_no_other_encoding():
    assert decode(("Été à Orléans\n" * 20).encode() + b"\xff\n").startswith("Été à Orléans")
    assert decode("Été à Orléans, café ".encode() + b"\xff").startswith("Été à Orléans, café")
    assert decode("Été à Orléans".encode("cp1252")) == "Été à Orléans"


def test_a_letter_that_looks_like_a_program_is_a_letter(tmp_path, read_document, text_of):
    path = tmp_path / "a"
    path.write_text("import numpy\nclass A:\n  def x(self):\n    pass\n")
    reading = read_document(path)
    assert reading.outcome is Outcome.TEXT
    assert "import numpy" in text_of(reading)


def test_what_only_hyphenates_keeps_no_word_from_being_found(tmp_path, read_document, text_of):
    path = tmp_path / "a"
    path.write_text("<html><body><p>fac&shy;ture 12\u200b345</p></body></html>", encoding="utf-8")
    assert "facture 12345" in text_of(read_document(path))


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (20, '0"%"', "20%"),
        (20, "0.0\\%", "20.0%"),
        (0.2, "0%", "20%"),
        (0.125, "0.0%", "12.5%"),
        (12.5, '0.00" kg"', "12.50"),
        (612345678, '0#" "##" "##', "612345678"),
    ],
)
def test_a_number_is_shown_as_its_format_says(tmp_path, read_document, text_of, value, number_format, shown):
    book = openpyxl.Workbook()
    book.active["A1"] = value
    book.active["A1"].number_format = number_format
    buffer = io.BytesIO()
    book.save(buffer)
    path = tmp_path / "a"
    path.write_bytes(buffer.getvalue())
    assert text_of(read_document(path)) == f"Sheet\n{shown}\n"


def test_slides_in_sections_are_read_once(tmp_path, read_document, text_of):
    path = office.pptx(tmp_path / "a", "Premier", "Second", sections=True)
    reading = read_document(path)
    assert (reading.outcome, reading.pages) == (Outcome.TEXT, 2)
    assert text_of(reading) == "Premier\fSecond\n"


def test_fields_of_a_document_are_text_and_titles_of_pictures_are_not(tmp_path, read_document, text_of):
    body = "<text:p>Doc: <text:title>Facture 77</text:title></text:p><draw:frame><svg:title>x</svg:title></draw:frame>"
    assert text_of(read_document(office.odf(tmp_path / "a", body))) == "Doc: Facture 77\n"


def test_what_stands_above_and_below_every_page_is_read_once(tmp_path, read_document, text_of):
    styles = (
        '<o:styles xmlns:o="o" xmlns:s="s" xmlns:t="t"><o:master-styles><s:master-page><s:header><t:p>ACME SARL</t:p>'
        "</s:header><s:footer><t:p>IBAN FR76</t:p></s:footer></s:master-page></o:master-styles></o:styles>"
    )
    path = office.odf(tmp_path / "a", "<text:p>Corps</text:p>", parts={"styles.xml": styles})
    assert text_of(read_document(path)) == "ACME SARL\nCorps\nIBAN FR76\n"


def test_cells_that_show_no_text_have_their_value_and_boxes_on_a_sheet_are_read(tmp_path, read_document, text_of):
    body = (
        '<table:table table:name="S"><table:shapes><draw:text-box><text:p>Total 99</text:p></draw:text-box>'
        '</table:shapes><table:table-row><table:table-cell office:value="42.5"/></table:table-row></table:table>'
    )
    assert text_of(read_document(office.odf(tmp_path / "a", body, kind="spreadsheet"))) == "S\n42.5\nTotal 99\n"


def test_a_document_that_declares_entities_is_refused_rather_than_read_in_part(tmp_path, read_document):
    document = '<!DOCTYPE x [<!ENTITY e "99">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p>'
    path = office.docx(tmp_path / "a", "", parts={"word/document.xml": f"{document}</w:body></w:document>"})
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.FAILED, "Corrupt")


@pytest.mark.parametrize(
    ("total", "expected"),
    [("12.00", "12.00"), ("-7", "-7"), ("1e9000000", None), ("1_000", None), ("١٢", None), ("NaN", None)],
)
def test_a_total_is_a_plain_number_or_none(tmp_path, read_document, total, expected):
    path = tmp_path / "a"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{UBL.format(total)}', encoding="utf-8")
    assert read_document(path).invoice.total == expected


def test_an_invoice_needs_no_line_that_says_it_is_xml(tmp_path, read_document):
    path = tmp_path / "a"
    path.write_text(UBL.format("12.00"))
    assert detect(path).media_type == "text/xml"
    assert read_document(path).invoice.number == "F-1"


def test_an_invoice_that_declares_entities_is_none(tmp_path, read_document):
    path = tmp_path / "a"
    path.write_text(f'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY e "99">]>{UBL.format("&e;")}')
    assert read_document(path).outcome is Outcome.UNSUPPORTED
