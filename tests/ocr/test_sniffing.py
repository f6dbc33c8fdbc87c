"""What libmagic takes for something more general."""

from __future__ import annotations

import zipfile

import office_specimens as office
import pytest
import specimens

from bannette.ocr import detect
from bannette.ocr.sniffing import is_mail, is_table, text_type

MAILS = [
    ("From: a@b.example\nTo: c@d.example\nSubject: x\n\nbody", True),
    ("MIME-Version: 1.0\nDate: x\nX-Odd: y\n folded\nFrom: a@b.example\n\nbody", True),
    ("From a@b.example Tue Nov 24\nFrom: a@b.example\nTo: c@d.example\nDate: x\n\n", True),
    ("From: Paris\nTo: Lyon\n\nA journey", False),
    ("Date: 24.11.\nSubject: offer\nTotal: 7\nFrom here on it is prose", False),
    ("name: x\nfrom: y\n", False),
    ("", False),
]
TABLES = [
    ("a;b\n1;2\n3;4\n", True),
    ('a,b,c\n"1,5",2,3\n4,5,6\n', True),
    ("a\tb\n1\t2\n3\t4\n", True),
    ("Bonjour, Marie\nmerci, à bientôt\nbises, Jean\n", False),
    ("a;b\n1;2\n", False),
    ("a;b\n1;2;3\n4;5\n", False),
    ("", False),
]


@pytest.mark.parametrize(("head", "expected"), MAILS)
def test_a_mail_is_known_by_the_fields_that_mails_have(head, expected):
    assert is_mail(head) is expected


@pytest.mark.parametrize(("head", "expected"), TABLES)
def test_a_table_is_known_by_its_separators(head, expected):
    assert is_table(head) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("<!-- x -->\n<HTML>", "text/html"),
        ("\xef\xbb\xbf<table><tr>", "text/html"),
        ("<invoice/>", "text/plain"),
        ("a < b", "text/plain"),
    ],
)
def test_a_page_is_known_without_a_doctype(head, expected):
    assert text_type(head, "text/plain") == expected


def _epub(path):
    return office.package(path, {"mimetype": "application/epub+zip", "a.xhtml": "<html/>"}, compressed=False)


def _jar(path):
    return office.package(path, {"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\n", "A.class": "x"})


def _plain_zip(path):
    return office.package(path, {"facture.docx": "x", "word/document.xml": "y"})


def _lying_zip(path):
    return office.package(path, {"mimetype": "../../../etc/passwd"})


def _pdf_and_zip(path):
    specimens.text_pdf(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.txt", "x")
    return path


def _xlsx(path):
    return office.xlsx(path)


def _docx(path):
    return office.docx(path, "")


def _odt(path):
    return office.odf(path, "")


@pytest.mark.parametrize(
    ("make", "extension"),
    [
        (_docx, "docx"),
        (_xlsx, "xlsx"),
        (_odt, "odt"),
        (_epub, "epub"),
        (_jar, "zip"),
        (_plain_zip, "zip"),
        (_lying_zip, "zip"),
        (_pdf_and_zip, "pdf"),
    ],
)
def test_a_zip_is_what_its_parts_make_of_it_whatever_their_order(tmp_path, make, extension):
    assert detect(make(tmp_path / "a.exe")).extension == extension
