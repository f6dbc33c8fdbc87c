"""A page at which the engine fails costs that page; the others are read, and the record says that some are missing."""

from __future__ import annotations

import os
import shutil

import pikepdf
import pytest
import specimens

from bannette.ocr import Outcome


@pytest.fixture
def failing_at(tmp_path, monkeypatch):
    """Let tesseract fail at every page whose file name has one of the words."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def act(*names):
        cases = "|".join(f"*{name}*" for name in names)
        program = folder / "tesseract"
        program.write_text(f'#!/bin/sh\ncase "$*" in {cases}) exit 1;; esac\nexec {shutil.which("tesseract")} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return act


def scans(tmp_path):
    return specimens.scan_pdf(tmp_path / "a", *(specimens.picture([word]) for word in ("PREMIER", "SECOND", "TROIS")))


def tiff(tmp_path):
    first, *others = (specimens.picture([word]) for word in ("PREMIER", "SECOND", "TROIS"))
    first.save(tmp_path / "a", format="TIFF", save_all=True, append_images=others, dpi=(200, 200))
    return tmp_path / "a"


@pytest.mark.parametrize("document", [scans, tiff])
def test_one_page_that_fails_costs_only_itself(tmp_path, read_document, text_of, failing_at, document):
    path = document(tmp_path)
    failing_at("page-2")
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.RECOGNISED, "PagesMissing", 3)
    first, second, third = text_of(reading).split("\f")[:3]
    assert ("PREMIER" in first, second.strip(), "TROIS" in third) == (True, "", True)
    with pikepdf.open(reading.files["pdf"]) as searchable:
        assert [round(float(page.mediabox[3])) for page in searchable.pages] == [842] * 3


@pytest.mark.parametrize("document", [scans, tiff])
def test_a_document_of_which_every_page_fails_has_failed(tmp_path, read_document, failing_at, document):
    path = document(tmp_path)
    failing_at("page")
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.FAILED, "EngineFailed", {})


def test_pages_with_text_are_kept_when_the_only_scan_fails(tmp_path, read_document, text_of, failing_at):
    scan, text = specimens.scan_pdf(tmp_path / "scan"), specimens.text_pdf(tmp_path / "text")
    path = specimens.joined(tmp_path / "a", text, scan)
    failing_at("page-2")
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, "PagesMissing")
    assert "FACTURE" in text_of(reading)


def test_a_page_with_text_and_a_picture_keeps_its_text(tmp_path, read_document, text_of, failing_at):
    path = specimens.letterhead_pdf(tmp_path / "a")
    other = specimens.joined(tmp_path / "b", path, specimens.scan_pdf(tmp_path / "c", specimens.picture(["SECOND"])))
    failing_at("ocrmypdf", "page.png")
    reading = read_document(other)
    assert (reading.outcome, reading.reason) == (Outcome.RECOGNISED, "PagesMissing")
    assert "FACTURE 2026-0417" in text_of(reading)
    assert "SECOND" in text_of(reading)
