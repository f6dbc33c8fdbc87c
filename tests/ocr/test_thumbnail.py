"""The small picture of the first page."""

from __future__ import annotations

import pytest
from PIL import Image, ImageStat

from bannette.ocr import Limits, Outcome
from bannette.ocr.pdfium import Pdf
from bannette.ocr.request import Answer, NotRead, Request
from bannette.ocr.thumbnail import add_thumbnail
from tests.ocr import specimens


def test_a_pdf_and_an_image_have_a_small_picture_of_their_first_page(tmp_path, read_document):
    pdf = specimens.text_pdf(tmp_path / "a.pdf", specimens.INVOICE, [])
    image = tmp_path / "b.png"
    specimens.picture(dpi=100).save(image)
    for path in (pdf, image):
        thumbnail = read_document(path).files["thumbnail"]
        with Image.open(thumbnail) as picture:
            assert picture.format == "WEBP"
            assert max(picture.size) == 320
            assert picture.height > picture.width
            # Not an empty page.
            assert ImageStat.Stat(picture.convert("L")).stddev[0] > 5
        assert thumbnail.stat().st_size < 20_000


def test_a_document_that_is_too_long_has_one_and_one_that_is_too_large_has_none(tmp_path, read_document):
    scan = specimens.scan_pdf(tmp_path / "a.pdf", *[specimens.picture(dpi=30)] * 3, dpi=30)
    assert "thumbnail" in read_document(scan, limits=Limits(pages=2)).files
    assert "thumbnail" not in read_document(specimens.bomb_pdf(tmp_path / "b.pdf")).files


def test_an_answer_stands_though_its_picture_fails(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "document.pdf").write_bytes(b"no PDF")
    request = Request(
        path=folder / "document.pdf",
        media_type="application/pdf",
        family="pdf",
        languages=(),
        limits=Limits(),
        folder=folder,
    )
    answer = Answer(outcome=Outcome.TEXT, files={"pdf": "document.pdf"})
    assert add_thumbnail(request, answer) == answer
    with pytest.raises(NotRead, match="Corrupt"):
        Pdf.open(request.path)


def test_a_picture_that_takes_for_ever_is_left_out(tmp_path, read_document, text_of):
    """Each form draws another one eight times: what takes seconds here takes minutes a level deeper."""
    path = specimens.nested_drawing(tmp_path / "a", 6, times=3, text=b"BT /F 12 Tf 20 100 Td (page) Tj ET")
    reading = read_document(path, limits=Limits(seconds=240, memory_bytes=4 * 1024**3))
    assert (reading.outcome, text_of(reading)) == (Outcome.TEXT, "page\n")
    assert "thumbnail" not in reading.files
    assert reading.seconds < 200
