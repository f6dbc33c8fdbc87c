"""Types come from content."""

from __future__ import annotations

import pytest
import specimens
from PIL import Image

from bannette.ocr import Detected, Outcome, detect


@pytest.mark.parametrize(
    ("pillow_format", "expected"),
    [
        ("PNG", Detected("image/png", "png")),
        ("JPEG", Detected("image/jpeg", "jpg")),
        ("TIFF", Detected("image/tiff", "tif")),
        ("GIF", Detected("image/gif", "gif")),
        ("WEBP", Detected("image/webp", "webp")),
    ],
)
def test_images_are_told_apart_whatever_their_name(tmp_path, pillow_format, expected):
    path = tmp_path / "facture.pdf"
    Image.new("L", (9, 9)).save(path, format=pillow_format)
    assert detect(path) == expected


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000])
def test_a_pdf_is_known_by_its_mark_though_something_comes_before_it(tmp_path, before):
    path = tmp_path / "image.jpg"
    path.write_bytes(before + specimens.text_pdf(tmp_path / "a.pdf").read_bytes())
    assert detect(path) == Detected("application/pdf", "pdf")


def test_a_pdf_under_a_wrong_extension_is_read(tmp_path, read_document):
    path = specimens.text_pdf(tmp_path / "photo.jpg")
    assert read_document(path).outcome is Outcome.TEXT


def test_names_that_look_like_options_are_names(tmp_path, monkeypatch, read_document):
    monkeypatch.chdir(tmp_path)
    path = specimens.text_pdf(tmp_path / "--list $(reboot) é.pdf").relative_to(tmp_path)
    assert detect(path).extension == "pdf"
    assert read_document(path).outcome is Outcome.TEXT


def test_an_empty_file_is_not_read(tmp_path, read_document):
    path = tmp_path / "a.pdf"
    path.touch()
    assert detect(path).media_type == "inode/x-empty"
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.UNSUPPORTED, "Empty")


@pytest.mark.parametrize(
    ("content", "extension"),
    [
        (b"Bonjour\n", "txt"),
        (b"\x00\x01\x02" * 99, "bin"),
        (b"From: a@b.example\nSubject: x\nTo: c@d.example\n\nx", "eml"),
    ],
)
def test_an_extension_is_made_from_the_type(tmp_path, content, extension):
    path = tmp_path / "a.exe"
    path.write_bytes(content)
    assert detect(path).extension == extension
