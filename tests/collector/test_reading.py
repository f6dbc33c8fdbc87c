"""Reading on the way: whatever becomes of it, the original is delivered."""

from __future__ import annotations

import io
import signal

import pytest
from reportlab.pdfgen.canvas import Canvas

from bannette import ocr
from bannette.binder import Binder, OcrOutcome
from bannette.errors import Transient
from bannette.onedrive import Drive, DriveKind, document_id
from tests.collector.local_channel import finished, wait_until


@pytest.fixture
def drive(simulator):
    return simulator.control


@pytest.fixture
def channel(channel):
    channel.write(spec={"ocr": {"enabled": True, "languages": ["eng"]}})
    return channel


def pdf(text: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 720, text)
    canvas.save()
    return buffer.getvalue()


def scan() -> bytes:
    """A photo of many words, which takes seconds to recognise."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (2400, 3400), 255)
    draw = ImageDraw.Draw(image)
    for line in range(60):
        draw.text((100, 50 + line * 55), f"Line {line} of an invoice over 1{line:02},40 EUR " * 2, fill=0, font_size=34)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30, dpi=(300, 300))
    return buffer.getvalue()


def test_a_document_is_delivered_with_its_text(channel, collect, drive):
    content = pdf("Invoice 4711 of 12.40 EUR")
    drive.create("/Invoices/no-extension", content)
    assert collect().counts("result", "collected", "pages") == ("Succeeded", 1, 1)
    (record,) = channel.records()
    assert (record.media_type, record.ocr.outcome) == ("application/pdf", OcrOutcome.TEXT)
    assert "Invoice 4711" in (channel.binder().text(record.id) or "")
    assert channel.original(record) == content
    assert record.files["original"].endswith("/original.pdf")


def test_a_damaged_document_is_delivered_unread(channel, collect, drive):
    content = b"%PDF-1.7 and nothing else"
    drive.create("/Invoices/a.pdf", content)
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    (record,) = channel.records()
    assert record.ocr.outcome is OcrOutcome.FAILED
    assert channel.original(record) == content
    assert channel.inbox() == ["a.pdf"]


def test_a_duplicate_is_not_read_again(channel, collect, drive, monkeypatch):
    drive.create("/Invoices/a.pdf", pdf("Invoice 4711"))
    collect()
    drive.copy("/Invoices/a.pdf", "/Invoices/b.pdf")

    def unexpected(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr(ocr, "read", unexpected)
    assert collect().counts("collected", "duplicates") == (0, 1)
    first, second = channel.records()
    assert (second.duplicate_of, second.files, second.media_type) == (first.id, first.files, first.media_type)


@pytest.mark.parametrize(
    ("attempts", "outcome"), [(1, OcrOutcome.TEXT), (2, OcrOutcome.FAILED), (3, OcrOutcome.FAILED)]
)
def test_a_document_that_ended_two_runs_is_delivered_unread(channel, collect, drive, attempts, outcome):
    drive.create("/Invoices/a.pdf", pdf("Invoice 4711"))
    made = drive.create("/Invoices/b.pdf", pdf("Invoice 4712"))
    document = document_id(Drive(made["drive"], DriveKind.BUSINESS), made["id"])
    channel.binder_folder.mkdir()
    (channel.binder_folder / "attempts").mkdir()
    (channel.binder_folder / "attempts" / document).write_text(str(attempts))
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    first, second = channel.records()
    assert first.ocr.outcome is OcrOutcome.TEXT
    assert second.ocr.outcome is outcome
    assert (second.ocr.reason == "Crashed") == (outcome is OcrOutcome.FAILED)
    assert list((channel.binder_folder / "attempts").iterdir()) == []


def test_a_run_that_is_told_to_end_stops_its_readings_and_blames_no_document(channel, drive):
    drive.create("/Invoices/a.jpg", scan())
    process = channel.start()
    attempts = channel.binder_folder / "attempts"
    wait_until(lambda: attempts.is_dir() and list(attempts.iterdir()), "the reading to begin")
    process.send_signal(signal.SIGTERM)
    ended = finished(process, within=60)
    assert (ended.code, ended.entry["reason"]) == (3, "Interrupted")
    assert channel.names() == []
    assert list(attempts.iterdir()) == []
    assert not (channel.state / "scratch").exists()


def test_a_store_that_is_full_blames_no_document(channel, collect, drive, monkeypatch):
    drive.create("/Invoices/a.pdf", pdf("Invoice 4711"))
    drive.create("/Invoices/b.pdf", pdf("Invoice 4712"))

    def full(*arguments, **options):
        raise Transient("The store is full.", reason="StoreFull")

    with monkeypatch.context() as while_full:
        while_full.setattr(Binder, "commit", full)
        for _ in range(3):
            assert collect().counts("result", "reason") == ("Failed", "StoreFull")
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    assert [record.ocr.outcome for record in channel.records()] == [OcrOutcome.TEXT, OcrOutcome.TEXT]


def test_an_original_that_its_reading_changes_is_delivered_unread_in_the_end(channel, collect, drive, monkeypatch):
    drive.create("/Invoices/a.pdf", pdf("Invoice 4711"))
    read = ocr.read

    def spoiling(path, **options):
        reading = read(path, **options)
        path.write_bytes(b"changed")
        return reading

    monkeypatch.setattr(ocr, "read", spoiling)
    for _ in range(2):
        assert collect().counts("collected", "deferred") == (0, 1)
    assert collect().counts("collected", "deferred") == (1, 0)
    assert channel.records()[0].ocr.reason == "Crashed"


def test_a_long_first_walk_saves_how_far_it_came(channel, collect, drive, monkeypatch):
    monkeypatch.setattr("bannette.collector.states.SAVE_EVERY", 0.0)
    channel.write(onedrive={"folder": "/"})
    drive.settings(page_size=2)
    for number in range(12):
        drive.create(f"/{number}.txt", f"document {number}")
    drive.add_faults({"like": "error 500", "kinds": ["delta"], "times": 3, "skip": 4})
    assert collect().counts("result", "collected") == ("Succeeded", 12)
    assert int(str(channel.status()["checkpoint"]["revision"])) > 1
