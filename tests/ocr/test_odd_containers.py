"""Mails and archives as programs of all ages write them: nothing inside is lost without a word."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest
import specimens

from bannette.ocr import Outcome, detect

HEAD = b"From: a@b.c\nTo: d@e.f\nDate: Tue, 24 Nov 2026 10:00:00 +0100\nSubject: s\nMIME-Version: 1.0\n"
PDF_ATTACHED = b"Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n"


def multipart(*parts, kind=b"mixed"):
    body = b"".join(b"--q\n" + part + b"\n" for part in parts)
    return HEAD + b"Content-Type: multipart/" + kind + b"; boundary=q\n\n" + body + b"--q--\n"


def text(body, *, kind=b"plain", charset=b"utf-8"):
    return b"Content-Type: text/" + kind + b"; charset=" + charset + b"\nContent-Transfer-Encoding: 8bit\n\n" + body


@pytest.fixture
def pdf(tmp_path):
    return specimens.text_pdf(tmp_path / "inside.pdf").read_bytes()


@pytest.fixture
def read_bytes(tmp_path, read_document):
    def act(data, **changes):
        path = tmp_path / "document"
        path.write_bytes(data)
        return read_document(path, **changes)

    return act


def names(reading):
    return [part.name for part in reading.parts]


def archive(*files, how=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in files:
            target.writestr(name, data, compress_type=how)
    return buffer.getvalue()


def test_pdfs_that_lie_in_an_archive_as_they_are_make_it_no_pdf(read_bytes, pdf):
    reading = read_bytes(archive(("a.pdf", pdf), ("b.pdf", pdf + b"\n")))
    assert (reading.outcome, reading.reason, names(reading)) == (Outcome.TEXT, None, ["a.pdf", "b.pdf"])


def test_a_pdf_that_lies_in_a_mail_as_it_is_makes_it_no_pdf(read_bytes, pdf):
    data = multipart(text(b"hello"), PDF_ATTACHED + b"Content-Transfer-Encoding: 8bit\n\n" + pdf)
    assert names(read_bytes(data)) == ["a.pdf"]


def test_a_pdf_with_something_before_it_is_one_all_the_same(tmp_path, pdf):
    path = tmp_path / "late"
    path.write_bytes(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + pdf)
    assert detect(path).media_type == "application/pdf"


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_an_entry_that_is_damaged_costs_itself(read_bytes, how):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("good.txt", b"good text " * 50)
        target.writestr("bad.txt", bytes(range(256)) * 20, compress_type=how)
    data = bytearray(buffer.getvalue())
    begin = data.index(b"bad.txt") + 22
    data[begin : begin + 40] = bytes(255 - byte for byte in data[begin : begin + 40])
    reading = read_bytes(bytes(data))
    assert (reading.outcome, reading.reason, names(reading)) == (Outcome.TEXT, "PartsMissing", ["good.txt"])


def test_an_entry_that_asks_for_all_memory_costs_itself(read_bytes):
    data = bytearray(archive(("bad.txt", b"x" * 5000), how=zipfile.ZIP_LZMA))
    # The size of the dictionary, in the header of LZMA's own.
    at = data.index(b"bad.txt") + 7 + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    reading = read_bytes(bytes(data))
    assert (reading.outcome, reading.reason, reading.parts) == (Outcome.TEXT, "PartsMissing", ())


def test_a_damaged_list_of_types_is_that_of_an_archive(read_bytes):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("[Content_Types].xml", bytes(range(256)) * 20, compress_type=zipfile.ZIP_BZIP2)
        target.writestr("word/document.xml", b"<x/>")
    data = bytearray(buffer.getvalue())
    begin = data.index(b"Types].xml") + 25
    data[begin : begin + 40] = bytes(255 - byte for byte in data[begin : begin + 40])
    reading = read_bytes(bytes(data))
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, "PartsMissing")


def test_the_page_is_read_where_the_plain_text_beside_it_is_empty(read_bytes, text_of):
    data = multipart(text(b""), text(b"<p>Total 1234 EUR</p>", kind=b"html"), kind=b"alternative")
    assert "Total 1234 EUR" in text_of(read_bytes(data))


@pytest.mark.parametrize(
    ("kind", "name"), [(b"global", "inner.eml"), (b"rfc822", "inner.eml"), (b"partial; id=a", "message.partial")]
)
def test_a_mail_of_any_kind_that_is_attached_is_a_part(read_bytes, kind, name):
    inner = HEAD.replace(b"Subject: s", b"Subject: inner") + b"\nbody\n"
    assert names(read_bytes(multipart(text(b"hello"), b"Content-Type: message/" + kind + b"\n\n" + inner))) == [name]


def test_what_a_mail_server_says_of_a_delivery_is_text(read_bytes, text_of):
    said = b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nAction: failed\nStatus: 5.1.1\n"
    reading = read_bytes(multipart(text(b"hello"), said))
    assert "Status: 5.1.1" in text_of(reading)
    assert reading.parts == ()


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_an_attachment_that_was_cut_is_unpacked_as_far_as_it_goes(read_bytes, pdf, cut):
    packed = base64.b64encode(pdf)[: 400 + cut]
    data = multipart(text(b"hello"), PDF_ATTACHED + b"Content-Transfer-Encoding: base64\n\n" + packed)
    (part,) = read_bytes(data).parts
    assert pdf.startswith(part.path.read_bytes()[:298])
    assert part.path.stat().st_size >= 298


@pytest.mark.parametrize("name", [b"utf-7''a%2B2AA-.pdf", b"unicode_escape''a%5Cud800.pdf"])
def test_a_name_that_no_encoding_has_costs_the_name(read_bytes, name):
    attached = b"Content-Type: application/pdf\nContent-Disposition: attachment; filename*=" + name + b"\n\nx\n"
    reading = read_bytes(multipart(text(b"hello"), attached))
    assert (reading.outcome, len(reading.parts)) == (Outcome.TEXT, 1)


def test_the_later_mails_of_a_mailbox_are_told(read_bytes):
    one = b"From a@b.c Tue Nov 24 10:00:00 2026\n" + HEAD + b"\nbody\n\n"
    assert read_bytes(one).reason is None
    assert read_bytes(one * 2).reason == "PartsMissing"


@pytest.mark.parametrize(
    ("charset", "encoding", "said"),
    [
        (b"gb2312", "gbk", "发票金额 镕"),
        (b"shift_jis", "cp932", "請求書 ① 髙橋 ㈱"),
        (b"iso-8859-1", "cp1252", "12 € – été"),
    ],
)
def test_a_charset_is_read_as_windows_means_it(read_bytes, text_of, charset, encoding, said):
    assert said in text_of(read_bytes(multipart(text(said.encode(encoding), charset=charset))))
