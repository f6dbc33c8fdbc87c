"""``bannette reprocess``: documents of the binder are read again, and never twice in it."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from bannette.binder import OcrFacts, OcrOutcome
from bannette.collector.reprocessing import is_better
from tests.collector.local_channel import BANNETTE
from tests.collector.test_parts import mail
from tests.collector.test_reading_settings import ENCRYPTED, add_secret, encrypted
from tests.notify.test_cloud_events import http_sink

READ = OcrFacts(outcome=OcrOutcome.RECOGNISED, words=100, unsure_words=10)
BETTER = [
    (OcrFacts(outcome=OcrOutcome.FAILED), READ, True),
    (OcrFacts(outcome=OcrOutcome.UNSUPPORTED), OcrFacts(outcome=OcrOutcome.TEXT), True),
    (READ, OcrFacts(outcome=OcrOutcome.FAILED), False),
    (OcrFacts(outcome=OcrOutcome.FAILED), OcrFacts(outcome=OcrOutcome.NEEDS_PASSWORD), False),
    (READ, OcrFacts(outcome=OcrOutcome.RECOGNISED, words=95, unsure_words=2), True),
    (READ, OcrFacts(outcome=OcrOutcome.RECOGNISED, words=120, unsure_words=40), False),
    (READ, READ, True),
    (OcrFacts(outcome=OcrOutcome.TEXT), OcrFacts(outcome=OcrOutcome.TEXT), True),
]


@pytest.mark.parametrize(("before", "after", "expected"), BETTER)
def test_a_reading_is_replaced_only_by_one_that_says_as_much(before, after, expected):
    assert is_better(before, after) is expected


@pytest.fixture
def reprocess(channel):
    def run(*arguments):
        command = [BANNETTE, "reprocess", "-f", str(channel.file), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=channel.environment)

    return run


def results(done):
    return [(one["result"], one["parts"]) for one in json.loads(done.stdout)]


@pytest.fixture
def locked(channel, simulator):
    """A channel whose encrypted document was collected without its password."""
    channel.write(spec={"ocr": {"languages": ["eng"]}})
    simulator.control.create("/Invoices/a.pdf", encrypted("Invoice 4711"))
    assert channel.collect().code == 0
    (record,) = channel.records()
    assert record.ocr.outcome is OcrOutcome.NEEDS_PASSWORD
    return record


def test_a_document_is_read_when_its_password_is_known(channel, locked, reprocess):
    done = reprocess("--failed", "-o", "json")
    assert (done.returncode, results(done)) == (0, [("Kept", 0)])
    channel.write(spec={"ocr": {"languages": ["eng"], "passwordsSecret": {"name": "passwords"}}})
    add_secret(channel, "passwords", {"a": ENCRYPTED})
    original = channel.original(locked)
    done = reprocess("--outcome", "NeedsPassword", "-o", "json")
    assert (done.returncode, results(done)) == (0, [("Amended", 0)])
    seen = channel.binder().record(locked.id)
    assert seen.ocr.outcome is OcrOutcome.TEXT
    assert "Invoice 4711" in channel.binder().text(locked.id)
    assert channel.original(seen) == original
    assert channel.inbox() == ["a.pdf"]
    assert channel.records() == [locked]
    assert reprocess("--failed").stdout == "There is nothing to read again.\n"
    assert channel.collect().counts("collected", "duplicates") == (0, 0)
    verify = [BANNETTE, "binder", "verify", "-f", str(channel.file), "--content"]
    assert subprocess.run(verify, capture_output=True, timeout=60).returncode == 0


def test_a_damaged_record_keeps_no_other_document_from_being_read(channel, simulator, locked, reprocess):
    simulator.control.create("/Invoices/b.pdf", encrypted("Invoice 4712"))
    assert channel.collect().counts("collected") == (1,)
    (channel.binder_folder / locked.key).write_bytes(b"{")
    done = reprocess("--failed", "-o", "json")
    assert (done.returncode, results(done)) == (0, [("Kept", 0)])
    assert "binder.unreadable" in done.stderr


def test_a_mail_that_was_not_opened_brings_what_is_inside(channel, simulator, reprocess):
    simulator.control.create("/Invoices/a.eml", mail(("note.txt", b"a note\n")))
    assert channel.collect().counts("collected") == (1,)
    channel.write(spec={"ocr": {"languages": ["eng"]}})
    for expected in (("Amended", 1), None):
        done = reprocess("--failed", "-o", "json")
        assert results(done) == ([expected] if expected else [])
    assert channel.inbox() == ["a.eml", "note.txt"]
    (part,) = (record for record in channel.records() if record.parent)
    assert part.name == "note.txt"


@pytest.mark.parametrize(
    ("on_duplicate", "inbox"), [("Skip", ["a.eml", "note.txt"]), ("Deliver", ["a.eml", "note.txt", "note.txt"])]
)
def test_what_is_inside_goes_by_the_rule_on_duplicates(channel, simulator, reprocess, on_duplicate, inbox):
    channel.write(binder={"onDuplicate": on_duplicate})
    simulator.control.create("/Invoices/note.txt", b"a note\n")
    simulator.control.create("/Invoices/a.eml", mail(("note.txt", b"a note\n")))
    assert channel.collect().counts("collected") == (2,)
    channel.write(binder={"onDuplicate": on_duplicate}, spec={"ocr": {"languages": ["eng"]}})
    assert reprocess("--failed").returncode == 0
    assert sorted(channel.inbox()) == inbox


def test_the_next_run_tells_the_binders_sink_of_what_is_inside(channel, simulator, reprocess):
    simulator.control.create("/Invoices/a.eml", mail(("note.txt", b"a note\n")))
    with http_sink() as sink:
        channel.write(binder={"events": {"url": sink.url}})
        channel.collect()
        channel.write(binder={"events": {"url": sink.url}}, spec={"ocr": {"languages": ["eng"]}})
        assert reprocess("--failed").returncode == 0
        assert len(sink.heard) == 1
        channel.collect()
    assert [json.loads(body)["data"]["name"] for _, _, body in sink.heard] == ["a.eml", "note.txt"]


@pytest.mark.parametrize(("damage", "code", "result"), [("gone", 0, "Gone"), ("changed", 4, "Damaged")])
def test_an_original_that_is_gone_or_changed_is_told(channel, locked, reprocess, damage, code, result):
    path = channel.binder_folder / locked.files["original"]
    path.chmod(0o600)
    path.unlink() if damage == "gone" else path.write_bytes(b"other")
    done = reprocess(locked.id[:8], "-o", "json")
    assert (done.returncode, results(done)) == (code, [(result, 0)])
    assert channel.binder().record(locked.id) == locked


def test_a_duplicate_names_the_document_to_reprocess(channel, simulator, locked, reprocess):
    simulator.control.create("/Invoices/b.pdf", channel.original(locked))
    assert channel.collect().counts("duplicates") == (1,)
    repeated = next(record for record in channel.records() if record.duplicate_of)
    done = reprocess(repeated.id)
    assert done.returncode == 2
    assert f"repeats {locked.id}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name documents by their ids"),
        (("abc", "--failed"), "Name documents by their ids"),
        (("0" * 32,), "No document of the binder"),
    ],
)
def test_wrong_usage_says_what_to_write(locked, reprocess, arguments, said):
    done = reprocess(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_channel_that_reads_nothing_is_told(channel, locked, reprocess):
    documents = list(yaml.safe_load_all(channel.file.read_text()))
    documents[0]["spec"]["ocr"] = {"enabled": False}
    channel.file.write_text(yaml.safe_dump_all(documents))
    assert "spec.ocr.enabled" in reprocess("--failed").stderr
