"""PDFs: what is read, what is recognised, what is left untouched."""

from __future__ import annotations

import hashlib

import pikepdf
import pypdfium2
import pytest
import specimens

from bannette.ocr import Limits, Outcome


def _searchable_text(path):
    with pypdfium2.PdfDocument(path) as document:
        return "\f".join(page.get_textpage().get_text_bounded() for page in document)


def test_a_pdf_with_text_is_read_and_its_original_is_the_searchable_pdf(tmp_path, read_document, text_of):
    path = specimens.text_pdf(tmp_path / "a.pdf", specimens.INVOICE, ["Deuxième page"])
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.engine, reading.pages) == (Outcome.TEXT, None, "pdfium", 2)
    assert reading.files["pdf"].read_bytes() == path.read_bytes()
    first, second = text_of(reading).split("\f")
    assert first.splitlines() == list(specimens.INVOICE)
    assert second == "Deuxième page\n"


def test_a_scan_is_recognised_and_becomes_searchable(tmp_path, read_document, text_of, recall):
    path = specimens.scan_pdf(tmp_path / "a.pdf")
    before = hashlib.sha256(path.read_bytes()).digest()
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.languages) == (Outcome.RECOGNISED, None, ("fra", "eng"))
    assert reading.engine.startswith("tesseract 5.")
    assert reading.confidence > 80
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9
    assert recall(_searchable_text(reading.files["pdf"]), specimens.INVOICE_WORDS) >= 0.9
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_photo_with_a_shadow_is_read_in_a_pdf_too(tmp_path, read_document, text_of, recall):
    path = specimens.scan_pdf(tmp_path / "a.pdf", specimens.shaded(specimens.picture()))
    reading = read_document(path)
    assert reading.outcome is Outcome.RECOGNISED
    assert recall(_searchable_text(reading.files["pdf"]), specimens.INVOICE_WORDS) >= 0.75


def test_only_the_scanned_pages_of_a_mixed_document_are_recognised(tmp_path, read_document, text_of, recall):
    text = specimens.text_pdf(tmp_path / "text.pdf", ["Bon de livraison 88"])
    scan = specimens.scan_pdf(tmp_path / "scan.pdf")
    reading = read_document(specimens.joined(tmp_path / "a.pdf", text, scan, text))
    assert (reading.outcome, reading.pages) == (Outcome.RECOGNISED, 3)
    first, second, third = text_of(reading).split("\f")
    assert first.strip() == third.strip() == "Bon de livraison 88"
    assert recall(second, specimens.INVOICE_WORDS) >= 0.9


def test_text_in_the_image_behind_text_is_recognised_too(tmp_path, read_document, text_of):
    reading = read_document(specimens.letterhead_pdf(tmp_path / "a.pdf"))
    assert reading.outcome is Outcome.RECOGNISED
    assert text_of(reading).count("FACTURE 2026-0417") == 1
    assert "512345678" in text_of(reading)


def test_what_was_recognised_before_is_not_recognised_again(tmp_path, read_document, text_of, recall):
    once = read_document(specimens.scan_pdf(tmp_path / "a.pdf"))
    twice = read_document(once.files["pdf"])
    assert (twice.outcome, twice.engine) == (Outcome.TEXT, "pdfium")
    assert recall(text_of(twice), specimens.INVOICE_WORDS) >= 0.9


def test_an_empty_page_between_others_keeps_its_place(tmp_path, read_document, text_of):
    reading = read_document(specimens.text_pdf(tmp_path / "a.pdf", ["eins"], [], ["trois"]))
    assert text_of(reading) == "eins\f\ftrois\n"


def test_a_document_without_any_text_says_so(tmp_path, read_document):
    reading = read_document(specimens.text_pdf(tmp_path / "a.pdf", []))
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "NoText")


