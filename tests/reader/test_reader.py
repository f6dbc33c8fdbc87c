"""``bannette inbox serve``: what it tells of a binder's documents and runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bannette.binder import ChannelRef, Invoice, OcrFacts, OcrOutcome
from tests.binder.binder_documents import DAY, report_of_a_run
from tests.reader.conftest import eventually, serving

CHANNEL = ChannelRef(namespace="acme", name="acme-onedrive", uid="u")


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
