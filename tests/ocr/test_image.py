"""Images: upright, on white, at a credible resolution, and every page of a TIFF."""

from __future__ import annotations

import hashlib

import pillow_heif
import pypdfium2
import pytest
import specimens
from PIL import Image, PngImagePlugin

from bannette.ocr import Limits, Outcome, detect
from tests.documents.fetch import PILLOW_HEIF, fetch


def _page_sizes(path):
    with pypdfium2.PdfDocument(path) as document:
        return [tuple(round(side) for side in page.get_size()) for page in document]


A4 = (595, 842)


def _near(size, expected):
    return all(abs(one - other) <= 3 for one, other in zip(size, expected, strict=True))


def test_a_scanned_png_is_recognised_and_becomes_a_searchable_pdf(tmp_path, read_document, text_of, recall):
    path = tmp_path / "a.png"
    specimens.picture().save(path, dpi=(200, 200))
    before = hashlib.sha256(path.read_bytes()).digest()
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.RECOGNISED, None, 1)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9
    assert reading.confidence > 80
    with pypdfium2.PdfDocument(reading.files["pdf"]) as document:
        assert recall(document[0].get_textpage().get_text_bounded(), specimens.INVOICE_WORDS) >= 0.9
    assert _near(_page_sizes(reading.files["pdf"])[0], A4)
    assert hashlib.sha256(path.read_bytes()).digest() == before


@pytest.mark.parametrize("declared", [None, (1, 1), (72, 72), (9999, 9999)])
def test_an_absent_or_absurd_resolution_is_taken_from_a4(tmp_path, read_document, declared):
    path = tmp_path / "a.png"
    specimens.picture(specimens.INVOICE[:1], dpi=150).save(path, **({"dpi": declared} if declared else {}))
    assert _near(_page_sizes(read_document(path).files["pdf"])[0], A4)


def test_black_letters_on_nothing_are_read(tmp_path, read_document, text_of, recall):
    path = tmp_path / "a.png"
    letters = specimens.picture().point(lambda value: 255 - value)
    image = Image.new("RGBA", letters.size, (0, 0, 0, 0))
    image.putalpha(letters)
    image.save(path)
    assert recall(text_of(read_document(path)), specimens.INVOICE_WORDS) >= 0.9


def test_grey_of_sixteen_bits_is_read(tmp_path, read_document, text_of, recall):
    path = tmp_path / "a.png"
    specimens.picture().convert("I").point(lambda value: value * 200).convert("I;16").save(path)
    assert recall(text_of(read_document(path)), specimens.INVOICE_WORDS) >= 0.9


def test_every_page_of_a_tiff_is_read(tmp_path, read_document, text_of):
    path = tmp_path / "a.tif"
    pages = [specimens.picture([f"Page numéro {word}"], dpi=150) for word in ("un", "deux", "trois")]
    pages[0].convert("1").save(
        path, save_all=True, append_images=[pages[1].convert("1"), pages[2]], compression="tiff_lzw", dpi=(150, 150)
    )
    reading = read_document(path)
    assert (reading.outcome, reading.pages) == (Outcome.RECOGNISED, 3)
    assert [page.strip() for page in text_of(reading).split("\f")] == [
        "Page numéro un",
        "Page numéro deux",
        "Page numéro trois",
    ]
    assert len(_page_sizes(reading.files["pdf"])) == 3


def test_a_tiff_of_too_many_pages_is_skipped(tmp_path, read_document):
    path = tmp_path / "a.tif"
    page = Image.new("1", (100, 100), 1)
    page.save(path, save_all=True, append_images=[page] * 3)
    reading = read_document(path, limits=Limits(pages=3))
    assert (reading.outcome, reading.reason) == (Outcome.SKIPPED, "TooManyPages")


@pytest.mark.parametrize("turned", [3, 6, 8])
def test_a_photo_is_set_upright_as_the_camera_says(tmp_path, read_document, text_of, recall, turned):
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = turned
    specimens.picture().transpose(undo[turned]).save(path, exif=exif)
    reading = read_document(path)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9
    assert _near(_page_sizes(reading.files["pdf"])[0], A4)


def test_a_scan_that_lies_on_its_side_is_turned(tmp_path, read_document, text_of, recall):
    path = tmp_path / "a.png"
    specimens.picture(specimens.INVOICE * 2, dpi=150).transpose(Image.Transpose.ROTATE_90).save(path)
    assert recall(text_of(read_document(path)), specimens.INVOICE_WORDS) >= 0.9


def test_a_photo_with_a_shadow_is_read(tmp_path, read_document, text_of, recall):
    # With one threshold for the whole page 2 words of 57 are read, at a mean confidence of 96.
    path = tmp_path / "a.jpg"
    specimens.shaded(specimens.picture()).convert("RGB").save(path, quality=85)
    assert recall(text_of(read_document(path)), specimens.INVOICE_WORDS) >= 0.75


