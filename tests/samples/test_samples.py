"""The demo's documents: the same at every start, readable, and what they say they are."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from simulator.samples import Sample, write_samples
from simulator.samples.bills import Look


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def samples(folder: Path) -> list[Sample]:
    return write_samples(folder)


def _text(path: Path) -> str:
    with pypdfium2.PdfDocument(path) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)


def test_every_look_is_there_in_both_folders(samples: list[Sample]) -> None:
    assert {sample.look for sample in samples} == {*Look, None}


def test_they_are_the_same_bytes_every_time(samples: list[Sample], folder: Path, tmp_path: Path) -> None:
    write_samples(tmp_path)
    for sample in samples:
        assert (tmp_path / sample.path).read_bytes() == (folder / sample.path).read_bytes(), sample.path


def test_a_text_pdf_holds_its_words_and_a_scan_holds_none(samples: list[Sample], folder: Path) -> None:
    for sample in samples:
        if sample.look is Look.TEXT:
            text = _text(folder / sample.path)
            assert all(word in text for word in sample.words), sample.path
        if sample.look is Look.SCAN:
            assert _text(folder / sample.path).strip() == ""


def test_a_photo_is_a_jpeg_of_a_telephones_size(samples: list[Sample], folder: Path) -> None:
    for sample in samples:
        if sample.look is Look.PHOTO:
            with Image.open(folder / sample.path) as picture:
                assert picture.format == "JPEG"
                assert min(picture.size) >= 900


def test_a_copy_has_the_bytes_of_its_source(samples: list[Sample], folder: Path) -> None:
    copies = [sample for sample in samples if sample.copy_of]
    assert copies
    for sample in copies:
        assert sample.copy_of
        assert (folder / sample.path).read_bytes() == (folder / sample.copy_of).read_bytes()
