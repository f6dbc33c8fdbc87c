"""Images: set upright, flattened, recognised, and joined to one PDF. Each page of a TIFF is a page."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bannette.ocr.pages import save_text
from bannette.ocr.reading import Outcome
from bannette.ocr.request import Answer, NotRead, Request

if TYPE_CHECKING:
    from PIL import Image

    from bannette.ocr.engine import Recognition

_HEIF = frozenset({"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence", "image/avif"})
MEDIA_TYPES = _HEIF | {
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "image/gif",
    "image/bmp",
    "image/x-ms-bmp",
}
GIVES = ("text", "pdf", "thumbnail")
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF")
_PDF, _TEXT = "document.pdf", "document.txt"
# Beyond this an image is made smaller before it is recognised: more only costs time.
_RECOGNISED_PIXELS = 25_000_000
# Resolutions that a scanner may have meant; screens and phones write 72 or nothing.
_CREDIBLE_DPI = range(90, 1201)
_ORIENTATION = 0x0112
_A4_INCHES = (8.27, 11.69)


def read(request: Request) -> Answer:
    """Read an image; each page of a TIFF is a page."""
    from PIL import Image

    from bannette.ocr.engine import certainty, engine_name, require_languages

    require_languages(request)
    # The limit is this module's, with an answer of its own.
    Image.MAX_IMAGE_PIXELS = None
    formats = _formats(request)
    with _damage_noticed():
        upright, missing = _recognise_pages(request, formats)
    recognitions = [recognition for recognition, _ in upright]
    sure = certainty([confidence for each in recognitions for confidence, _ in each.words])
    _join([recognition.pdf for recognition in recognitions], request.folder / _PDF)
    has_text = save_text([recognition.text for recognition in recognitions], request.folder / _TEXT)
    return Answer(
        outcome=Outcome.RECOGNISED,
        reason="PagesMissing" if missing else None if has_text else "NoText",
        engine=engine_name(),
        pages=len(recognitions),
        confidence=sure.mean,
        words=sure.words,
        unsure_words=sure.unsure_words,
        rotation={number: degrees for number, (_, degrees) in enumerate(upright, start=1) if degrees},
        files={"pdf": _PDF, "text": _TEXT},
    )


@contextmanager
def _damage_noticed() -> Iterator[None]:
    """Raise NotRead for whatever a damaged image makes Pillow raise; let errors of the machine through."""
    try:
        yield
    except (SyntaxError, ValueError, EOFError, struct.error) as error:
        raise NotRead(Outcome.FAILED, "Corrupt") from error
    except OSError as error:
        # Pillow's own, for data that end too soon or make no sense, have no number.
        if error.errno is not None:
            raise
        raise NotRead(Outcome.FAILED, "Corrupt") from error


def _formats(request: Request) -> tuple[str, ...]:
    """Return what Pillow may take the file for; libheif is loaded only for what is said to be HEIF."""
    if request.media_type not in _HEIF:
        return _FORMATS
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return (*_FORMATS, "HEIF")


def _pages(request: Request, formats: tuple[str, ...]) -> Iterator[tuple[Path, int] | NotRead]:
    """Yield an image file of each page, upright by its own account, and its resolution in dpi; or why it has none."""
    from PIL import Image

    with Image.open(request.path, formats=formats) as image:
        # A phone's photo may have more images after the first, but those are for its gallery; a GIF moves.
        count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if count > request.limits.pages:
            raise NotRead(Outcome.SKIPPED, "TooManyPages")
        for number in range(count):
            try:
                with _damage_noticed():
                    image.seek(number)
                    if image.width * image.height > request.limits.megapixels * 1_000_000:
                        raise NotRead(Outcome.SKIPPED, "TooLarge")
                    page, dpi = _prepare(image, number, request)
            except NotRead as error:
                if error.reason == "TooLarge":
                    raise
                yield error
                continue
            yield page, dpi
            if page != request.path:
                page.unlink()


def _prepare(image: Image.Image, number: int, request: Request) -> tuple[Path, int]:
    from PIL import ImageOps

    photo = image.format in ("JPEG", "MPO")
    size, dpi = image.size, _declared_dpi(image)
    if photo and size[0] * size[1] > _RECOGNISED_PIXELS:
        # Decoded at a half or a quarter, for a fraction of the memory.
        scale = math.sqrt(_RECOGNISED_PIXELS / (size[0] * size[1]))
        image.draft(None, (int(size[0] * scale), int(size[1] * scale)))
    orientation = image.getexif().get(_ORIENTATION, 1)
    # Some write it as text or bytes, which mean nothing.
    is_turned = isinstance(orientation, int) and orientation > 1
    upright = ImageOps.exif_transpose(image) if is_turned else image
    if upright.width * upright.height > _RECOGNISED_PIXELS:
        # Black and white, palettes and 16 bits can't be reduced as they are.
        shrink = math.ceil(math.sqrt(upright.width * upright.height / _RECOGNISED_PIXELS))
        upright = _on_white(upright).reduce(shrink)
    shrunk = max(size) / max(upright.size)
    dpi = max(round(dpi / shrunk), 1) if dpi else _dpi_as_a4(upright.size)
    untouched = image.format == "JPEG" and upright.size == size and not is_turned
    if untouched and upright.mode in ("L", "RGB"):
        return request.path, dpi
    target = request.scratch / f"page-{number + 1}.{'jpg' if photo else 'png'}"
    _on_white(upright).save(target, dpi=(dpi, dpi), quality=92)
    return target, dpi


def _declared_dpi(image: Image.Image) -> int | None:
    try:
        across, down = (round(float(value)) for value in image.info.get("dpi", (0, 0)))
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):  # Nothing by nothing.
        return None
    return across if across in _CREDIBLE_DPI and down in _CREDIBLE_DPI else None


def _dpi_as_a4(size: tuple[int, int]) -> int:
    """Return the resolution of an A4 page of *size* pixels, upright or lying."""
    across = _A4_INCHES[0] if size[0] <= size[1] else _A4_INCHES[1]
    return min(max(round(size[0] / across), 70), 1200)


def _on_white(image: Image.Image) -> Image.Image:
    """Return *image* as grey or RGB, without transparency: black letters on nothing are black letters on white."""
    from PIL import Image

    if image.has_transparency_data:
        letters = image.convert("RGBA")
        paper = Image.new("RGBA", letters.size, "white")
        paper.alpha_composite(letters)
        return paper.convert("RGB")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I") or image.mode == "F":
        numbers = image.convert("I") if image.mode == "I;16B" else image
        lowest, highest = cast(tuple[float, float], numbers.getextrema())
        scale = 255 / max(highest - lowest, 1)
        return numbers.convert("F").point(lambda value: value * scale - lowest * scale).convert("L")
    return image.convert("L" if image.mode == "1" else "RGB")


def _recognise_pages(request: Request, formats: tuple[str, ...]) -> tuple[list[tuple[Recognition, int]], int]:
    """Return what was recognised of each page, and how many are missing.

    Those at which the engine failed are pictures without text; those that are damaged aren't there at all.

    Raises: NotRead: all are.
    """
    upright: list[tuple[Recognition, int]] = []
    failed: list[NotRead] = []
    for found in _pages(request, formats):
        if isinstance(found, NotRead):
            failed.append(found)
            continue
        page, dpi = found
        try:
            upright.append(_recognise(page, dpi, request=request))
        except NotRead as error:
            if page == request.path:  # It is the only one.
                raise
            failed.append(error)
            upright.append((_without_text(page, dpi, request), 0))
    if not any(recognition.words for recognition, _ in upright) and failed:
        raise failed[0]
    return upright, len(failed)


def _without_text(page: Path, dpi: int, request: Request) -> Recognition:
    from PIL import Image

    from bannette.ocr.engine import Recognition

    target = request.scratch / f"unread-{page.stem}.pdf"
    with Image.open(page) as image:
        image.save(target, resolution=dpi)
    return Recognition("", [], target)


def _recognise(page: Path, dpi: int, *, request: Request) -> tuple[Recognition, int]:
    """Recognise *page*, and once more turned when little was read and the letters lie or stand on their head.

    The number says by how many degrees clockwise it was turned.
    """
    from PIL import Image

    from bannette.ocr.engine import quarter_turns, recognise

    try:
        found = recognise(page, request=request, dpi=dpi)
    except NotRead as error:
        if page != request.path or error.reason != "EngineFailed":
            raise
        # Tesseract refuses a JPEG with a scratch; Pillow, which has just decoded it, does not.
        page = request.scratch / "decoded.jpg"
        with Image.open(request.path, formats=_FORMATS) as image:
            image.save(page, dpi=(dpi, dpi), quality=92)
        found = recognise(page, request=request, dpi=dpi)
    if not found.may_be_turned:
        return found, 0
    turns = quarter_turns(page, dpi=dpi)
    if not turns:
        return found, 0
    turned = request.scratch / f"turned-{page.stem}{page.suffix if page.parent == request.scratch else '.jpg'}"
    with Image.open(page) as image:
        image.rotate(-90 * turns, expand=True).save(turned, dpi=(dpi, dpi), quality=92)
    of_turned = recognise(turned, request=request, dpi=dpi)
    return (of_turned, 90 * turns) if found.is_beaten_by(of_turned) else (found, 0)


def _join(pages: list[Path], target: Path) -> None:
    import pikepdf

    if len(pages) == 1:
        pages[0].replace(target)
        return
    with pikepdf.new() as joined:
        for page in pages:
            with pikepdf.open(page) as document:
                joined.pages.extend(document.pages)
        joined.save(target)