def test_an_upright_jpeg_is_kept_as_it_is_in_the_pdf(tmp_path, read_document):
    path = tmp_path / "a.jpg"
    specimens.picture(specimens.INVOICE[:1]).save(path, quality=60, dpi=(200, 200))
    assert path.read_bytes()[-2000:] in read_document(path).files["pdf"].read_bytes()


def test_a_jpeg_with_a_scratch_is_read_all_the_same(tmp_path, read_document, text_of):
    path = tmp_path / "a.jpg"
    specimens.picture(specimens.INVOICE[:1]).save(path, quality=60, dpi=(200, 200))
    content = bytearray(path.read_bytes())
    # A byte of the picture far below the text.
    content[-len(content) // 5] ^= 0xFF
    path.write_bytes(content)
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, None)
    assert "FACTURE 2026-0417" in text_of(reading)


def test_an_image_larger_than_allowed_is_skipped_before_it_is_decoded(tmp_path, read_document):
    path = tmp_path / "a.png"
    Image.new("1", (15_000, 15_000), 1).save(path)
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.SKIPPED, "TooLarge")


def test_an_image_without_text_says_so(tmp_path, read_document):
    path = tmp_path / "a.png"
    Image.new("L", (600, 800), 255).save(path)
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.confidence) == (Outcome.RECOGNISED, "NoText", None)


@pytest.mark.parametrize("extension", ["png", "jpg", "tif"])
def test_an_image_that_ends_too_soon_fails_as_corrupt(tmp_path, read_document, extension):
    path = tmp_path / f"a.{extension}"
    specimens.picture(dpi=100).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.FAILED, "Corrupt", {})


def test_an_image_with_a_huge_text_chunk_does_no_harm(tmp_path, read_document):
    path = tmp_path / "a.png"
    chunk = PngImagePlugin.PngInfo()
    chunk.add_text("Comment", "x" * 200_000_000, zip=True)
    specimens.picture(specimens.INVOICE[:1], dpi=100).save(path, pnginfo=chunk)
    assert read_document(path).outcome in (Outcome.RECOGNISED, Outcome.FAILED)


@pytest.mark.parametrize(
    ("pillow_format", "extension"),
    [("WEBP", "webp"), ("GIF", "gif"), ("BMP", "bmp"), ("HEIF", "heic"), ("AVIF", "avif")],
)
def test_images_of_screens_and_phones_are_read(tmp_path, read_document, text_of, recall, pillow_format, extension):
    pillow_heif.register_heif_opener()
    path = tmp_path / "a.jpg"
    specimens.picture(dpi=150, mode="RGB").save(path, format=pillow_format)
    assert detect(path).extension == extension
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.RECOGNISED, None, 1)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.85
    assert sorted(reading.files) == ["pdf", "text", "thumbnail"]


def test_of_a_gif_that_moves_the_first_picture_is_read(tmp_path, read_document, text_of):
    path = tmp_path / "a.gif"
    first, second = (specimens.picture([line], dpi=100) for line in ("PREMIER", "SECOND"))
    first.save(path, save_all=True, append_images=[second])
    reading = read_document(path)
    assert (reading.pages, text_of(reading).split()) == (1, ["PREMIER"])


def test_words_and_doubts_are_counted(tmp_path, read_document):
    path = tmp_path / "a.png"
    specimens.picture().save(path, dpi=(200, 200))
    clean = read_document(path)
    assert clean.words >= len(specimens.INVOICE_WORDS) * 0.9
    assert clean.unsure_words <= clean.words * 0.2
    assert clean.rotation == {}


def test_a_page_that_lies_on_its_side_tells_how_it_was_turned(tmp_path, read_document, text_of, recall):
    path = tmp_path / "a.png"
    specimens.picture(dpi=200).rotate(90, expand=True).save(path, dpi=(200, 200))
    reading = read_document(path)
    assert reading.rotation == {1: 90}
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.9


@pytest.mark.documents
@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("heif_corrupted/corrupted.heic", Outcome.FAILED, "Corrupt"),
        ("heif_corrupted/empty.heic", Outcome.UNSUPPORTED, "Empty"),
        ("heif_special/200MP.heic", Outcome.SKIPPED, "TooLarge"),
        # It loads as what is left of it, 16 pixels high: the library doesn't tell.
        ("heif_truncated/truncated.heic", Outcome.RECOGNISED, "NoText"),
        ("heif/RGB_12__29x100.heif", Outcome.RECOGNISED, "NoText"),
        ("heif_special/unsupported_depth_image.heic", Outcome.RECOGNISED, "NoText"),
    ],
)
def test_a_photo_of_a_phone_has_its_outcome(read_document, name, outcome, reason):
    path = next(fetch(PILLOW_HEIF).rglob(name.rpartition("/")[2]))
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (outcome, reason)
