"""Documents that nobody here made: the test files of OCRmyPDF."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

import bannette
from bannette.ocr import Outcome

pytestmark = pytest.mark.documents

# File, outcome, reason, pages; words that must be found in this order; the files that must be there.
EXPECTED = [
    ("francais.pdf", Outcome.RECOGNISED, None, 1, "portez ce vieux whisky au juge blond", ["pdf", "text", "thumbnail"]),
    ("multipage.pdf", Outcome.RECOGNISED, "Downscaled", 6, None, ["pdf", "text", "thumbnail"]),
    ("type3_font_nomapping.pdf", Outcome.RECOGNISED, "NotRewritable", 1, None, ["text", "thumbnail"]),
    ("graph_ocred.pdf", Outcome.TEXT, None, 1, None, ["pdf", "text", "thumbnail"]),
    ("tagged.pdf", Outcome.TEXT, None, 2, None, ["pdf", "text", "thumbnail"]),
    ("toc.pdf", Outcome.TEXT, None, 2, None, ["pdf", "text", "thumbnail"]),
    ("blank.pdf", Outcome.TEXT, "NoText", 1, None, ["pdf", "text", "thumbnail"]),
    ("livecycle.pdf", Outcome.TEXT, "XfaForm", 1, None, ["pdf", "text", "thumbnail"]),
    ("invalid.pdf", Outcome.FAILED, "Corrupt", 0, None, []),
    ("hugemono.pdf", Outcome.SKIPPED, "TooLarge", 0, None, []),
    ("enormous.pdf", Outcome.RECOGNISED, "Downscaled", 1, None, ["pdf", "text", "thumbnail"]),
    ("baiona_alpha.png", Outcome.RECOGNISED, None, 1, None, ["pdf", "text", "thumbnail"]),
    ("baiona_cmyk.jpg", Outcome.RECOGNISED, None, 1, None, ["pdf", "text", "thumbnail"]),
    ("crom.png", Outcome.RECOGNISED, None, 1, None, ["pdf", "text", "thumbnail"]),
    # A byte is missing in front: its first part can't be read, and the others can.
    ("tagged.odt", Outcome.TEXT, None, 1, "table of contents", ["text"]),
]
# The same without words; of pictures, and of what the engine makes of them, nothing more is promised.
OTHERS = [
    ("2400dpi.pdf", Outcome.RECOGNISED, None, 1),
    ("3small.pdf", Outcome.RECOGNISED, None, 3),
    ("acroform.pdf", Outcome.RECOGNISED, None, 1),
    ("aspect.pdf", Outcome.RECOGNISED, None, 1),
    ("baiona.png", Outcome.RECOGNISED, None, 1),
    ("baiona_color.jpg", Outcome.RECOGNISED, None, 1),
    ("baiona_colormapped.png", Outcome.RECOGNISED, None, 1),
    ("baiona_gray.png", Outcome.RECOGNISED, None, 1),
    ("c03-29.pdf", Outcome.RECOGNISED, None, 1),
    ("cmyk.pdf", Outcome.RECOGNISED, None, 1),
    ("docinfo_latin1_key.pdf", Outcome.TEXT, "NoText", 1),
    ("formxobject.pdf", Outcome.TEXT, None, 1),
    ("graph.pdf", Outcome.RECOGNISED, None, 1),
    ("kcs.pdf", Outcome.RECOGNISED, None, 1),
    ("lichtenstein.pdf", Outcome.RECOGNISED, "NoText", 1),
    ("link.pdf", Outcome.TEXT, None, 2),
    ("meta.pdf", Outcome.TEXT, "NoText", 1),
    ("missing_docinfo.pdf", Outcome.TEXT, None, 1),
    ("negzero.pdf", Outcome.TEXT, None, 1),
    ("no_contents.pdf", Outcome.TEXT, "NoText", 1),
    ("overlay.pdf", Outcome.TEXT, None, 1),
    ("palette.pdf", Outcome.RECOGNISED, None, 1),
    ("trivial.pdf", Outcome.TEXT, "NoText", 1),
    ("truetype_font_nomapping.pdf", Outcome.TEXT, None, 1),
    ("typewriter.png", Outcome.RECOGNISED, None, 1),
    ("vector.pdf", Outcome.RECOGNISED, None, 1),
]
BOOK_PAGES = [("linn.pdf", 0.9), ("linn.png", 0.9), ("ccitt.pdf", 0.9), ("skew.pdf", 0.85), ("rotated_skew.pdf", 0.85)]
# Dense or large pages like those of others here.
SLOW = {"cardinal.pdf", "jbig2.pdf", "jbig2_baddevicen.pdf", "poster.pdf", "epson.pdf", "masks.pdf"}


@pytest.mark.parametrize(
    ("name", "outcome", "reason", "pages", "words", "files"), EXPECTED, ids=[e[0] for e in EXPECTED]
)
def test_a_real_document_ends_as_expected(
    documents, read_document, text_of, name, outcome, reason, pages, words, files
):
    reading = read_document(documents / name)
    assert (reading.outcome, reading.reason, reading.pages, sorted(reading.files)) == (outcome, reason, pages, files)
    if words:
        assert words in " ".join(text_of(reading).lower().split())


def test_accents_are_read(documents, read_document, text_of):
    words = set(re.findall(r"\w+", text_of(read_document(documents / "francais.pdf")).lower()))
    assert {"alcôve", "ambiguë", "bûches", "capharnaüm", "côté", "intérieure", "île", "œuvre"} <= words


@pytest.mark.parametrize(("name", "floor"), BOOK_PAGES)
def test_a_page_of_a_book_is_read_word_for_word(documents, read_document, text_of, recall, name, floor):
    truth = (documents / "linn.txt").read_text(encoding="utf-8").split()
    reading = read_document(documents / name)
    measured = recall(text_of(reading), truth)
    print(name, round(measured, 3))
    assert measured >= floor
    with pypdfium2.PdfDocument(reading.files["pdf"]) as document:
        assert recall(document[0].get_textpage().get_text_bounded(), truth) >= floor - 0.05


@pytest.mark.parametrize("name", ["hugemono.pdf", "enormous.pdf"])
def test_a_small_file_with_a_huge_page_takes_little_memory(documents, tmp_path, name):
    code = (
        "import pathlib, resource, sys; from bannette.ocr import *; path = pathlib.Path(sys.argv[1]);"
        "read(path, detected=detect(path), languages=('eng',), limits=Limits(), workspace=pathlib.Path(sys.argv[2]));"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(documents / name), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path(bannette.__file__).parents[1])},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(answer.stdout) < 600 * 1024 * 1024


@pytest.mark.parametrize(("name", "outcome", "reason", "pages"), OTHERS, ids=[other[0] for other in OTHERS])
def test_every_other_document_has_its_outcome(documents, read_document, name, outcome, reason, pages):
    reading = read_document(documents / name)
    assert (reading.outcome, reading.reason, reading.pages) == (outcome, reason, pages)


def test_every_document_that_is_not_slow_is_read_here(documents):
    named = {name for name, *_ in (*EXPECTED, *OTHERS)} | {name for name, _ in BOOK_PAGES} | SLOW
    there = {path.name for path in documents.iterdir() if path.suffix in {".pdf", ".png", ".jpg"}}
    assert there - named == set()
