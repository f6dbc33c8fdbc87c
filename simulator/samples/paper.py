"""Makes paper of a page: what a scanner or a telephone would have seen of it."""

from __future__ import annotations

from io import BytesIO

import pypdfium2
from PIL import Image, ImageChops, ImageFilter

_SCAN_DPI = 200
_PHOTO_DPI = 300


def scan(page: bytes, *, degrees: float) -> bytes:
    """Return the PDF *page* as a scanner's PDF: a grey picture at 200 dpi, *degrees* askew, without text."""
    picture = _render(page, _SCAN_DPI).convert("L")
    picture = picture.rotate(degrees, resample=Image.Resampling.BICUBIC, fillcolor=250)
    picture = ImageChops.multiply(picture, _grain(picture.size, spread=10).point(lambda value: min(255, value + 120)))
    target = BytesIO()
    # Without fixed times Pillow writes the present one, and the same sample would have new bytes at every start.
    picture.save(target, "PDF", resolution=_SCAN_DPI, quality=80, creationDate=None, modDate=None)
    return target.getvalue()


def photo(page: bytes) -> bytes:
    """Return the PDF *page* as a telephone's JPEG: on a table, in perspective, shaded from one side."""
    paper = _render(page, _PHOTO_DPI).convert("RGB")
    width, height = paper.size
    margin = width // 10
    table = Image.new("RGB", (width + 2 * margin, height + 2 * margin), (96, 84, 72))
    table.paste(paper, (margin, margin))
    width, height = table.size
    tilt = width * 0.025
    corners = (-tilt, -tilt * 0.6, tilt * 0.5, height + tilt, width - tilt * 0.4, height, width + tilt, tilt * 0.8)
    seen = table.transform(
        table.size, Image.Transform.QUAD, corners, resample=Image.Resampling.BICUBIC, fillcolor=(96, 84, 72)
    )
    shade = Image.linear_gradient("L").rotate(90).resize(seen.size).point(lambda value: 165 + value * 90 // 255)
    seen = ImageChops.multiply(seen, Image.merge("RGB", (shade, shade, shade)))
    seen = seen.filter(ImageFilter.GaussianBlur(0.6))
    target = BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Bannette", "Sample telephone"
    seen.save(target, "JPEG", quality=82, dpi=(_PHOTO_DPI, _PHOTO_DPI), exif=exif)
    return target.getvalue()


def _render(page: bytes, dpi: int) -> Image.Image:
    with pypdfium2.PdfDocument(page) as document:
        picture: Image.Image = document[0].render(scale=dpi / 72).to_pil()
        return picture


def _grain(size: tuple[int, int], *, spread: int) -> Image.Image:
    """Return grey noise around 128; a small congruential generator, so that it is the same at every start."""
    tile, state = bytearray(128 * 128), 20261124
    for place in range(len(tile)):
        state = (1103515245 * state + 12345) & 0x7FFFFFFF
        tile[place] = 128 + (state >> 16) % (2 * spread + 1) - spread
    small = Image.frombytes("L", (128, 128), bytes(tile))
    noise = Image.new("L", size)
    for left in range(0, size[0], 128):
        for top in range(0, size[1], 128):
            noise.paste(small, (left, top))
    return noise
