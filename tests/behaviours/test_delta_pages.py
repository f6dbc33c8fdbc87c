"""What the delta feed shows page by page: what a run comes to."""

from __future__ import annotations

import pytest

from tests.behaviours.feed import collect_while, fill
from tests.behaviours.feed import drive as drive  # the fixtures
from tests.behaviours.feed import watched as watched
from tests.collector.local_channel import wait_until

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.behaviour(28)
@pytest.mark.parametrize("page", range(8))
def test_a_first_walk_that_breaks_off_at_any_page_is_completed_by_the_next(channel, collect, drive, page, monkeypatch):
    monkeypatch.setattr("bannette.collector.states.SAVE_EVERY", 0.0)
    channel.write(onedrive={"folder": "/"})
    fill(drive, 24)
    drive.add_faults(
        {"like": "error 500", "kinds": ["delta"], "skip": page, "times": None},
        {"like": "item locked", "item": "*/5.txt"},
    )
    ended = collect()
    assert ended.code == 3
    drive.remove_faults("error 500")
    before = {record.item for record in channel.records()}
    # What the cursor has passed is collected or deferred: the rest comes from there on.
    assert collect().counts("result", "collected", "duplicates") == ("PartiallySucceeded", 23 - len(before), 0)
    assert [item["reason"] for item in channel.saved_state()["deferred"]] == ["Locked"]
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert len(channel.records()) == 24


@pytest.mark.kill
@pytest.mark.behaviour(28)
@pytest.mark.parametrize("page", range(0, 8, 2))
def test_a_first_walk_killed_at_any_page_is_completed_by_the_next(channel, drive, page):
    channel.write(onedrive={"folder": "/"})
    fill(drive, 24)
    drive.add_faults({"name": "held", "kinds": ["delta"], "skip": page, "delay": 60.0})
    process = channel.start()
    wait_until(lambda: drive.count("delta") > page, "the page to be asked for")
    process.kill()
    process.communicate(timeout=60)
    drive.remove_faults()
    assert channel.collect().code == 0
    assert len(channel.records()) == len({record.item for record in channel.records()}) == 24
    assert len(channel.inbox()) == 24
    assert channel.collect().counts("collected", "duplicates", "deferred") == (0, 0, 0)


@pytest.mark.behaviour(30)
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_an_empty_page_is_followed(watched, drive, skip):
    drive.add_faults({"like": "empty page", "skip": skip, "times": 3})
    fill(drive, 9)
    assert watched.collect().counts("result", "collected") == ("Succeeded", 9)
    fill(drive, 9, start=9)
    assert watched.collect().counts("result", "collected") == ("Succeeded", 9)


@pytest.mark.behaviour(31)
@pytest.mark.parametrize("first", [True, False], ids=["first walk", "later"])
def test_an_item_that_changes_during_the_walk_is_collected_once(watched, drive, first):
    fill(drive, 3)
    if not first:
        watched.collect()
    fill(drive, 9, start=3)
    whole = "/Invoices" not in watched.file.read_text()
    if first and not whole:
        pytest.skip("a first walk of a folder reads no page of the feed but the last one")
    twice = [f"/Invoices/{number % 3}/{number}.txt" for number in (3, 4, 5)]

    def edit():
        for path in twice:
            drive.edit(path, f"{path}, edited")
            drive.rename(path, f"renamed {path.rpartition('/')[2]}")

    ended = collect_while(watched, drive, page=2, act=edit)
    assert ended.counts("result", "collected", "duplicates") == ("Succeeded", 12 if first else 9, 0)
    assert drive.count("download") == (12 if first else 9)
    records = watched.records()
    assert len(records) == len({record.item for record in records}) == 12
    if not first:
        # All pages are read before anything is downloaded: the last state is the one that counts.
        assert sum(record.name.startswith("renamed") for record in records) == 3


@pytest.mark.behaviour(32)
@pytest.mark.parametrize("first", [True, False], ids=["first walk", "later"])
def test_what_is_made_and_deleted_before_the_last_page_is_nothing(channel, collect, drive, first):
    channel.write(onedrive={"folder": "/"})
    fill(drive, 3)
    if not first:
        collect()
    fill(drive, 9, start=3)

    def come_and_go():
        made = drive.create("/Invoices/short.txt", "short-lived")
        drive.delete(made["id"])

    ended = collect_while(channel, drive, page=1, act=come_and_go)
    assert ended.counts("result", "deferred", "rejected") == ("Succeeded", 0, 0)
    assert len(channel.records()) == 12
    assert "short.txt" not in channel.names()


@pytest.mark.behaviour(35)
@pytest.mark.parametrize("fault", ["children before parents", "parents never sent", "no parent"])
def test_a_child_may_come_before_its_parent_or_without_it(watched, drive, fault):
    fill(drive, 9)
    drive.create("/Private/p.txt", "private")
    whole = "/Invoices" not in watched.file.read_text()
    # Items say where they are when they themselves are asked for.
    drive.add_faults({"like": fault, "kinds": ["delta"] if fault == "parents never sent" else ["delta", "children"]})
    assert watched.collect().counts("result", "collected") == ("Succeeded", 9 + whole)
    drive.create("/Invoices/2026/Q1/new.txt", "november")
    drive.create("/Private/2026/other.txt", "oscar")
    ended = watched.collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 1 + whole, 0)
    if fault != "no parent" or not whole:
        folders = {record.name: record.folder for record in watched.records()}
        assert folders["new.txt"] == "/Invoices/2026/Q1"
        assert folders["5.txt"] == "/Invoices/2"
    drive.remove_faults()
    assert watched.collect().counts("collected", "duplicates") == (0, 0)
