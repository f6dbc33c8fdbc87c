"""Records that are forged or damaged lead a reader to no other file, and cost no other document."""

from __future__ import annotations

import json

import pytest

from bannette.binder.fields import json_bytes
from tests.binder.binder_documents import report_of_a_run
from tests.reader.conftest import eventually

FOREIGN = ("/etc/passwd", "../../etc/passwd", "binder.json", "records/00/x.json", "state/c/1.json")


def test_a_forged_record_leads_to_no_other_file(binder, folder, add, start):
    forged = []
    for key in FOREIGN:
        record = binder.record(add(key))
        (folder / record.key).write_bytes(json_bytes({**record.to_dict(), "files": {"original": key}}))
        forged.append(record.id)
    reader = start()
    for document in forged:
        answer = reader.get(f"/documents/{document}/files/original")
        assert (answer.status_code, answer.json()["reason"]) == (404, "NoSuchFile")


def test_a_removed_file_and_a_damaged_record_cost_no_other_document(binder, folder, add, start):
    record = binder.record(add("a.pdf"))
    damaged = binder.record(add("b.pdf"))
    (folder / record.files["original"]).unlink()
    (folder / damaged.key).write_bytes(b"{")
    reader = start()
    assert reader.get(f"/documents/{record.id}/files/original").status_code == 404
    assert reader.get(f"/documents/{damaged.id}").json()["reason"] == "BinderUnreadable"
    assert [one["name"] for one in reader.get("/documents").json()["documents"]] == ["a.pdf"]


@pytest.mark.parametrize(
    "forged",
    [
        {"name": "half \ud800.pdf"},
        {"folder": "\udfff"},
        {"mediaType": "\ud800"},
        {"invoice": {"profile": "EN16931", "number": "\ud800"}},
        {"ocr": {"outcome": "Recognised", "confidence": float("nan")}},
        {"ocr": {"outcome": "Recognised", "confidence": float("inf")}},
    ],
    ids=["name", "folder", "type", "invoice", "no number", "no end"],
)
def test_a_record_that_nothing_can_be_written_of_costs_no_other_document(binder, folder, add, start, forged):
    add("good.pdf")
    record = binder.record(add("bad.pdf"))
    (folder / record.key).write_text(json.dumps({**record.to_dict(), **forged}))
    reader = start()
    assert "good.pdf" in reader.names("state=all")
    add("late.pdf")
    eventually(lambda: "late.pdf" in reader.names("state=all"), "the index goes on")
    assert reader.get("/documents?q=%00good").json()["documents"][0]["name"] == "good.pdf"
    assert reader.get(f"/documents/{record.id}").status_code in (200, 409)


FORGED = [
    {"name": "\ud800.pdf"},
    {"folder": "\ud800"},
    {"mediaType": "\ud800"},
    {"size": 10**30},
    {"collectedAt": "0001-01-01T00:00:00Z"},
    {"collectedAt": "9999-12-31T23:59:59Z"},
    {"ocr": {"outcome": "Text", "confidence": float("nan"), "languages": [], "rotation": {}}},
    {"ocr": {"outcome": "Text", "confidence": 1e999, "languages": ["\ud800"], "rotation": {}}},
    {"invoice": {"number": "\udfff"}},
    {"name": "a" * 1_000_000},
    {"name": "x\x02y\x03z"},
    {"ocr": {"outcome": "Nonsense"}},
]


def test_forged_records_hide_no_others_and_are_no_errors_of_the_readers(binder, folder, add, start):
    forged = []
    for number, change in enumerate(FORGED):
        record = binder.record(add(f"{number}"))
        (folder / record.key).write_text(json.dumps({**record.to_dict(), **change}))
        forged.append(record.id)
    binder.save_report("acme", "c", {**report_of_a_run(collected=1), "trigger": "Manual", "result": "Failed"})
    bad = {"id": "run-2", "message": "\ud800", "bytes": float("nan"), "trigger": "Manual", "result": "Failed"}
    bad["startedAt"] = "2026-11-25T00:00:00Z"
    (folder / "runs/acme/c/20261125T000000Z-run-2.json").write_text(json.dumps(bad))
    reader = start()
    assert reader.get("/documents").status_code == 200
    add("good.pdf", derived={"text": b"unikum"})
    eventually(lambda: "good.pdf" in reader.get("/documents?q=unikum").text, "the sound one is found")
    for document in forged:
        assert reader.get(f"/documents/{document}").status_code in (200, 409)
    for state in ("inbox", "all"):
        answer = reader.get(f"/documents?state={state}")
        assert answer.status_code == 200
        assert len(answer.content) < 100_000
    assert [run["id"] for run in reader.get("/runs").json()["runs"]] == ["run-1"]
