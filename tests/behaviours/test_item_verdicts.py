"""What becomes of a document that isn't what its metadata say, that isn't there yet, or that may not be had."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from simulator.testing import Simulator

DAY = 86_400.0
TEXT = b"Facture no 1, total TTC 120,00 EUR. " * 3000


@pytest.fixture
def drive(simulator):
    """An account with two documents in the watched folder, of which tests spoil the first."""
    simulator.control.create("/Invoices/a.txt", TEXT)
    simulator.control.create("/Invoices/b.txt", "bravo")
    simulator.control.reset_counters()
    return simulator.control


def spoil(drive, fault, **changes):
    drive.add_faults({"like": fault, "item": "*/a.txt", **changes})


def collected(channel):
    return {record.name: (channel.original(record), record.size, record.verified) for record in channel.records()}


BRAVO = {"b.txt": (b"bravo", 5, True)}
BOTH = {"a.txt": (TEXT, len(TEXT), True), **BRAVO}


@pytest.mark.behaviour(58)
@pytest.mark.parametrize("fault", ["no hash", "empty hashes"])
def test_without_a_hash_the_size_verifies(channel, collect, drive, fault):
    spoil(drive, fault)
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    assert collected(channel) == BOTH
    assert drive.count("download") == 2


@pytest.mark.behaviour(58)
def test_a_hash_that_is_wrong_once_is_compared_again(channel, collect, drive):
    spoil(drive, "wrong hash once")
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    assert collected(channel) == BOTH
    assert drive.count("download") == 2


@pytest.mark.behaviour(58)
def test_bytes_that_are_damaged_once_are_fetched_again(channel, collect, drive):
    spoil(drive, "different bytes each time", times=1)
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    assert collected(channel) == BOTH
    assert drive.count("download") == 3


@pytest.mark.behaviour(58, 59)
@pytest.mark.parametrize("fault", ["wrong hash", "wrong size"])
def test_the_same_bytes_twice_are_the_document_whatever_the_metadata_say(channel, collect, drive, fault):
    spoil(drive, fault)
    ended = collect()
    assert ended.counts("result", "collected", "deferred", "bytes") == ("Succeeded", 2, 0, len(TEXT) + 5)
    assert collected(channel) == {"a.txt": (TEXT, len(TEXT), False), **BRAVO}
    assert drive.count("download") == 3
    drive.reset_counters()
    assert collect().counts("result", "collected") == ("Succeeded", 0)
    assert drive.count("download") == 0


@pytest.mark.behaviour(58)
def test_other_bytes_each_time_put_the_document_off(channel, collect, drive):
    spoil(drive, "different bytes each time")
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 1, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "ContentUnstable"
    assert drive.count("download") == 3 + 1
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == BOTH


@pytest.mark.behaviour(58)
@pytest.mark.parametrize(("fault", "reason"), [("html instead", "PageInstead"), ("nothing instead", "NothingInstead")])
def test_what_comes_in_place_of_a_document_is_never_delivered(channel, collect, drive, fault, reason):
    spoil(drive, fault)
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 1, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == reason
    assert drive.count("download") <= 4
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == BOTH


@pytest.mark.behaviour(59)
@pytest.mark.parametrize("fault", ["chunked", "gzip"])
@pytest.mark.parametrize("also", [None, "no hash", "wrong size"])
def test_the_bytes_are_stored_as_they_were_before_the_way(channel, collect, drive, fault, also):
    spoil(drive, fault)
    if also:
        spoil(drive, also)
    ended = collect()
    assert ended.counts("result", "collected", "bytes") == ("Succeeded", 2, len(TEXT) + 5)
    assert collected(channel) == {"a.txt": (TEXT, len(TEXT), also != "wrong size"), **BRAVO}
    assert channel.status("Binder")["bytes"] == len(TEXT) + 5


@pytest.mark.behaviour(60)
def test_an_empty_file_is_put_off_until_its_content_comes(channel, collect, drive):
    made = drive.create("/Invoices/empty.txt", "")
    for _ in range(2):
        ended = collect()
        assert ended.entry["deferred"] == 1
        assert channel.report(ended)["deferredItems"][0]["reason"] == "Empty"
    assert drive.count("download") == 2
    drive.edit(made["id"], "charlie")
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == {**BOTH, "empty.txt": (b"charlie", 7, True)}


@pytest.mark.behaviour(60)
def test_an_empty_file_is_rejected_when_it_is_a_week_old(channel, collect, drive, monkeypatch):
    made = drive.create("/Invoices/empty.txt", "", at=time.time() - 7 * DAY + 3600)
    assert collect().counts("collected", "deferred", "rejected") == (2, 1, 0)
    # As it is an hour later.
    monkeypatch.setattr("bannette.onedrive.items._EMPTY_GRACE", timedelta(days=7, hours=-1))
    ended = collect()
    assert ended.counts("deferred", "rejected") == (0, 1)
    assert channel.report(ended)["rejectedItems"][0]["reason"] == "Empty"
    drive.reset_counters()
    assert collect().counts("result", "reason", "rejected") == ("Succeeded", "NothingNew", 1)
    assert drive.count("item") == 0
    drive.edit(made["id"], "charlie")
    assert collect().counts("result", "collected", "rejected") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(60)
def test_an_old_empty_file_is_rejected_visibly(channel, collect, drive):
    drive.create("/Invoices/empty.txt", "", at=time.time() - 8 * DAY)
    ended = collect()
    assert ended.counts("result", "collected", "deferred", "rejected") == ("PartiallySucceeded", 2, 0, 1)
    (rejected,) = channel.report(ended)["rejectedItems"]
    assert rejected["reason"] == "Empty"
    assert channel.status()["checkpoint"]["rejectedItems"] == 1


@pytest.mark.behaviour(60)
def test_a_file_that_is_empty_by_its_metadata_alone_is_collected_when_they_come_right(channel, collect, drive):
    spoil(drive, "zero bytes")
    assert collect().counts("collected", "deferred") == (1, 1)
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == BOTH


@pytest.mark.behaviour(61)
def test_content_that_is_still_arriving_is_collected_when_it_is_there(channel, collect, drive):
    spoil(drive, "content pending")
    for _ in range(2):
        ended = collect()
        assert (ended.code, ended.entry["deferred"]) == (0, 1)
        assert channel.report(ended)["deferredItems"][0]["reason"] == "ContentPending"
    assert drive.count("download") == 1
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == BOTH


MALWARE = {
    "its facet": {"like": "malware facet"},
    "its facet, later": {"like": "malware facet", "kinds": ["item"]},
    "code and header": {"like": "malware"},
    "the code": {"like": "malware", "headers": {}},
    "the header": {"like": "malware", "code": None, "body": "<h1>Forbidden</h1>"},
}


@pytest.mark.behaviour(62)
@pytest.mark.parametrize("sign", MALWARE)
def test_an_infected_document_is_rejected_and_not_asked_for_again(channel, collect, drive, sign):
    drive.add_faults({**MALWARE[sign], "item": "*/a.txt"})
    if sign == "its facet, later":
        spoil(drive, "connection cut")
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "reason", "collected", "rejected") == ("PartiallySucceeded", "ItemsRejected", 1, 1)
    assert channel.report(ended)["rejectedItems"][0]["reason"] == "Malware"
    assert channel.status()["checkpoint"]["rejectedItems"] == 1
    for lose_cursor in (False, True):
        if lose_cursor:
            drive.expire_cursors()
        drive.reset_counters()
        assert collect().counts("result", "rejected") == ("Succeeded", 1)
        assert drive.count("download") + drive.count("content") + drive.count("item") <= int(lose_cursor)
    drive.remove_faults()
    drive.edit("/Invoices/a.txt", "clean")
    assert collect().counts("result", "collected", "rejected") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(63)
@pytest.mark.parametrize("by", ["url", "content"])
def test_a_document_that_is_gone_at_its_download_is_dropped(channel, collect, drive, by):
    spoil(drive, "item gone")
    if by == "content":
        spoil(drive, "no download url")
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred", "rejected") == ("Succeeded", 1, 0, 0)
    assert channel.report(ended)["dropped"] == 1
    assert drive.count("download") + drive.count("content") + drive.count("item") <= 5


@pytest.mark.behaviour(64)
@pytest.mark.parametrize(("fault", "reason"), [("item refused", "AccessDenied"), ("item locked", "Locked")])
@pytest.mark.parametrize("by", ["url", "content"])
def test_a_document_that_is_closed_is_put_off_and_others_are_collected(channel, collect, drive, fault, reason, by):
    spoil(drive, fault)
    if by == "content":
        spoil(drive, "no download url")
    for collected_now in (1, 0):
        ended = collect()
        assert ended.code == 0
        assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", collected_now, 1)
        (put_off,) = channel.report(ended)["deferredItems"]
        assert put_off["reason"] == reason
        assert datetime.fromisoformat(put_off["since"]) <= datetime.now(UTC)
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert collected(channel) == BOTH


@pytest.mark.behaviour(68)
def test_a_network_that_is_down_ends_the_run_and_puts_nothing_off(channel, collect, hasty, drive):
    down = {"like": "connection refused", "times": None}
    # One item is asked for before: the watched folder.
    drive.add_faults({**down, "kinds": ["content", "download"]}, {**down, "kinds": ["item"], "skip": 1})
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (3, "Unreachable")
    assert ended.counts("result", "collected", "deferred") == ("Failed", 0, 0)
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 2)
    assert collected(channel) == BOTH


@pytest.mark.behaviour(64, 68)
def test_a_content_host_that_a_network_keeps_away_is_told_by_the_reason(channel, collect, hasty, drive):
    drive.add_faults({"like": "connection refused", "times": None})
    ended = collect()
    assert (ended.code, *ended.counts("collected", "deferred")) == (0, 0, 2)
    assert {item["reason"] for item in channel.report(ended)["deferredItems"]} == {"DownloadUnreachable"}
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 2, 0)


@pytest.mark.behaviour(64)
def test_a_content_host_that_is_not_trusted_is_told_by_the_reason(channel, collect, hasty, drive, monkeypatch):
    with Simulator() as another:
        port = another.origin.rpartition(":")[2]
        monkeypatch.setenv("BANNETTE_DOWNLOAD_HOSTS", f"localhost:{port}")
        url = f"https://localhost:{port}/document"
        spoil(drive, "no download url")
        spoil(drive, "redirect to http", location=url)
        ended = collect()
        assert (ended.code, *ended.counts("collected", "deferred")) == (0, 1, 1)
        assert channel.report(ended)["deferredItems"][0]["reason"] == "DownloadTlsFailed"
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
