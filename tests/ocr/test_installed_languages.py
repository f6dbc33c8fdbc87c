"""Languages are checked before a run collects anything."""

from __future__ import annotations

import pytest
import specimens

from bannette.errors import PersonNeeded
from bannette.ocr import Outcome, check_languages


def test_installed_languages_pass():
    check_languages(("fra", "eng"))


@pytest.mark.parametrize("language", ["xyz", "osd", "-h", "fra+eng", ""])
def test_a_missing_language_is_told_with_those_that_are_there(language):
    with pytest.raises(PersonNeeded, match=r"installed: eng, fra.*spec\.ocr\.languages") as raised:
        check_languages(("fra", language))
    assert raised.value.reason == "LanguageNotInstalled"


def test_a_missing_engine_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PersonNeeded) as raised:
        check_languages(("fra",))
    assert raised.value.reason == "OcrNotInstalled"


@pytest.mark.parametrize("languages", [("fra", "xyz"), ()])
def test_a_scan_in_a_language_that_is_missing_fails_instead_of_being_read_in_another(
    tmp_path, read_document, languages
):
    path = specimens.scan_pdf(tmp_path / "a.pdf")
    reading = read_document(path, languages=languages)
    assert (reading.outcome, reading.reason) == (Outcome.FAILED, "LanguageNotInstalled")


def test_a_document_with_text_needs_no_language(tmp_path, read_document):
    assert read_document(specimens.text_pdf(tmp_path / "a.pdf"), languages=("xyz",)).outcome is Outcome.TEXT
