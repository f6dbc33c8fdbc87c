"""Office documents: their text in reading order, and what hostile ones come to."""

from __future__ import annotations

import zipfile

import office_specimens as office
import pytest

from bannette.ocr import Outcome, detect
from tests.documents.fetch import ODFPY, PYTHON_DOCX, PYTHON_PPTX, fetch

_P = office.paragraph
_RELATION = '<Relationship Id="{}" Type="http://x/{}" Target="{}"/>'
_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
# Source and file; outcome's reason, pages, and words that must come in this order.
REAL = [
    (PYTHON_DOCX, "hdr-header-footer.docx", None, 2, "Header for section-1 section with header"),
    (PYTHON_DOCX, "par-hyperlinks.docx", None, 2, "One awesome hyperlink."),
    (PYTHON_DOCX, "doc-access-sections.docx", None, 3, "Section one paragraph. Section two paragraph."),
    (PYTHON_DOCX, "tbl-having-applied-style.docx", None, 1, "foobar barfoo foo bar"),
    (PYTHON_DOCX, "tbl-2x2-table.docx", "NoText", 1, ""),
    (PYTHON_DOCX, "sct-inner-content.docx", None, 3, "P1 T2 P3 T4 P5 P6 P7 P8 P9"),
    (PYTHON_PPTX, "shp-pos-and-size.pptx", None, 3, "autoshape positioned at: x = 1”, y = 2”"),
    (PYTHON_PPTX, "sld-notes.pptx", None, 2, "Notes"),
    (PYTHON_PPTX, "txt-font-typeface.pptx", None, 1, "Baseline default textbox, no adjustments of any kind"),
    (PYTHON_PPTX, "dml-fill.pptx", None, 2, "autoshape with inherited fill autoshape with no fill"),
    (PYTHON_PPTX, "cht-marker-props.pptx", "NoText", 1, ""),
    (ODFPY, "headerfooter.odt", None, 1, "Lorem ipsum"),
    (ODFPY, "simpletable.odt", None, 1, "Cell 1 Cell 2 Cell 3 (bold) Cell 4 (italic)"),
    (ODFPY, "pythagoras.ods", None, 3, "Sheet1 3 4 5 7 Sheet2 Sheet3"),
]


@pytest.mark.documents
@pytest.mark.parametrize(("source", "name", "reason", "pages", "words"), REAL, ids=[case[1] for case in REAL])
def test_a_real_office_document_is_read(read_document, text_of, source, name, reason, pages, words):
    path = next(fetch(source).rglob(name))
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, reason, pages)
    assert words in " ".join(text_of(reading).split())
    assert detect(path).extension == name.rpartition(".")[2]


def test_a_document_is_read_in_the_order_in_which_it_is_read(tmp_path, read_document, text_of):
    box = f"<w:r><w:pict><w:txbxContent>{_P('in a box')}</w:txbxContent></w:pict></w:r>"
    cell = "<w:tc>{}</w:tc>"
    path = office.docx(
        tmp_path / "a",
        "<w:p><w:r><w:t>Montant</w:t><w:tab/><w:t>12,40 €</w:t></w:r>" + box + "</w:p>"
        f"<w:tbl><w:tr>{cell.format(_P('a'))}{cell.format(_P('b'))}</w:tr></w:tbl>"
        "<w:p><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins></w:p>"
        "<w:p><w:r><w:instrText>PAGE</w:instrText><w:br w:type='page'/><w:t>second page</w:t></w:r></w:p>",
        relations=_RELATION.format("r1", "header", "header1.xml")
        + _RELATION.format("r2", "header", "header2.xml")
        + _RELATION.format("r3", "footer", "footer1.xml")
        + _RELATION.format("r4", "footnotes", "footnotes.xml"),
        parts={
            "word/header1.xml": f"<w:hdr XMLNS>{_P('head')}</w:hdr>",
            "word/header2.xml": f"<w:hdr XMLNS>{_P('head')}</w:hdr>",
            "word/footer1.xml": f"<w:ftr XMLNS>{_P('foot')}</w:ftr>",
            "word/footnotes.xml": f"<w:footnotes XMLNS><w:footnote w:type='separator'>{_P('--')}</w:footnote>"
            f"<w:footnote>{_P('note')}</w:footnote></w:footnotes>",
        },
    )
    reading = read_document(path)
    assert text_of(reading) == "head\nMontant\t12,40 €\nin a box\na\tb\ninserted\fsecond page\nnote\nfoot\n"
    assert reading.pages == 2


def test_a_document_with_macros_keeps_its_type_and_is_read(tmp_path, read_document, text_of):
    path = office.docx(tmp_path / "a.docx", _P("Bonjour"), macros=True)
    assert detect(path).extension == "docm"
    assert text_of(read_document(path)) == "Bonjour\n"


def test_sheets_show_what_a_reader_sees(tmp_path, read_document, text_of):
    reading = read_document(office.xlsx(tmp_path / "a"))
    assert (reading.outcome, reading.pages) == (Outcome.TEXT, 2)
    assert reading.engine.startswith("openpyxl ")
    first, second = text_of(reading).split("\f")
    assert first == "Facture\nLibellé\tDate\tPrix\tTVA\nFenêtre\t2026-11-24\t1450.00\t20.0%\n\t\t\t\t\tà part"
    assert second == "Calcul (hidden)\nTRUE\t2026-11-24 08:30\t3.5\n"


