"""Documents that can't be collected now, or never: visible with their reason until they are collected or gone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

DAY = 86_400


@pytest.fixture
def drive(simulator):
    return simulator.control


@pytest.mark.behaviour(64)
def test_a_locked_document_is_deferred_and_collected_when_it_comes_right(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/b.txt", "bravo")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "reason", "collected", "deferred") == ("PartiallySucceeded", "ItemsDeferred", 1, 1)
    assert [item["reason"] for item in channel.report(ended)["deferredItems"]] == ["Locked"]
    since = channel.saved_state()["deferred"][0]["since"]
    assert channel.status()["checkpoint"]["deferredItems"] == 1
    assert collect().counts("result", "collected", "deferred") == ("PartiallySucceeded", 0, 1)
    assert channel.saved_state()["deferred"][0]["since"] == since
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert channel.names() == ["a.txt", "b.txt"]
    drive.reset_counters()
    assert collect().counts("result", "reason") == ("Succeeded", "NothingNew")
    assert drive.count("item") == 0


def test_a_deferred_document_that_is_deleted_is_dropped(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    collect()
    drive.delete(made["id"])
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 0, 0)
    assert channel.report(ended)["dropped"] == 1


@pytest.mark.behaviour(37)
def test_a_deferred_document_that_left_the_folder_is_dropped(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    collect()
    drive.move(made["id"], "/Private")
    drive.remove_faults()
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 0, 0)
    assert channel.report(ended)["dropped"] == 1
    drive.move(made["id"], "/Invoices")
    assert collect().counts("collected") == (1,)


@pytest.mark.parametrize("folder", ["/Invoices", "/"])
def test_a_deferred_document_that_was_moved_into_a_new_folder_is_collected(channel, collect, drive, folder):
    channel.write(onedrive={"folder": folder})
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    assert collect().counts("deferred") == (1,)
    drive.remove_faults()
    drive.create("/Invoices/2026/b.txt", "bravo")
    drive.move(made["id"], "/Invoices/2026")
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 2, 0)
    assert [record.folder for record in channel.records()] == ["/Invoices/2026", "/Invoices/2026"]


def test_a_deferred_document_whose_folder_left_is_dropped(channel, collect, drive):
    drive.create("/Invoices/2026/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/2026/a.txt"})
    collect()
    drive.move("/Invoices/2026", "/Private")
    drive.remove_faults()
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 0, 0)
    assert channel.report(ended)["dropped"] == 1


def test_a_deferred_document_whose_folder_onedrive_does_not_tell_stays_deferred(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    collect()
    drive.remove_faults()
    drive.add_faults("no parent")
    ended = collect()
    assert ended.counts("result", "deferred") == ("PartiallySucceeded", 1)
    assert [item["reason"] for item in channel.report(ended)["deferredItems"]] == ["FolderUnknown"]
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)


def test_a_deferred_document_that_was_edited_meanwhile_is_collected_once_as_it_is(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    collect()
    drive.remove_faults()
    drive.edit(made["id"], "alpha, corrected")
    assert collect().counts("collected", "alreadySeen", "deferred") == (1, 0, 0)
    assert channel.original(channel.records()[0]) == b"alpha, corrected"


@pytest.mark.behaviour(41)
def test_a_deferred_document_survives_a_lost_cursor(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item locked", "item": "/Invoices/a.txt"})
    collect()
    drive.expire_cursors()
    assert collect().counts("deferred") == (1,)
    drive.remove_faults()
    drive.expire_cursors()
    assert collect().counts("collected", "deferred") == (1, 0)


@pytest.mark.behaviour(62)
@pytest.mark.parametrize(
    ("fault", "reason"), [("malware facet", "Malware"), ("malware", "Malware")], ids=["by its facet", "at its download"]
)
def test_a_rejected_document_is_visible_and_costs_nothing_until_it_changes(channel, collect, drive, fault, reason):
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": fault, "item": "/Invoices/a.txt"})
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "reason", "rejected") == ("PartiallySucceeded", "ItemsRejected", 1)
    assert [item["reason"] for item in channel.report(ended)["rejectedItems"]] == [reason]
    drive.reset_counters()
    ended = collect()
    assert ended.counts("result", "reason", "rejected") == ("Succeeded", "NothingNew", 1)
    assert drive.count("download") + drive.count("content") + drive.count("item") == 0
    drive.remove_faults()
    drive.edit(made["id"], "clean")
    assert collect().counts("result", "collected", "rejected") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(62)
def test_a_rejected_document_is_not_tried_again_by_a_new_walk(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "malware", "item": "/Invoices/a.txt"})
    collect()
    drive.expire_cursors()
    drive.reset_counters()
    assert collect().counts("rejected") == (1,)
    assert drive.count("download") + drive.count("content") == 0


def test_a_rejected_document_that_is_deleted_is_forgotten(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "malware", "item": "/Invoices/a.txt"})
    collect()
    drive.delete(made["id"])
    assert collect().counts("rejected") == (0,)


@pytest.mark.behaviour(25, 26)
def test_a_notebook_and_a_shortcut_are_rejected_unread(channel, collect, drive):
    drive.create("/Invoices/Notes", facets={"package": {"type": "oneNote"}})
    drive.create("/Invoices/Other", facets={"remoteItem": {"id": "01X"}})
    ended = collect()
    assert ended.counts("collected", "rejected") == (0, 2)
    reasons = {item["reason"] for item in channel.report(ended)["rejectedItems"]}
    assert reasons == {"OneNote", "Shortcut"}


@pytest.mark.behaviour(60)
def test_an_empty_file_is_deferred_for_a_week_and_rejected_after_it(channel, collect, drive):
    now = datetime.now(UTC).timestamp()
    drive.create("/Invoices/new.txt", "", at=now - DAY)
    drive.create("/Invoices/old.txt", "", at=now - 8 * DAY)
    assert collect().counts("collected", "deferred", "rejected") == (0, 1, 1)


@pytest.mark.behaviour(61)
def test_content_that_arrives_later_is_collected_then(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults("content pending")
    assert collect().counts("collected", "deferred") == (0, 1)
    drive.remove_faults()
    assert collect().counts("collected", "deferred") == (1, 0)


def test_a_collected_document_that_is_infected_later_stays_collected(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.facets(made["id"], {"malware": {"description": "EICAR"}})
    assert collect().counts("result", "alreadySeen", "rejected") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(63)
def test_a_document_gone_before_its_download_is_dropped(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "item gone", "item": "/Invoices/a.txt"})
    ended = collect()
    assert ended.counts("result", "collected", "deferred", "rejected") == ("Succeeded", 0, 0, 0)
    assert channel.report(ended)["dropped"] == 1


@pytest.mark.behaviour(58)
def test_bytes_that_disagree_with_their_hash_for_ever_are_delivered_unverified(channel, collect, drive):
    drive.create("/Invoices/a.heic", "alpha")
    drive.add_faults("wrong hash")
    assert collect().counts("collected", "deferred") == (1, 0)
    assert not channel.records()[0].verified
    assert channel.original(channel.records()[0]) == b"alpha"


@pytest.mark.behaviour(65)
def test_a_document_larger_than_the_scratch_folder_is_deferred(channel, collect, drive, monkeypatch):
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", 1000)
    drive.create("/Invoices/small.txt", generate=900)
    drive.create("/Invoices/large.txt", generate=1001)
    ended = collect()
    assert ended.counts("collected", "deferred") == (1, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "TooLargeForScratch"


@pytest.mark.behaviour(65)
def test_scratch_space_is_given_back(channel, collect, drive, monkeypatch):
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", 1000)
    for number in range(12):
        drive.create(f"/Invoices/{number}.txt", generate=(number, 700))
    drive.create("/Invoices/again.txt", generate=(1, 700))
    assert collect().counts("collected", "duplicates") == (12, 1)
    assert not (channel.state / "scratch").exists()


def test_too_many_deferred_documents_stop_the_cursor(channel, collect, drive, monkeypatch):
    monkeypatch.setattr("bannette.collector.run.MOST_DEFERRED", 3)
    drive.create("/Invoices/first.txt", "first")
    collect()
    position = channel.saved_state()["position"]
    for number in range(5):
        drive.create(f"/Invoices/{number}.txt", f"document {number}")
    drive.add_faults({"like": "item locked"})
    ended = collect()
    assert ended.code == 2
    assert ended.counts("result", "reason", "deferred") == ("Failed", "TooManyDeferred", 3)
    assert channel.saved_state()["position"] == position
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 5, 0)
    assert len(channel.records()) == 6
