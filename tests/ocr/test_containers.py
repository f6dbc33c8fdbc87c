"""Mails and archives: their text, the documents inside them, and what hostile ones come to."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from email.message import EmailMessage

import pytest
import specimens

from bannette.ocr import Outcome, detect
from tests.documents.fetch import MAIL_PARSER, fetch


def mail(subject: str = "Vos factures", *, html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Marie Lefèvre <marie@acme.example>"
    message["To"] = "compta@acme.example"
    message["Date"] = "Tue, 24 Nov 2026 10:00:00 +0100"
    message["Subject"] = subject
    message.set_content("Bonjour,\nci-joint la facture d'été.\n")
    if html:
        message.add_alternative(html, subtype="html")
    return message


def attach(message: EmailMessage, data: bytes, name: str, kind: str = "application/pdf", **more: str) -> None:
    maintype, subtype = kind.split("/")
    message.add_attachment(data, maintype=maintype, subtype=subtype, filename=name, **more)


def written(path, data: bytes):
    path.write_bytes(data)
    return path


def contents(reading):
    return [(part.index, part.name, part.path.read_bytes()) for part in reading.parts]


def test_a_mail_is_read_and_its_attachments_are_parts(tmp_path, read_document, text_of):
    pdf = specimens.text_pdf(tmp_path / "a.pdf").read_bytes()
    message = mail(html="<p>Bonjour en <b>HTML</b></p>")
    attach(message, pdf, "facture n° 7.pdf")
    attach(message, b"x" * 4999, "logo.png", "image/png", disposition="inline")
    attach(message, b"y" * 5000, "photo.png", "image/png", disposition="inline")
    path = written(tmp_path / "a", message.as_bytes())
    assert detect(path).extension == "eml"
    reading = read_document(path)
    assert (reading.outcome, reading.reason, reading.pages) == (Outcome.TEXT, None, 1)
    assert contents(reading) == [(0, "facture n° 7.pdf", pdf), (1, "photo.png", b"y" * 5000)]
    assert text_of(reading) == (
        "From: Marie Lefèvre <marie@acme.example>\nTo: compta@acme.example\nDate: Tue, 24 Nov 2026 10:00:00 +0100\n"
        "Subject: Vos factures\n\nBonjour,\nci-joint la facture d'été.\n"
    )


def test_a_mail_of_html_alone_is_read_as_a_browser_shows_it(tmp_path, read_document, text_of):
    message = mail()
    message.set_content("<p>Montant : <b>12,40&nbsp;€</b></p><script>x</script>", subtype="html", charset="cp1252")
    assert text_of(read_document(written(tmp_path / "a", message.as_bytes()))).endswith("\n\nMontant : 12,40\xa0€\n")


def test_a_mail_inside_a_mail_is_a_part_as_a_whole(tmp_path, read_document):
    inner = mail("Dedans")
    attach(inner, b"%PDF-1.7 inside", "inside.pdf")
    outer = mail("Dehors")
    outer.add_attachment(inner)
    (part,) = read_document(written(tmp_path / "a", outer.as_bytes())).parts
    assert part.name == "Dedans.eml"
    assert [one.name for one in read_document(part.path).parts] == ["inside.pdf"]


def test_of_a_mail_with_too_many_attachments_a_hundred_are_taken_out(tmp_path, read_document):
    message = mail()
    for number in range(120):
        attach(message, b"%d" % number, f"{number}.bin", "application/octet-stream")
    reading = read_document(written(tmp_path / "a", message.as_bytes()))
    assert (len(reading.parts), reading.outcome, reading.reason) == (100, Outcome.TEXT, "PartsMissing")


BROKEN_MAILS = [
    (b"From: a\nTo: b\nSubject: =?utf-8?q?=FF?=\nContent-Type: text/plain; charset=nonsense\n\n\xe9t\xe9", "été"),
    (b"From: a\nTo: b\nSubject: x\nContent-Type: multipart/mixed\n\nno boundary at all", "no boundary at all"),
    (b"From: a\nTo: b\nSubject: x\nContent-Type: multipart/mixed; boundary=z\n\n--z\n\nnever closed", "never closed"),
    (b"From: a\nTo: b\nSubject: x\nContent-Transfer-Encoding: base64\n\n!!!not base64!!!", "From: a"),
    (b"From: <<<@>>>;;;:\nTo: [[[\nSubject: x\nDate: yesterday\n\nbody", "body"),
    (
        b"From: a\nTo: b\nSubject: x\nContent-Type: ;;;==;\nContent-Disposition: attachment; filename*=x''%ff\n\nb",
        "Subject: x",
    ),
]


@pytest.mark.parametrize(("data", "expected"), BROKEN_MAILS)
def test_a_broken_mail_is_read_as_far_as_it_goes(tmp_path, read_document, text_of, data, expected):
    reading = read_document(written(tmp_path / "a", data))
    assert reading.outcome is Outcome.TEXT
    assert expected in text_of(reading)


@pytest.mark.documents
def test_real_mails_of_all_kinds_are_read(read_document):
    readings = {path.name: read_document(path) for path in fetch(MAIL_PARSER).iterdir()}
    unread = {name for name, reading in readings.items() if reading.outcome is not Outcome.TEXT}
    # One begins with data, and one is Outlook's own format.
    assert unread == {"mail_malformed_3", "mail_outlook_1"}
    assert sum(len(reading.parts) for reading in readings.values()) >= 10
    assert {reading.reason for name, reading in readings.items() if name not in unread} == {None}


def archive(path, files, *, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as target:
        for name, data in files:
            target.writestr(name, data)
    return path


def test_what_is_in_an_archive_is_a_part_whatever_its_name(tmp_path, read_document, text_of):
    names = ["2026/facture été.pdf", "../../../etc/passwd", "/abs", "C:\\x.pdf", "a" * 400, "twice", "twice"]
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(
            tmp_path / "a",
            [*((name, name.encode()) for name in names), ("dir/", b""), ("__MACOSX/._x", b"x"), ("d/.DS_Store", b"x")],
        )
    before = set(tmp_path.rglob("*"))
    reading = read_document(path)
    assert (reading.outcome, reading.reason) == (Outcome.TEXT, None)
    assert contents(reading) == [(index, name, name.encode()) for index, name in enumerate(names)]
    assert text_of(reading).splitlines() == names
    new = {file for file in set(tmp_path.rglob("*")) - before if file.is_file()}
    assert all(file.is_relative_to(tmp_path / "workspace") for file in new)


def _many(path):
    return archive(path, [(str(number), b"%d" % number) for number in range(600)])


def _bomb(path):
    return archive(path, [("facture.pdf", b"%PDF-1.7"), ("zeros", bytes(200_000_000))])


def _damaged_entry(path):
    archive(path, [("good", b"good" * 99), ("bad", b"bad" * 99)], how=zipfile.ZIP_STORED)
    return written(path, path.read_bytes().replace(b"badbad", b"badbid", 1))


def _cut(path):
    archive(path, [("a", b"x" * 9999)], how=zipfile.ZIP_STORED)
    return written(path, path.read_bytes()[:5000])


def _link(path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    return archive(path, [(entry, "/etc/passwd")])


def _empty(path):
    return archive(path, [])


def _lies(path):
    """The size of an entry is said to be smaller than it is."""
    archive(path, [("a", b"x" * 5000)])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    return written(path, bytes(data))


ARCHIVES = [
    (_many, Outcome.TEXT, "PartsMissing", 500),
    (_bomb, Outcome.TEXT, "PartsMissing", 1),
    (_damaged_entry, Outcome.TEXT, "PartsMissing", 1),
    (_cut, Outcome.FAILED, "Corrupt", 0),
    (_link, Outcome.TEXT, "NoText", 0),
    (_lies, Outcome.TEXT, "PartsMissing", 0),
]


@pytest.mark.parametrize(("make", "outcome", "reason", "parts"), ARCHIVES, ids=[case[0].__name__ for case in ARCHIVES])
def test_a_hostile_archive_has_its_outcome(tmp_path, read_document, make, outcome, reason, parts):
    path = make(tmp_path / "a")
    reading = read_document(path)
    assert (reading.outcome, reading.reason, len(reading.parts)) == (outcome, reason, parts)


def test_parts_are_bounded_by_what_the_reader_allows(tmp_path, read_document):
    path = archive(tmp_path / "a", [(str(number), b"x" * 1000) for number in range(5)], how=zipfile.ZIP_STORED)
    few = read_document(path, most_parts=2)
    assert (len(few.parts), few.reason) == (2, "PartsMissing")
    small = read_document(path, part_bytes=3500)
    assert (len(small.parts), small.reason) == (3, "PartsMissing")
    assert read_document(path, most_parts=0).parts == ()


def _locked(path):
    """An archive encrypted as PKWARE's APPNOTE 6.1 says, with the password *secret*."""
    plain, password = b"Bonjour", b"secret"
    crc = zlib.crc32(plain)
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = _crc_step(keys[0], byte)
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = _crc_step(keys[2], keys[1] >> 24)

    def encrypt(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            mask = (keys[2] | 2) & 0xFFFF
            out.append(byte ^ ((mask * (mask ^ 1)) >> 8 & 0xFF))
            update(byte)
        return bytes(out)

    for byte in password:
        update(byte)
    body = encrypt(bytes(11) + bytes([crc >> 24]) + plain)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        target.writestr("a.txt", body)
    data = bytearray(buffer.getvalue())
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    for flag_at, crc_at in ((local + 6, local + 14), (central + 8, central + 16)):
        struct.pack_into("<H", data, flag_at, 1)
        struct.pack_into("<III", data, crc_at, crc, len(body), len(plain))
    return written(path, bytes(data))


def _crc_step(crc: int, byte: int) -> int:
    value = (crc ^ byte) & 0xFF
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return crc >> 8 ^ value


def test_an_encrypted_archive_opens_with_its_password_and_says_without_what_it_needs(tmp_path, read_document):
    path = _locked(tmp_path / "a")
    reading = read_document(path, passwords=("wrong",))
    assert (reading.outcome, reading.reason, reading.parts) == (Outcome.NEEDS_PASSWORD, "Encrypted", ())
    assert contents(read_document(path, passwords=("wrong", "secret"))) == [(0, "a.txt", b"Bonjour")]
