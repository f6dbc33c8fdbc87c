"""Mails and archives on the way: what is inside them arrives as documents of their own, exactly once."""

from __future__ import annotations

import io
import shutil
import signal
import zipfile
from collections import Counter
from email.message import EmailMessage
from pathlib import Path

import pytest

from bannette.binder import OcrOutcome, part_id
from tests.collector.test_reading import pdf


@pytest.fixture
def drive(simulator):
    return simulator.control


@pytest.fixture
def channel(channel):
    channel.write(spec={"ocr": {"enabled": True, "languages": ["eng"]}})
    return channel


def mail(*attachments: tuple[str, bytes], subject: str = "invoices") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@acme.example", "b@acme.example", subject
    message.set_content("Please find them attached.")
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def archive(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in files:
            target.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def by_name(channel):
    return {record.name: record for record in channel.records()}


def test_the_attachments_of_a_mail_are_documents_linked_to_it(channel, drive):
    invoice, note = pdf("Invoice 4711"), b"a note\n" * 10
    drive.create("/Invoices/mail.eml", mail(("invoice.pdf", invoice), ("files.zip", archive(("deep/note.txt", note)))))
    ended = channel.collect()
    assert ended.counts("result", "collected", "duplicates") == ("Succeeded", 4, 0)
    records = by_name(channel)
    assert sorted(records) == ["deep/note.txt", "files.zip", "invoice.pdf", "mail.eml"]
    whole, attached, inside = records["mail.eml"], records["invoice.pdf"], records["deep/note.txt"]
    assert (whole.parent, attached.parent, records["files.zip"].parent) == (None, whole.id, whole.id)
    assert inside.parent == records["files.zip"].id
    assert attached.id == part_id(whole.id, 0, attached.sha256)
    assert channel.original(attached) == invoice
    assert channel.original(inside) == note
    assert (attached.folder, attached.item, attached.media_type) == ("/Invoices", whole.item, "application/pdf")
    assert "Invoice 4711" in channel.binder().text(attached.id)
    assert channel.inbox() == sorted(records)
    assert channel.collect().counts("collected", "duplicates") == (0, 0)
    assert channel.report(ended)["pages"] == 3


def test_an_attachment_that_came_before_is_recorded_and_withheld(channel, drive):
    invoice = pdf("Invoice 4711")
    drive.create("/Invoices/a.pdf", invoice)
    assert channel.collect().code == 0
    drive.create("/Invoices/b.eml", mail(("again.pdf", invoice)))
    assert channel.collect().counts("collected", "duplicates") == (1, 1)
    assert by_name(channel)["again.pdf"].duplicate_of == by_name(channel)["a.pdf"].id
    assert channel.inbox() == ["a.pdf", "b.eml"]


def test_the_same_mail_again_brings_nothing_of_its_inside_again(channel, drive):
    whole = mail(("invoice.pdf", pdf("Invoice 4711")))
    drive.create("/Invoices/a.eml", whole)
    assert channel.collect().code == 0
    drive.create("/Invoices/b.eml", whole)
    assert channel.collect().counts("collected", "duplicates") == (0, 1)
    assert channel.inbox() == ["a.eml", "invoice.pdf"]


def test_archives_inside_archives_are_opened_three_deep(channel, drive):
    data = archive(("deepest.txt", b"deep down\n"))
    for level in ("4", "3", "2"):
        data = archive((f"{level}.zip", data))
    drive.create("/Invoices/1.zip", data)
    assert channel.collect().code == 0
    records = by_name(channel)
    assert sorted(records) == ["1.zip", "2.zip", "3.zip", "4.zip"]
    assert (records["4.zip"].ocr.outcome, records["4.zip"].ocr.reason) == (OcrOutcome.TEXT, "PartsMissing")


def test_an_archive_of_archives_yields_no_more_than_one_may(channel, drive):
    # Of no type that is read: what is counted is what was taken out.
    inner = [
        archive(*((f"{outer}-{number}", b"\0\1%d %d" % (outer, number)) for number in range(300))) for outer in range(3)
    ]
    drive.create("/Invoices/all.zip", archive(*((f"{number}.zip", data) for number, data in enumerate(inner))))
    assert channel.collect().counts("result", "collected") == ("Succeeded", 501)
    reasons = Counter((record.name.endswith(".zip"), record.ocr.reason) for record in channel.records())
    assert reasons == {(True, None): 2, (True, "PartsMissing"): 2, (False, "UnsupportedType"): 497}


def test_names_of_parts_are_names_and_appear_in_no_log(channel, drive):
    drive.create("/Invoices/a.zip", archive(("../../../../tmp/canary-7f3a", b"x\n"), ("/canary-7f3a", b"y\n")))
    ended = channel.command_ends()
    assert ended.code == 0
    assert "canary-7f3a" not in ended.stderr + ended.stdout
    assert not list(Path("/tmp").glob("canary-7f3a*"))
    assert not [path for path in channel.folder.rglob("*") if "canary" in path.name]


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_a_mail_whose_run_is_killed_anywhere_arrives_whole_and_once(killed_at, channel, drive, tmp_path):
    first, second = pdf("Invoice 1"), pdf("Invoice 2")
    drive.create("/Invoices/a.eml", mail(("1.pdf", first), ("2.pdf", second)))
    log = tmp_path / "log"
    assert killed_at(channel, None, log).code == 0
    steps = [line.split()[0] for line in log.read_text().splitlines()]
    # From the first thing that is put of a part until all records are there.
    interesting = [
        number for number, name in enumerate(steps) if name in ("put_new", "put_new_durable", "make_durable")
    ]
    ends = Counter[int]()
    for number in interesting[:: max(1, len(interesting) // 8)]:
        for folder in (channel.binder_folder, channel.state):
            shutil.rmtree(folder)
        # One that saves its state less often than the first one has fewer operations.
        ended = killed_at(channel, number, log)
        assert ended.code in (0, -signal.SIGKILL), ended.stderr
        ends[ended.code] += 1
        assert channel.collect().code == 0
        assert sorted(by_name(channel)) == ["1.pdf", "2.pdf", "a.eml"]
        assert channel.inbox() == ["1.pdf", "2.pdf", "a.eml"]
        assert {channel.original(record) for record in channel.records()} >= {first, second}
    assert ends[-signal.SIGKILL] > 4
