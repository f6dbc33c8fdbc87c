"""What a channel sets about reading: limits, passwords, models."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pikepdf
import pytest
import yaml
from PIL import Image

from bannette.binder import OcrOutcome
from bannette.collector.passwords import passwords_in
from bannette.errors import PersonNeeded
from tests.collector.test_reading import pdf, scan

ENCRYPTED = "canary-7f3a secret"


def encrypted(text: str) -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(text))) as document:
        document.save(buffer, encryption=pikepdf.Encryption(user=ENCRYPTED, owner="owner"))
    return buffer.getvalue()


def with_ocr(channel, **settings: object) -> None:
    channel.write(spec={"ocr": {"languages": ["eng"], **settings}})


def add_secret(channel, name: str, members: dict[str, str]) -> None:
    secret = {"kind": "Secret", "metadata": {"name": name, "namespace": "acme"}, "stringData": members}
    channel.file.write_text(f"{channel.file.read_text()}\n---\n{yaml.safe_dump(secret)}")


def only(channel):
    (record,) = channel.records()
    return record


@pytest.mark.parametrize(
    ("members", "outcome", "reason"),
    [
        ({"a": "wrong\n\n", "b": f"other\r\n{ENCRYPTED}\r\n"}, OcrOutcome.TEXT, None),
        ({"a": "wrong"}, OcrOutcome.NEEDS_PASSWORD, "Encrypted"),
    ],
)
def test_an_encrypted_document_is_read_with_a_password_of_the_secret(channel, simulator, members, outcome, reason):
    with_ocr(channel, passwordsSecret={"name": "passwords"})
    add_secret(channel, "passwords", members)
    content = encrypted("Invoice 4711")
    simulator.control.create("/Invoices/a.pdf", content)
    ended = channel.command_ends()
    assert ended.code == 0, ended.stderr
    record = only(channel)
    assert (record.ocr.outcome, record.ocr.reason) == (outcome, reason)
    assert channel.original(record) == content
    assert ("Invoice 4711" in (channel.binder().text(record.id) or "")) is (reason is None)
    told = ended.stdout + ended.stderr + "".join(path.read_text() for path in channel.state.glob("*.yaml"))
    told += "".join(str(report) for report in channel.reports())
    assert "canary-7f3a" not in told


def test_a_secret_that_is_not_there_ends_the_run_before_anything_is_collected(channel, simulator):
    with_ocr(channel, passwordsSecret={"name": "passwords"})
    simulator.control.create("/Invoices/a.pdf", pdf("x"))
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "SecretNotFound")
    assert channel.records() == []


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({}, "holds no password"),
        ({"a": "\n \n"}, "holds no password"),
        ({"a": "\n".join(map(str, range(101)))}, "holds 101 passwords: keep at most 100"),
        ({"a": "é" * 64}, "holds a line of more than 127 bytes"),
    ],
)
def test_a_secret_without_passwords_that_can_be_says_what_it_should_hold(members, problem):
    with pytest.raises(PersonNeeded, match=problem) as caught:
        passwords_in(members, "passwords")
    assert caught.value.reason == "PasswordsInvalid"
    assert "passwords" in str(caught.value)


def _large(content: bytes) -> bytes:
    return content + b"%" * 1_100_000


def _picture(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), 255).save(buffer, "PNG")
    return buffer.getvalue()


def _scanned_pages(count: int) -> bytes:
    buffer = io.BytesIO()
    page = Image.new("L", (300, 400), 255)
    page.save(buffer, "TIFF", save_all=True, append_images=[page] * (count - 1))
    return buffer.getvalue()


def _tiff_of_colours() -> bytes:
    """A picture within 180 megapixels, which is decoded as a whole: 540 MB."""
    buffer = io.BytesIO()
    Image.new("RGB", (13_000, 13_000), "white").save(buffer, "TIFF", compression="tiff_lzw")
    return buffer.getvalue()


LIMITS = [
    ({"megabytes": 1}, "a.pdf", lambda: _large(pdf("x")), OcrOutcome.SKIPPED, "TooLarge"),
    ({"pages": 2}, "a.tif", lambda: _scanned_pages(3), OcrOutcome.SKIPPED, "TooManyPages"),
    ({"megapixels": 1}, "a.png", lambda: _picture(1100), OcrOutcome.SKIPPED, "TooLarge"),
    ({"memoryMiB": 512}, "a.png", _tiff_of_colours, OcrOutcome.FAILED, "OutOfMemory"),
    ({"seconds": 1}, "a.png", scan, OcrOutcome.FAILED, "TimedOut"),
]


@pytest.mark.parametrize(("limits", "name", "make", "outcome", "reason"), LIMITS, ids=[str(one[0]) for one in LIMITS])
def test_each_limit_ends_in_an_outcome_and_a_delivered_original(
    channel, simulator, limits, name, make, outcome, reason
):
    with_ocr(channel, limits=limits)
    content = make()
    simulator.control.create(f"/Invoices/{name}", content)
    assert channel.collect().code == 0
    record = only(channel)
    assert (record.ocr.outcome, record.ocr.reason) == (outcome, reason)
    assert channel.original(record) == content
    assert channel.inbox() == [name]


def test_models_of_another_folder_are_used_and_what_lacks_there_is_said(channel, simulator, tmp_path):
    own = tmp_path / "models"
    own.mkdir()
    simulator.control.create("/Invoices/a.png", scan())
    with_ocr(channel, tessdata=str(own))
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "LanguageNotInstalled")
    assert str(own) in ended.entry["message"]
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout
    installed = Path(listed.partition('"')[2].partition('"')[0])
    (own / "eng.traineddata").symlink_to(installed / "eng.traineddata")
    with_ocr(channel, tessdata=str(own), languages=["eng", "fra"])
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "LanguageNotInstalled")
    assert f"can't read fra here; installed in {own}: eng." in ended.entry["message"]
    with_ocr(channel, tessdata=str(own))
    assert channel.collect().code == 0
    assert only(channel).ocr.outcome is OcrOutcome.RECOGNISED