def test_an_opendocument_text_has_notes_tables_and_spaces_and_no_deletions(tmp_path, read_document, text_of):
    row = "<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>{}</table:table-row>"
    path = office.odf(
        tmp_path / "a",
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        "<text:h>Facture</text:h><text:p>2<text:s text:c='2'/>x<text:tab/><text:span>12,40</text:span> €"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>note</text:p></text:note-body>"
        "</text:note></text:p><table:table>"
        + row.format("<table:table-cell table:number-columns-repeated='2'/>")
        + row.format("<table:table-cell><text:p>b</text:p></table:table-cell>")
        + "</table:table>",
    )
    assert text_of(read_document(path)) == "Facture\n2  x\t12,40 €1\nnote\na\na\tb\n"


def test_opendocument_sheets_and_slides_are_pages(tmp_path, read_document, text_of):
    cell = "<table:table-cell table:number-columns-repeated='{}'><text:p>{}</text:p></table:table-cell>"
    row = "<table:table-row table:number-rows-repeated='{}'>{}</table:table-row>"
    sheet = f"<table:table table:name='{{}}'>{row}</table:table>"
    sheets = sheet.format("Un", 2, cell.format(3, "7")) + sheet.format("Deux", 1048576, cell.format(16384, "x"))
    reading = read_document(office.odf(tmp_path / "a.ods", sheets, kind="spreadsheet"))
    first, second = text_of(reading).split("\f")
    assert first == "Un\n7\t7\t7\n7\t7\t7"
    # What fills a sheet up is cut, not multiplied.
    assert len(second) < 1_000_000
    slides = "<draw:page><draw:frame><draw:text-box><text:p>un</text:p></draw:text-box></draw:frame></draw:page>" * 2
    assert text_of(read_document(office.odf(tmp_path / "b", slides, kind="presentation"))) == "un\fun\n"


def _bomb(path):
    return office.docx(path, _P(" " * 70_000_000))


def _laughs(path):
    return office.package(
        office.docx(path, "").with_suffix(".laughs"),
        {
            "[Content_Types].xml": zipfile.ZipFile(path).read("[Content_Types].xml"),
            "word/document.xml": _LAUGHS + "<x>&b;</x>",
        },
    )


def _foreign_entity(path):
    secret = path.with_name("secret")
    secret.write_text("geheim")
    entity = f'<!DOCTYPE w [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'
    whole = zipfile.ZipFile(office.docx(path, _P("X")))
    parts = {name: whole.read(name) for name in whole.namelist()}
    parts["word/document.xml"] = entity.encode() + parts["word/document.xml"].replace(b">X<", b">X&a;<")
    return office.package(path.with_suffix(".entity"), parts)


def _cut(path):
    whole = office.docx(path, _P("Bonjour" * 1000)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _without_body(path):
    kind = office.docx(path, "")
    with zipfile.ZipFile(kind) as archive:
        types = archive.read("[Content_Types].xml")
    return office.package(path.with_suffix(".empty"), {"[Content_Types].xml": types})


def _broken_sheet(path):
    whole = zipfile.ZipFile(office.xlsx(path))
    parts = {name: whole.read(name) for name in whole.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:200]
    return office.package(path.with_suffix(".broken"), parts)


def _encrypted_odf(path):
    return office.odf(path, "x", manifest="<file-entry><encryption-data/></file-entry>")


def _encrypted_ooxml(path):
    name = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(1600) + name + bytes(4000))
    return path


def _before_2007(path):
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4000))
    return path


HOSTILE = [
    (_bomb, Outcome.SKIPPED, "TooLarge"),
    # Read without what its entities stand for, it would say something else.
    (_laughs, Outcome.FAILED, "Corrupt"),
    (_foreign_entity, Outcome.FAILED, "Corrupt"),
    (_without_body, Outcome.FAILED, "Corrupt"),
    (_broken_sheet, Outcome.FAILED, "Corrupt"),
    (_encrypted_odf, Outcome.NEEDS_PASSWORD, "Encrypted"),
    (_encrypted_ooxml, Outcome.NEEDS_PASSWORD, "Encrypted"),
    (_before_2007, Outcome.UNSUPPORTED, "UnsupportedType"),
]


@pytest.mark.parametrize(("make", "outcome", "reason"), HOSTILE, ids=[case[0].__name__ for case in HOSTILE])
def test_a_hostile_office_document_has_its_outcome(tmp_path, read_document, make, outcome, reason):
    reading = read_document(make(tmp_path / "a"))
    assert (reading.outcome, reading.reason) == (outcome, reason)
    if "text" in reading.files:
        assert "geheim" not in reading.files["text"].read_text()


def test_a_document_that_ends_too_soon_is_no_text(tmp_path, read_document):
    reading = read_document(_cut(tmp_path / "a"))
    assert reading.outcome in (Outcome.FAILED, Outcome.UNSUPPORTED)


def test_a_sheet_of_more_than_anybody_reads_is_cut_with_a_note(tmp_path, read_document):
    rows = "".join(f'<row r="{n}"><c t="inlineStr"><is><t>{"x" * 1000}</t></is></c></row>' for n in range(1, 6000))
    whole = zipfile.ZipFile(office.xlsx(tmp_path / "a"))
    parts = {name: whole.read(name) for name in whole.namelist()}
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    parts["xl/worksheets/sheet1.xml"] = f"{sheet}{rows}</sheetData></worksheet>"
    reading = read_document(office.package(tmp_path / "b", parts))
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "TextCut")
    assert 4_900_000 < reading.files["text"].stat().st_size < 5_100_000