def test_what_was_filled_into_a_form_is_read(tmp_path, read_document, text_of):
    reading = read_document(specimens.form_pdf(tmp_path / "a.pdf", "BC-2026-77"))
    assert reading.outcome is Outcome.TEXT
    assert "Formulaire de commande" in text_of(reading)
    assert "BC-2026-77" in text_of(reading)


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml"])
def test_the_data_of_an_electronic_invoice_are_kept_beside_it(tmp_path, read_document, name):
    path = specimens.text_pdf(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.attachments["notes.txt"] = b"other"
        document.attachments[name] = b"<rsm:CrossIndustryInvoice/>"
        document.save()
    reading = read_document(path)
    assert reading.outcome is Outcome.TEXT
    assert reading.files["factur-x"].read_bytes() == b"<rsm:CrossIndustryInvoice/>"


def test_data_that_unfold_to_an_enormous_size_are_left_in_the_document(tmp_path, read_document):
    path = specimens.text_pdf(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.attachments["factur-x.xml"] = bytes(33_000_000)
        document.save()
    assert path.stat().st_size < 100_000
    reading = read_document(path)
    assert reading.outcome is Outcome.TEXT
    assert "factur-x" not in reading.files


def test_an_encrypted_pdf_needs_a_password(tmp_path, read_document):
    path = specimens.encrypted(tmp_path / "a.pdf", specimens.text_pdf(tmp_path / "plain.pdf"), user="secret")
    reading = read_document(path, passwords=("wrong",))
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.NEEDS_PASSWORD, "Encrypted", {})


@pytest.mark.parametrize("make", [specimens.text_pdf, specimens.scan_pdf])
def test_with_its_password_an_encrypted_pdf_is_read_and_delivered_open(tmp_path, read_document, text_of, recall, make):
    path = specimens.encrypted(tmp_path / "a.pdf", make(tmp_path / "plain.pdf"), user="secret")
    reading = read_document(path, passwords=("wrong", "secret"))
    assert reading.reason is None
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9
    with pikepdf.open(reading.files["pdf"]) as document:
        assert not document.is_encrypted


def test_a_scan_that_only_its_owner_may_change_is_recognised(tmp_path, read_document, text_of, recall):
    path = specimens.encrypted(tmp_path / "a.pdf", specimens.scan_pdf(tmp_path / "plain.pdf"), user="")
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, None)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9


def test_a_signed_pdf_with_text_is_delivered_byte_for_byte(tmp_path, read_document, text_of):
    path = specimens.signed(tmp_path / "a.pdf", specimens.text_pdf(tmp_path / "plain.pdf"))
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "Signed")
    assert reading.files["pdf"].read_bytes() == path.read_bytes()
    assert "Règlement à réception" in text_of(reading)


def test_a_signed_scan_is_left_untouched_and_its_text_made_from_a_drawing(tmp_path, read_document, text_of, recall):
    path = specimens.signed(tmp_path / "a.pdf", specimens.scan_pdf(tmp_path / "plain.pdf"))
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, "Signed")
    assert sorted(reading.files) == ["text", "thumbnail"]
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7\n", b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n%%EOF", b"%PDF-1.7" * 9999]
)
def test_a_broken_pdf_fails_as_corrupt(tmp_path, read_document, content):
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.FAILED, "Corrupt", {})


def test_a_page_that_cannot_be_loaded_does_not_withhold_the_others(tmp_path, read_document, text_of):
    path = specimens.text_pdf(tmp_path / "a.pdf", ["eins"], ["zwei"])
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.pages[0].obj.Type = pikepdf.Name.Catalog
        document.save()
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, "PagesMissing", 2)
    assert text_of(reading) == "\fzwei\n"


def test_an_image_is_refused_by_its_declared_size(tmp_path, read_document):
    reading = read_document(specimens.bomb_pdf(tmp_path / "a.pdf"))
    assert (reading.outcome, reading.reason) == (Outcome.SKIPPED, "TooLarge")
    assert reading.seconds < 60


def test_more_scanned_pages_than_allowed_are_not_recognised(tmp_path, read_document):
    path = specimens.scan_pdf(tmp_path / "a.pdf", *[specimens.picture(dpi=30)] * 3, dpi=30)
    reading = read_document(path, limits=Limits(pages=2))
    assert (reading.outcome, reading.reason) == (Outcome.SKIPPED, "TooManyPages")


def test_pages_with_text_are_read_whatever_the_limit_of_pages(tmp_path, read_document):
    path = specimens.text_pdf(tmp_path / "a.pdf", *[["page"]] * 4)
    reading = read_document(path, limits=Limits(pages=2))
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, None, 4)


def test_beyond_a_limit_the_text_that_is_there_is_still_delivered(tmp_path, read_document, text_of):
    text = specimens.text_pdf(tmp_path / "text.pdf", ["Bon de livraison 88"])
    reading = read_document(specimens.joined(tmp_path / "a.pdf", text, specimens.bomb_pdf(tmp_path / "bomb.pdf")))
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "TooLarge")
    assert text_of(reading).startswith("Bon de livraison 88\f")


def test_a_page_too_large_to_rewrite_is_recognised_smaller(tmp_path, read_document, text_of, recall):
    # 50 by 70 inches: 315 million pixels at 300 dpi.
    path = specimens.scan_pdf(tmp_path / "a.pdf", dpi=200)
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.pages[0].MediaBox = [0, 0, 3600, 5040]
        document.pages[0].contents_coalesce()
        document.pages[0].Contents = pikepdf.Stream(document, b"q 3600 0 0 5040 0 0 cm /image Do Q")
        document.save()
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, "Downscaled")
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9
