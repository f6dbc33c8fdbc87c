"""Images as old scanners, fax machines and cameras write them: every kind of pixel, size and field that they have."""

from __future__ import annotations

import array
import struct

import pytest
import specimens
from PIL import Image, TiffImagePlugin

from bannette.ocr import Limits, Outcome

MIB = 1024 * 1024


def sixteen_bits(image: Image.Image, *, big_endian: bool = False) -> Image.Image:
    values = array.array("H", (value * 200 for value in image.tobytes()))
    if big_endian:
        values.byteswap()
    return Image.frombytes("I;16B" if big_endian else "I;16", image.size, values.tobytes())


def black_and_white(image: Image.Image) -> Image.Image:
    return image.point(lambda value: 255 * (value > 128)).convert("1")


def palette(image: Image.Image) -> Image.Image:
    """Neighbouring numbers of this palette are no neighbouring greys."""
    made = Image.frombytes("P", image.size, image.point(lambda value: 200 if value < 128 else 3).tobytes())
    colours = [128] * 768
    colours[600:603], colours[9:12] = [0, 0, 0], [255, 255, 255]
    made.putpalette(colours)
    return made


def seen_through(image: Image.Image) -> Image.Image:
    """Grey letters on black, which is declared to be transparent."""
    return image.point(lambda value: 0 if value > 128 else 60)


ODD = {
    "a fax of 600 dpi": (
        lambda: black_and_white(specimens.picture(dpi=600)),
        {"format": "TIFF", "compression": "group4"},
    ),
    "a palette of 600 dpi": (lambda: palette(specimens.picture(dpi=600)), {"format": "PNG"}),
    "16 bits of 600 dpi": (lambda: sixteen_bits(specimens.picture(dpi=600)), {"format": "PNG"}),
    "16 bits, the high one first": (lambda: sixteen_bits(specimens.picture(), big_endian=True), {"format": "TIFF"}),
    "four inks": (lambda: specimens.picture(mode="RGB").convert("CMYK"), {"format": "TIFF"}),
    "floating point": (lambda: specimens.picture().convert("F"), {"format": "TIFF"}),
    "a transparent grey": (lambda: seen_through(specimens.picture()), {"format": "PNG", "transparency": 0}),
}


@pytest.mark.parametrize("kind", ODD)
def test_every_kind_of_pixel_is_read(tmp_path, read_document, text_of, recall, kind):
    make, options = ODD[kind]
    path = tmp_path / "a"
    make().save(path, **options)
    reading = read_document(path, limits=Limits(memory_bytes=1536 * MIB))
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, None)
    assert recall(text_of(reading), specimens.INVOICE_WORDS) >= 0.85


@pytest.mark.parametrize("resolution", [(0, 0), (1, 0)])
def test_a_resolution_of_something_by_nothing_is_none(tmp_path, read_document, text_of, resolution):
    path = tmp_path / "a"
    fields = TiffImagePlugin.ImageFileDirectory_v2()
    fields[282] = fields[283] = TiffImagePlugin.IFDRational(300, 1)
    fields[296] = 2
    specimens.picture().save(path, format="TIFF", tiffinfo=fields)
    path.write_bytes(path.read_bytes().replace(struct.pack("<II", 300, 1), struct.pack("<II", *resolution)))
    assert "FACTURE" in text_of(read_document(path))


@pytest.mark.parametrize(("kind", "value"), [(2, b"6\0\0\0"), (7, b"\6\0\0\0")])
def test_an_orientation_that_is_no_number_is_none(tmp_path, read_document, text_of, kind, value):
    path = tmp_path / "a"
    field = struct.pack("<HHHI", 1, 0x0112, kind, len(value.rstrip(b"\0")) + 1) + value
    specimens.picture().save(path, format="JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + field + bytes(4))
    assert "FACTURE" in text_of(read_document(path))


def test_the_whole_pages_of_a_tiff_that_was_cut_are_read(tmp_path, read_document, text_of):
    path = tmp_path / "a"
    pages = [specimens.picture([word]) for word in ("PREMIER", "SECOND", "TROIS")]
    pages[0].save(path, format="TIFF", save_all=True, append_images=pages[1:])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 5 // 6])
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.RECOGNISED, "PagesMissing", 2)
    assert "SECOND" in text_of(reading)
