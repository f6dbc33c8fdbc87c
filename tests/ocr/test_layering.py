"""The text of a scan lies where its words are seen, however the page is turned, and the page stays as it is."""

from __future__ import annotations

import pikepdf
import pypdfium2
import pytest
import specimens

from bannette.ocr import Outcome

A4 = (595, 842)


def _turned_scan(path, *, rotation, box=None):
    """A scan whose picture lies on its side, and which viewers turn upright by *rotation* degrees clockwise."""
    picture = specimens.picture().rotate(rotation, expand=True)
    specimens.scan_pdf(path, picture)
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        page = document.pages[0]
        page.obj.Rotate = rotation
        if box:
            x, y, width, height = (float(side) for side in page.mediabox)
            page.mediabox = [x - box, y - box, width + box, height + box]
            page.cropbox = [x, y, width, height]
        document.save(path)
    return path


def _shown(page, word):
    """Where *word* is seen: parts of the page's width and height from its upper left corner."""
    text_page = page.get_textpage()
    first, _ = text_page.search(word).get_next()
    left, bottom, _, _ = text_page.get_charbox(first)
    x0, y0, x1, y1 = page.get_cropbox()
    across, up = (left - x0) / (x1 - x0), (bottom - y0) / (y1 - y0)
    return {0: (across, 1 - up), 90: (up, across), 180: (1 - across, up), 270: (1 - up, 1 - across)}[
        page.get_rotation()
    ]


@pytest.mark.parametrize("box", [None, 40])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_words_lie_where_they_are_seen(tmp_path, read_document, rotation, box):
    reading = read_document(_turned_scan(tmp_path / "a", rotation=rotation, box=box))
    assert (reading.outcome, reading.reason, reading.rotation) == (Outcome.RECOGNISED, None, {})
    with pypdfium2.PdfDocument(reading.files["pdf"]) as document:
        # The heading begins 0.7 inches from the left and an inch from the top.
        across, down = _shown(document[0], "FACTURE")
    assert across == pytest.approx(0.7 / 8.27, abs=0.02)
    assert down == pytest.approx(1.1 / 11.69, abs=0.02)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_scan_that_was_laid_wrongly_is_turned_upright(tmp_path, read_document, recall, turn):
    upright, wrong = specimens.picture(), specimens.picture().rotate(turn, expand=True)
    reading = read_document(specimens.scan_pdf(tmp_path / "a", upright, wrong))
    assert reading.rotation == {2: turn}
    with pypdfium2.PdfDocument(reading.files["pdf"]) as document:
        assert [page.get_rotation() for page in document] == [0, turn]
        for page in document:
            assert recall(page.get_textpage().get_text_bounded(), specimens.INVOICE_WORDS) >= 0.85
            across, down = _shown(page, "FACTURE")
            assert (across, down) == pytest.approx((0.7 / 8.27, 1.1 / 11.69), abs=0.03)


def test_what_is_seen_of_a_scan_is_what_was_seen_before(tmp_path, read_document):
    path = specimens.scan_pdf(tmp_path / "a", specimens.picture(mode="RGB"))
    reading = read_document(path)
    drawn = []
    for file in (path, reading.files["pdf"]):
        with pypdfium2.PdfDocument(file) as document:
            drawn.append(document[0].render(scale=1).to_pil().tobytes())
    assert drawn[0] == drawn[1]


def test_pages_that_share_their_resources_get_their_own_text(tmp_path, read_document, text_of):
    path = specimens.scan_pdf(tmp_path / "a", specimens.picture(["PREMIER"]), specimens.picture(["SECOND"]))
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        shared = pikepdf.Dictionary(XObject=pikepdf.Dictionary())
        for number, page in enumerate(document.pages):
            (name, image), *_ = page.obj.Resources.XObject.items()
            shared.XObject[f"/Both{number}"] = image
            content = page.obj.Contents.read_bytes().replace(name.encode(), f"/Both{number}".encode())
            page.obj.Contents = document.make_stream(content)
            del page.obj["/Resources"]
        document.Root.Pages.Resources = document.make_indirect(shared)
        document.save(path)
    reading = read_document(path)
    assert text_of(reading).split() == ["PREMIER", "SECOND"]
    with pypdfium2.PdfDocument(reading.files["pdf"]) as document:
        texts = [page.get_textpage().get_text_bounded().split() for page in document]
    assert texts == [["PREMIER"], ["SECOND"]]
