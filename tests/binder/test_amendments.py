"""What was read later stands beside what was there; nothing of it is seen before all of it is there."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest

from bannette.binder import Invoice, OcrFacts, OcrOutcome, StorePath, open_store
from bannette.binder.amendments import Amendment, put_amendment
from bannette.binder.copying import Copy
from bannette.binder.findings import Damage
from bannette.binder.sweep import Sweep
from bannette.binder.verification import Terms, Verification
from tests.binder.binder_documents import DAY, CuttingStore, PowerCut, make_document, open_binder, report_of_a_run

BETTER = OcrFacts(outcome=OcrOutcome.RECOGNISED, engine="tesseract 6", pages=1, words=3, unsure_words=1)
INVOICE = Invoice(number="7")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "binder"
    made.mkdir()
    return made


@pytest.fixture
def store(folder):
    return CuttingStore(folder)


@pytest.fixture
def binder(store):
    return open_binder(store)


@pytest.fixture
def record(tmp_path, binder):
    failed = OcrFacts(outcome=OcrOutcome.FAILED, reason="TimedOut")
    record = binder.commit(make_document(tmp_path / "scratch", "a", b"%PDF-1.7", derived={}, ocr=failed)).record
    binder.save_report("acme", "acme-onedrive", report_of_a_run(collected=1))
    return record


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "document.txt"
    path.write_text("Facture")
    return path


def verified(store):
    terms = Terms(older_than=timedelta(hours=24))
    verification = Verification(store, terms)
    return verification, verification.run()


def test_the_record_stays_and_readers_see_what_was_read_last(binder, folder, record, text):
    before = (folder / record.key).read_bytes()
    for number in (1, 2):
        text.write_text(f"Facture {number}")
        binder.amend(record, files={"text": text}, ocr=BETTER, invoice=INVOICE)
    assert (folder / record.key).read_bytes() == before
    seen = binder.record(record.id)
    assert (seen.ocr, seen.invoice, seen.files["original"]) == (BETTER, INVOICE, record.files["original"])
    assert binder.text(record.id) == "Facture 2"
    (entry,) = binder.inbox()
    assert entry.record == seen
    assert len(list(folder.rglob("document.txt"))) == 2
    assert len(binder.known_ids()) == 1


def test_an_amendment_has_the_documented_members(binder, folder, record, text):
    binder.amend(record, files={"text": text}, ocr=BETTER, invoice=INVOICE)
    data = (folder / f"amendments/{record.id[:2]}/{record.id}/1.json").read_bytes()
    assert list(json.loads(data)) == ["schema", "id", "number", "amendedAt", "files", "ocr", "invoice"]
    assert Amendment.parse(data).to_dict() == json.loads(data)


def test_a_power_cut_at_any_step_leaves_the_old_reading_or_the_new_one(store, binder, record, text):
    store.arm(None)
    binder.amend(record, files={"text": text}, ocr=BETTER)
    steps = len(store.steps)
    assert steps >= 4
    for step in range(steps):
        store.arm(step)
        with pytest.raises(PowerCut):
            binder.amend(record, files={"text": text}, ocr=BETTER)
        store.arm(None)
        assert binder.text(record.id) == "Facture"
        assert verified(store)[1].damage == {}


def test_two_that_amend_at_once_both_stand(store, binder, folder, record, text, monkeypatch):
    original, other = store.put_new_durable, []

    def overtaken(key, data):
        if key.startswith("amendments/") and not other:
            other.append(
                put_amendment(open_store(StorePath(folder)), record, files={}, ocr=BETTER, invoice=None, at=DAY)
            )
        return original(key, data)

    monkeypatch.setattr(store, "put_new_durable", overtaken)
    binder.amend(record, files={"text": text}, ocr=BETTER)
    assert binder.text(record.id) == "Facture"
    assert sorted(path.name for path in (folder / "amendments").rglob("*.json")) == ["1.json", "2.json"]


def test_a_damaged_amendment_hides_no_document_and_is_found(store, binder, folder, record, text):
    binder.amend(record, files={"text": text}, ocr=BETTER)
    next((folder / "amendments").rglob("*.json")).write_bytes(b"{")
    assert binder.record(record.id) == record
    verification, findings = verified(store)
    assert {kind: tally.ids for kind, tally in findings.damage.items()} == {Damage.AMENDMENT_UNREADABLE: [record.id]}
    assert not verification.leftovers.documents


def test_a_file_that_an_amendment_names_and_that_is_gone_is_found(store, binder, folder, record, text):
    amended = binder.amend(record, files={"text": text}, ocr=BETTER)
    (folder / amended.files["text"]).unlink()
    assert list(verified(store)[1].damage) == [Damage.FILE_MISSING]


def test_a_sweep_takes_what_no_amendment_names_and_nothing_else(store, binder, folder, record, text):
    amended = binder.amend(record, files={"text": text}, ocr=BETTER)
    left = (folder / amended.files["text"]).parent.with_name(f"{record.sha256[:16]}-00000000") / "document.txt"
    left.parent.mkdir()
    left.write_text("of a killed reprocess")
    old = DAY.timestamp() - 10 * 86400
    for path in folder.rglob("*"):
        os.utime(path, (old, old))
    verification, findings = verified(store)
    assert findings.damage == {}
    Sweep(store, older_than=timedelta(hours=24)).run(verification.leftovers)
    assert not left.exists()
    assert binder.text(record.id) == "Facture"
    assert (folder / record.files["original"]).exists()


def test_a_copy_has_the_amendments_and_their_files(tmp_path, store, binder, record, text):
    binder.amend(record, files={"text": text}, ocr=BETTER)
    target = tmp_path / "copy"
    target.mkdir()
    for _ in range(2):
        copied = Copy(store, open_store(StorePath(target)), scratch=tmp_path).run()
        assert copied.finished
        assert copied.damage == {}
    there = open_binder(open_store(StorePath(target)), expected=True)
    assert there.record(record.id) == binder.record(record.id)
    assert there.text(record.id) == "Facture"
    text.write_text("Facture, encore")
    binder.amend(record, files={"text": text}, ocr=BETTER)
    assert Copy(store, open_store(StorePath(target)), scratch=tmp_path).run().finished
    assert there.text(record.id) == "Facture, encore"
