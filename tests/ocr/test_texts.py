"""Plain text, tables with separators and web pages."""

from __future__ import annotations

import pytest

from bannette.ocr import Outcome, detect
from bannette.ocr.encodings import decode

TEXT = "Référence : été\nÀ payer : 12,40 €\n"
ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_is_read_whatever_its_encoding(encoding):
    assert decode((TEXT * 3).encode(encoding)) == TEXT * 3


@pytest.mark.parametrize(
    ("declared", "data", "expected"),
    [
        ("iso-8859-1", "12 €".encode("cp1252"), "12 €"),
        ("iso-8859-15", "12 €".encode("iso-8859-15"), "12 €"),
        ("windows-1251", "счёт".encode("cp1251"), "счёт"),
        ("utf-8", "été".encode("cp1252"), "été"),
        ("zlib", b"abc", "abc"),
        ("no such thing", b"abc", "abc"),
        (None, b"\x81\x8d", "��"),
    ],
)
def test_what_a_text_declares_of_its_encoding_counts_if_it_can_be(declared, data, expected):
    assert decode(data, declared=declared) == expected


def test_a_text_is_read_with_its_pages(tmp_path, read_document, text_of):
    path = tmp_path / "a.pdf"
    path.write_bytes("un été\r\n\fdeux €\r\n".encode("cp1252"))
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, None, 2)
    assert text_of(reading) == "un été\fdeux €\n"


def test_a_table_is_known_and_kept_as_it_is(tmp_path, read_document, text_of):
    path = tmp_path / "a.txt"
    table = 'Date;Libellé;Montant\n24/11/2026;"Fenêtre; chêne";1450,00\n25/11/2026;Pose;380,50\n'
    path.write_bytes(table.encode("cp1252"))
    assert detect(path).extension == "csv"
    assert text_of(read_document(path)) == table


def test_a_page_is_read_as_a_browser_shows_it(tmp_path, read_document, text_of):
    path = tmp_path / "a"
    path.write_bytes(
        (
            "<!doctype html><html><head><meta charset=iso-8859-1><title>titre</title><style>p{}</style></head><body>"
            "<h1>Facture n&deg;&nbsp;7</h1><p>Menuiserie <b>Lef&egrave;vre</b>\n  &amp; fils<br>Lyon é</p>"
            "<script>alert('x')</script><p hidden>cach</p><div style='display: none'>cach</div>"
            "<table><tr><th>Prix</th><th>TVA</th></tr><tr><td>12,40</td><td><p>20 %</p></td></tr></table>"
            "<!-- commentaire --><ul><li>un</li><li>deux</li></ul>après</body></html>"
        ).encode("latin-1")
    )
    assert detect(path).extension == "html"
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, None, 1)
    lines = text_of(reading).replace("\xa0", " ").splitlines()
    assert lines == [
        "Facture n° 7",
        "Menuiserie Lefèvre & fils",
        "Lyon é",
        "Prix\tTVA",
        "12,40",
        "20 %",
        "un",
        "deux",
        "après",
    ]


@pytest.mark.parametrize(
    ("content", "outcome", "reason"),
    [
        (b"<html>" + b"<div>" * 100_000 + b"profond", Outcome.TEXT, "TextCut"),
        (b"<html>" + b"<div>" * 1_000 + b"profond", Outcome.TEXT, None),
        (b"<html><body></body></html>", Outcome.TEXT, "NoText"),
        (b"<!DOCTYPE html [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><html><p>&a;x</p></html>", Outcome.TEXT, None),
        (b"<html>\x00\xff\xfe<p>a\x00b</html>", Outcome.UNSUPPORTED, "UnsupportedType"),
        (b" \n \n", Outcome.TEXT, "NoText"),
        (b"x" * 21_000_000, Outcome.TEXT, "TextCut"),
    ],
    ids=["too deep", "deep", "empty", "entity", "zeros", "blank", "long"],
)
def test_a_hostile_text_has_its_outcome(tmp_path, read_document, content, outcome, reason):
    path = tmp_path / "a"
    path.write_bytes(content)
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (outcome, reason)
