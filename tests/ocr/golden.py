"""The texts of ten real documents, as files to be read in review; ``python -m tests.ocr.golden`` writes them anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bannette.ocr import Limits, detect, read
from tests.documents.fetch import FACTUR_X, MAIL_PARSER, OCRMYPDF, ODFPY, PYTHON_DOCX, PYTHON_PPTX, Source, fetch

FOLDER = Path(__file__).parent / "golden"
DOCUMENTS: tuple[tuple[Source, str], ...] = (
    (OCRMYPDF, "francais.pdf"),
    (OCRMYPDF, "linn.png"),
    (OCRMYPDF, "graph_ocred.pdf"),
    (OCRMYPDF, "tagged.odt"),
    (FACTUR_X, "invoice_EN16931.pdf"),
    (FACTUR_X, "factur-x-minimum.xml"),
    (PYTHON_DOCX, "par-hyperlinks.docx"),
    (PYTHON_PPTX, "shp-pos-and-size.pptx"),
    (ODFPY, "pythagoras.ods"),
    (MAIL_PARSER, "mail_test_5"),
)


def text_of(source: Source, name: str) -> str:
    """Read the document as a run does, and return its text."""
    path = next(fetch(source).rglob(name))
    with tempfile.TemporaryDirectory() as folder:
        reading = read(path, detected=detect(path), languages=("fra", "eng"), limits=Limits(), workspace=Path(folder))
        return reading.files["text"].read_text(encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for source, name in DOCUMENTS:
        (FOLDER / f"{name}.txt").write_text(text_of(source, name), encoding="utf-8")
