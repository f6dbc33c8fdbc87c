"""``bannette inbox serve``: what it tells of a binder, to whom, and that nothing in a binder makes it tell more."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import requests

from bannette.binder import ChannelRef, Invoice, OcrFacts, OcrOutcome
from bannette.binder.fields import json_bytes
from tests.binder.binder_documents import DAY, report_of_a_run
from tests.collector.local_channel import BANNETTE
from tests.reader.conftest import TOKEN, eventually, serving

PDF = b"%PDF-1.7 " + bytes(range(256)) * 40
CHANNEL = ChannelRef(namespace="acme", name="acme-onedrive", uid="u")


WRONG = (None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer " + "x" * 9000)


def test_without_the_token_nothing_is_told(reader):
    reader.session.headers.pop("Authorization")
    for path in ("/documents", "/documents/" + "0" * 32, "/runs", "/channels", "/no/such"):
        for wrong in WRONG:
            answer = reader.get(path, headers={"Authorization": wrong} if wrong else {})
            assert (answer.status_code, answer.json()["reason"]) == (401, "WrongToken")


def test_an_empty_binder_has_an_empty_inbox(reader):
    answer = reader.get("/documents").json()
    assert (answer["documents"], answer["cursor"], answer["waiting"]) == ([], None, 0)


def test_documents_are_listed_with_what_is_known_of_them_newest_first(add, start):
    invoice = Invoice(number="F-7", date="2026-11-24", seller="Lefèvre", total="12.40", currency="EUR", profile="BASIC")
    add("old.pdf", collected_at=DAY - timedelta(days=3))
    add("new.pdf", invoice=invoice, derived={"text": b"Net", "thumbnail": b"RIFF"})
    reader = start()
    found = reader.get("/documents").json()
    assert [one["name"] for one in found["documents"]] == ["new.pdf", "old.pdf"]
    assert found["waiting"] == 2
    newest = found["documents"][0]
    assert newest["invoice"]["seller"] == "Lefèvre"
    assert newest["files"] == ["original", "text", "thumbnail"]
    assert newest["waiting"] is True
    # Where it lies in OneDrive and in the binder is nobody's business here.
    assert not {"drive", "item"} & newest.keys()


def test_pages_follow_each_other_while_the_index_is_made_and_afterwards(folder, binder, add):
    names = [f"{number:03}" for number in range(25)]
    for number, name in enumerate(names):
        add(name, collected_at=DAY + timedelta(hours=9 * number))
    with serving(folder) as reader:
        for _ in range(2):
            found, cursor = [], ""
            while True:
                page = reader.get(f"/documents?limit=7&cursor={cursor}").json()
                found += [one["name"] for one in page["documents"]]
                cursor = page["cursor"]
                if cursor is None:
                    break
            assert sorted(found) == names
            reader.names()
        assert found == names[::-1]


def test_documents_are_found_by_words_channel_kind_and_time(add, start):
    add("facture.pdf", derived={"text": "Menuiserie Lefèvre, net à payer".encode()})
    add("photo.png", media_type="image/png", channel=replace(CHANNEL, name="other"), derived={"text": b"net"})
    add("late.pdf", collected_at=DAY + timedelta(days=2), derived={"text": b"net"})
    reader = start()
    for query, expected in (
        ("q=lefevre", ["facture.pdf"]),
        ('q="net à payer"', ["facture.pdf"]),
        ("q=net", ["late.pdf", "photo.png", "facture.pdf"]),
        ("q=net&channel=other", ["photo.png"]),
        ("type=image", ["photo.png"]),
        ("type=office", []),
        ("type=pdf&until=2026-11-25", ["facture.pdf"]),
        ("since=2026-11-25T00:00:00%2B01:00", ["late.pdf"]),
        ("state=done", []),
    ):
        assert sorted(reader.names(query)) == sorted(expected), query
    excerpt = reader.get("/documents?q=lefevre").json()["documents"][0]["excerpt"]
    assert ["Lefèvre", True] in excerpt
    assert reader.get("/channels").json() == {"channels": ["acme-onedrive", "other"]}


NO_QUESTIONS = [
    "state=x",
    "limit=0",
    "limit=1000",
    "limit=²",
    "cursor=x",
    "cursor=" + "9" * 40,
    "cursor=" + "9" * 19,
    "since=yesterday",
    "since=0001-01-01T00:00:00%2B23:00",
    "channel=../x",
    "type=a b",
    "q=%3F%21",
    "q=" + "a" * 500,
    "q=" + "a " * 30,
]


def test_what_is_no_question_is_refused_by_a_sentence(reader):
    for query in NO_QUESTIONS:
        for path in ("documents", "runs"):
            if path == "runs" and query.startswith(("q=", "state=", "type=")):
                continue
            answer = reader.get(f"/{path}?{query}")
            assert (answer.status_code, answer.json()["reason"]) == (400, "BadQuestion"), query


def test_what_comes_is_seen_and_what_is_done_goes(reader, binder, add):
    assert reader.get("/documents").json()["documents"] == []
    document = add("a.pdf")
    eventually(lambda: reader.names() == ["a.pdf"], "the new document is listed")
    assert reader.post(f"/documents/{document}/done").json()["waiting"] is False
    assert reader.get("/documents").json()["waiting"] == 0
    assert reader.names("state=done") == ["a.pdf"]
    assert list(binder.inbox()) == []
    assert reader.post(f"/documents/{document}/undone").json()["waiting"] is True
    assert [entry.record.id for entry in binder.inbox()] == [document]
    assert reader.names() == ["a.pdf"]
    binder.mark_done(document)
    eventually(lambda: reader.get("/documents").json()["documents"] == [], "what was done elsewhere goes")
    assert reader.names("state=done") == ["a.pdf"]


def test_one_document_is_shown_with_its_text(add, start):
    ocr = OcrFacts(outcome=OcrOutcome.RECOGNISED, confidence=91.4, pages=2)
    document = add("a.pdf", derived={"text": "Fenêtre".encode()}, ocr=ocr)
    reader = start()
    shown = reader.get(f"/documents/{document}").json()
    assert (shown["text"], shown["textCut"], shown["ocr"]["confidence"]) == ("Fenêtre", False, 91.4)
    long = add("b.pdf", derived={"text": b"x" * 300_000})
    shown = reader.get(f"/documents/{long}").json()
    assert (len(shown["text"]), shown["textCut"]) == (200_000, True)


def test_what_does_not_exist_is_not_found(reader):
    for document in ("0" * 32, "0", "../../records", "%2e%2e", "A" * 32):
        for path in ("", "/files/original"):
            assert reader.get(f"/documents/{document}{path}").status_code == 404


PARTS = [
    (None, 200, slice(None)),
    ("bytes=0-9", 206, slice(0, 10)),
    ("bytes=100-", 206, slice(100, None)),
    ("bytes=-5", 206, slice(-5, None)),
    ("bytes=0-999999", 206, slice(None)),
    ("bytes=999999-", 416, slice(0)),
    ("bytes=-0", 416, slice(0)),
    ("bytes=5-1", 200, slice(None)),
    ("bytes=0-1,3-4", 200, slice(None)),
    ("lines=0-1", 200, slice(None)),
]


def test_files_are_served_in_full_and_in_part(add, start):
    document = add("a.pdf", PDF)
    reader = start()
    for asked, status, part in PARTS:
        answer = reader.get(f"/documents/{document}/files/original", headers={"Range": asked} if asked else {})
        assert (answer.status_code, answer.content) == (status, PDF[part]), asked
        if status == 206:
            first, last = range(len(PDF))[part][0], range(len(PDF))[part][-1]
            assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(PDF)}"


def test_a_file_that_a_browser_has_is_not_sent_again(add, start):
    document = add("a.pdf", derived={"thumbnail": b"RIFF"})
    path = f"/documents/{document}/files/thumbnail"
    reader = start()
    first = reader.get(path)
    again = reader.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = reader.get(path, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, b"RIFF")


HOSTILE = '../..\\\r\nSet-Cookie: a=1"; filename*=x 2026\u202efdp.<script>é漢.html'


def test_a_hostile_document_is_only_ever_to_be_saved_under_a_harmless_name(add, start):
    document = add(HOSTILE, b"<script>alert(1)</script>", media_type="text/html", extension="html")
    reader = start()
    answer = reader.get(f"/documents/{document}/files/original")
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "Set-Cookie" not in answer.headers
    plain = answer.headers["Content-Disposition"].split('"')[1]
    assert plain.endswith(".html")
    assert not set(plain) & set("/\\<>;:\r\n")
    assert "%E6%BC%A2" in answer.headers["Content-Disposition"]


def test_a_hostile_type_is_bytes_of_no_type(add, start):
    documents = [add(f"name {kind}", media_type=kind) for kind in ("text/html\r\nX-A: 1", "", "../x", "a" * 200 + "/b")]
    reader = start()
    for document in documents:
        answer = reader.get(f"/documents/{document}/files/original")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert "X-A" not in answer.headers


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


def test_the_history_has_all_runs_with_filters_and_pages(start, binder):
    for number in range(12):
        binder.save_report(
            "acme",
            f"c{number % 2}",
            {
                **report_of_a_run(collected=number),
                "id": f"run-{number}",
                "startedAt": f"2026-11-{number + 1:02}T05:30:00Z",
                "trigger": "Manual" if number % 3 else "Scheduled",
                "result": "Failed" if number == 5 else "Succeeded",
                "deferredItems": [{"id": "x", "reason": "Locked"}],
            },
        )
    reader = start()
    found, cursor = [], ""
    while cursor is not None:
        page = reader.get(f"/runs?limit=5&cursor={cursor}").json()
        found += [run["id"] for run in page["runs"]]
        cursor = page["cursor"]
    assert found == [f"run-{number}" for number in range(11, -1, -1)]
    for query, expected in (
        ("result=Failed", [5]),
        ("trigger=Scheduled", [9, 6, 3, 0]),
        ("channel=c0&since=2026-11-05&until=2026-11-10", [8, 6, 4]),
        ("channel=none", []),
    ):
        runs = reader.get(f"/runs?{query}").json()["runs"]
        assert [run["id"] for run in runs] == [f"run-{number}" for number in expected], query
    (newest,) = reader.get("/runs?channel=c1&limit=1").json()["runs"]
    assert (newest["channel"], newest["collected"]) == ("c1", 11)
    # The items that a run reports are for whoever may read the binder itself.
    assert "deferredItems" not in newest


def test_a_report_that_was_replaced_is_told_as_it_is_now(start, binder):
    report = {**report_of_a_run(collected=1), "trigger": "Manual", "result": "Failed"}
    binder.save_report("acme", "c", report)
    reader = start()
    assert reader.get("/runs").json()["runs"][0]["result"] == "Failed"
    binder.save_report("acme", "c", {**report, "result": "Succeeded"})
    eventually(lambda: reader.get("/runs").json()["runs"][0]["result"] == "Succeeded", "the later report is told")


def test_a_binder_of_another_resource_is_not_shown(folder, binder, add):
    document = add("a.pdf")
    with serving(folder) as reader:
        (folder / "binder.json").write_text((folder / "binder.json").read_text().replace(binder.uid, "another"))
        eventually(lambda: reader.get("/documents").status_code == 409, "the foreign binder is refused")
        assert reader.get("/documents?state=all").json()["reason"] == "BinderReplaced"
        assert reader.get(f"/documents/{document}").status_code == 409


def test_a_binder_that_is_away_is_said_and_shown_when_it_is_back(folder, reader, add):
    add("a.pdf")
    assert reader.names() == ["a.pdf"]
    shutil.move(folder, f"{folder}.away")
    eventually(lambda: reader.get("/documents").status_code == 409, "the missing binder is told")
    assert reader.get("/documents").json()["reason"] == "BinderNotFound"
    shutil.move(f"{folder}.away", folder)
    eventually(lambda: reader.get("/documents").status_code == 200, "the binder is back")
    assert reader.names() == ["a.pdf"]


def test_nobody_asking_ends_the_process_in_good_order(folder, binder):
    with serving(folder, "--idle", "2") as reader:
        # Strangers and probes don't keep it.
        until = time.monotonic() + 20
        while reader.process.poll() is None:
            assert time.monotonic() < until, "the idle reader runs on"
            try:
                requests.get(f"{reader.url}/documents", timeout=5)
                requests.get(f"{reader.url}/healthz", timeout=5)
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        assert reader.process.returncode == 0


def test_a_signal_ends_it_in_good_order(reader):
    reader.process.terminate()
    assert reader.process.wait(timeout=20) == 0


def test_logs_hold_no_token_no_words_and_no_name(folder, binder, add):
    document = add("geheim.pdf", derived={"text": b"vertraulich"})
    with serving(folder) as reader:
        reader.get("/documents?q=vertraulich")
        reader.get(f"/documents/{document}")
        reader.get(f"/documents/{document}/files/original")
        reader.process.terminate()
        _, log = reader.process.communicate(timeout=20)
    assert "route=/documents/{id}/files/{role}" in log
    for secret in (TOKEN, "vertraulich", "geheim", document):
        assert secret not in log


@pytest.mark.parametrize(
    ("environment", "said"), [({}, "BANNETTE_INBOX_READER"), ({"BANNETTE_INBOX_READER": "x"}, "SHA-256")]
)
def test_without_a_digest_it_serves_nobody(folder, binder, environment, said, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [BANNETTE, "inbox", "serve", "--binder", str(folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr


def test_outside_of_a_pod_it_says_so(tmp_path):
    done = subprocess.run([BANNETTE, "inbox", "serve", "--in-cluster"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "BANNETTE_BINDER" in done.stderr
