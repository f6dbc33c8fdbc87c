"""Documents that are made to harm, or look so, with their exact outcomes."""

from __future__ import annotations

import io
import struct
import zlib

import pikepdf
import pytest
import specimens
from PIL import Image
from test_child import processes_in

from bannette.ocr import Limits, Outcome, detect

# The largest take some ten seconds where nothing else runs, and minutes where much does.
pytestmark = pytest.mark.timeout(900)


def _saved(path, document):
    document.save(path)
    return path


def _pages(path, count, content=b""):
    """A PDF with *count* pages, which share one content."""
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(200, 200))
        page = document.pages[0]
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        page.Contents = document.make_stream(content)
        for _ in range(count - 1):
            document.pages.append(page)
        return _saved(path, document)


def _ten_thousand_pages(path):
    return _pages(path, 10_000, b"BT /F 12 Tf 20 100 Td (page) Tj ET")


def _loop_of_pages(path):
    """The page tree contains itself."""
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 5>>endobj\n"
        b"trailer<</Root 1 0 R>>\n%%EOF"
    )
    return path


def _stream_bomb(path):
    return _pages(path, 1, b"BT /F 12 Tf (x) Tj ET\n" + b" " * 300_000_000)


def _png(width, height):
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    pieces = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def _declared_picture(path):
    path.write_bytes(_png(60_000, 60_000))
    return path


def _endless_picture(path):
    path.write_bytes(_png(2_000, 2_000))
    return path


def _image(pillow_format, **options):
    buffer = io.BytesIO()
    specimens.picture(dpi=100).save(buffer, pillow_format, **options)
    return buffer.getvalue()


def _cut(pillow_format):
    def make(path):
        data = _image(pillow_format)
        path.write_bytes(data[: len(data) // 3])
        return path

    make.__name__ = f"cut_{pillow_format}"
    return make


def _one_byte(path):
    path.write_bytes(b"\0")
    return path


def _pdf_in_a_zip_header(path):
    """Both begin as they should: a PDF within the first kilobyte of a ZIP."""
    inner = specimens.text_pdf(path.with_suffix(".inner")).read_bytes()
    path.write_bytes(b"PK\x03\x04" + bytes(26) + inner)
    return path


def _blank_pages(path):
    return _pages(path, 10_000)


def _pdf_with_a_page(path):
    specimens.text_pdf(path)
    path.write_bytes(path.read_bytes() + b"<html><script>alert(1)</script></html>")
    return path


def _picture_with_a_zip(path):
    buffer = io.BytesIO()
    Image.new("L", (40, 40), 255).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue() + b"PK\x03\x04" + bytes(100) + b"PK\x05\x06" + bytes(18))
    return path


def _page_with_a_script(path):
    path.write_bytes(b"GIF89a/*" + b"<html><script>alert(1)</script></html>" + b"*/=1;")
    return path


CASES = [
    (_ten_thousand_pages, "pdf", Outcome.TEXT, None),
    (_loop_of_pages, "pdf", Outcome.FAILED, "Corrupt"),
    (_stream_bomb, "pdf", Outcome.TEXT, None),
    (_declared_picture, "png", Outcome.SKIPPED, "TooLarge"),
    (_endless_picture, "png", Outcome.FAILED, "Corrupt"),
    (_cut("JPEG"), "jpg", Outcome.FAILED, "Corrupt"),
    (_cut("PNG"), "png", Outcome.FAILED, "Corrupt"),
    (_cut("WEBP"), "webp", Outcome.FAILED, "Corrupt"),
    (_cut("TIFF"), "tif", Outcome.FAILED, "Corrupt"),
    (_cut("GIF"), "gif", Outcome.FAILED, "Corrupt"),
    (_cut("BMP"), "bmp", Outcome.FAILED, "Corrupt"),
    (_blank_pages, "pdf", Outcome.TEXT, "NoText"),
    (_pdf_with_a_page, "pdf", Outcome.TEXT, None),
    (_one_byte, "bin", Outcome.UNSUPPORTED, "UnsupportedType"),
    (_pdf_in_a_zip_header, "pdf", Outcome.TEXT, None),
    (_picture_with_a_zip, "png", Outcome.RECOGNISED, "NoText"),
    (_page_with_a_script, "gif", Outcome.FAILED, "Corrupt"),
]


@pytest.mark.parametrize(("make", "extension", "outcome", "reason"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_hostile_document_has_its_outcome(tmp_path, read_document, make, extension, outcome, reason):
    path = make(tmp_path / "a")
    before = path.read_bytes()
    assert detect(path).extension == extension
    reading = read_document(path, limits=Limits(seconds=400))
    assert (reading.outcome, reading.reason) == (outcome, reason)
    assert path.read_bytes() == before
    assert processes_in(tmp_path) == []


def test_a_document_that_ends_the_program_that_draws_it_ends_nothing_else(tmp_path, read_document):
    """The library asks for memory without end: it is killed for it, or ends itself."""
    path = specimens.nested_drawing(tmp_path / "a", 13)
    reading = read_document(path, limits=Limits(seconds=400))
    assert reading.outcome is Outcome.FAILED
    assert reading.reason in ("Crashed", "OutOfMemory")
    assert reading.files == {}
