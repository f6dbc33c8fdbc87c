"""What the delta feed shows day by day of what was collected before: what a run comes to."""

from __future__ import annotations

import pytest

from tests.behaviours.feed import asked, fill
from tests.behaviours.feed import drive as drive  # the fixtures
from tests.behaviours.feed import watched as watched

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.behaviour(29, 33)
def test_a_quiet_day_is_one_request(watched, drive):
    fill(drive, 9)
    assert watched.collect().counts("collected") == (9,)
    asked(drive)
    ended = watched.collect()
    assert ended.counts("result", "reason", "collected", "alreadySeen") == ("Succeeded", "NothingNew", 0, 0)
    assert asked(drive) == {"delta": 1}
    assert watched.report(ended)["usage"]["requests"] == 1


@pytest.mark.behaviour(33)
def test_parents_that_come_unchanged_cost_nothing(watched, drive):
    fill(drive, 9)
    watched.collect()
    drive.create("/Invoices/0/new.txt", "november")
    asked(drive)
    assert watched.collect().counts("collected", "alreadySeen") == (1, 0)
    counted = asked(drive)
    assert (counted.pop("download"), counted) == (1, {"delta": 1})


@pytest.mark.behaviour(34)
@pytest.mark.parametrize(
    "remove",
    [("name",), ("name", "size", "parentReference", "file", "lastModifiedDateTime"), ("parentReference.id",)],
)
def test_a_deleted_item_may_say_nothing_but_its_id(watched, drive, remove):
    made = drive.create("/Invoices/a.txt", "alpha")
    locked = drive.create("/Invoices/locked.txt", "lima")
    infected = drive.create("/Invoices/infected.txt", "india")
    drive.add_faults({"like": "item locked", "item": "*/locked.txt"}, {"like": "malware", "item": "*/infected.txt"})
    assert watched.collect().counts("collected", "deferred", "rejected") == (1, 1, 1)
    drive.remove_faults()
    for item in (made, locked, infected):
        drive.add_faults({"like": "no parent", "kinds": ["delta"], "item": item["id"], "remove": list(remove)})
        drive.delete(item["id"])
    asked(drive)
    ended = watched.collect()
    assert ended.counts("result", "collected", "deferred", "rejected") == ("Succeeded", 0, 0, 0)
    assert asked(drive) == {"delta": 1}
    assert watched.inbox() == ["a.txt"]


@pytest.mark.behaviour(36)
def test_whatever_happens_to_a_collected_file_it_is_not_downloaded_again(watched, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    item = made["id"]
    watched.collect()
    for change in (
        lambda: drive.rename(item, "b.txt"),
        lambda: drive.move(item, "/Invoices/Paid"),
        lambda: drive.touch(item),
        lambda: drive.facets(item, {"shared": {"scope": "users"}}),
        lambda: drive.edit(item, "alpha, corrected"),
        lambda: drive.rename("/Invoices/Paid", "Done"),
    ):
        change()
        asked(drive)
        ended = watched.collect()
        assert ended.counts("result", "collected", "duplicates", "deferred") == ("Succeeded", 0, 0, 0)
        counted = asked(drive)
        # A folder that is new in the scope is listed.
        assert (counted.pop("children", 0) <= 1, counted) == (True, {"delta": 1})
    assert watched.names() == ["a.txt"]
    assert watched.original(watched.records()[0]) == b"alpha"


@pytest.mark.behaviour(46)
def test_what_the_feed_shows_late_is_collected_then(watched, drive):
    fill(drive, 3)
    watched.collect()
    drive.hold_feed()
    fill(drive, 3, start=3)
    drive.create("/Invoices/New/deep.txt", "delta")
    assert watched.collect().counts("result", "collected") == ("Succeeded", 0)
    drive.release_feed()
    assert watched.collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 4, 0)


@pytest.mark.behaviour(46)
def test_a_feed_that_lags_behind_the_first_listing_gives_nothing_twice(watched, drive):
    fill(drive, 3)
    drive.hold_feed()
    fill(drive, 3, start=3)
    whole = "/Invoices" not in watched.file.read_text()
    assert watched.collect().counts("collected") == (3 if whole else 6,)
    drive.release_feed()
    assert watched.collect().counts("result", "collected", "duplicates") == ("Succeeded", 3 if whole else 0, 0)
    assert len(watched.records()) == 6


@pytest.mark.behaviour(47)
@pytest.mark.parametrize("deliver", [False, True], ids=["skip", "deliver"])
def test_a_copy_and_a_second_upload_are_recorded_as_what_they_repeat(channel, collect, drive, deliver):
    if deliver:
        channel.write(binder={"onDuplicate": "Deliver"})
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.reupload("/Invoices/a.txt")
    drive.copy("/Invoices/a.txt", "/Invoices/copy.txt")
    ended = collect()
    expected = ("Succeeded", 2, 0) if deliver else ("Succeeded", 0, 2)
    assert ended.counts("result", "collected", "duplicates") == expected
    assert channel.inbox() == (["a.txt", "a.txt", "copy.txt"] if deliver else ["a.txt"])
    records = channel.records()
    assert len(records) == 3
    assert len({record.duplicate_of for record in records}) == 2
    assert collect().counts("collected", "duplicates", "alreadySeen") == (0, 0, 0)


@pytest.mark.behaviour(48)
def test_what_comes_back_from_the_recycle_bin_is_already_seen(watched, drive):
    file = drive.create("/Invoices/a.txt", "alpha")
    folder = drive.folder("/Invoices/2026")
    drive.create("/Invoices/2026/b.txt", "bravo")
    assert watched.collect().counts("collected") == (2,)
    drive.delete(file["id"])
    drive.delete(folder["id"])
    assert watched.collect().counts("result", "collected") == ("Succeeded", 0)
    drive.restore(file["id"])
    drive.restore(folder["id"])
    asked(drive)
    assert watched.collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    assert "download" not in asked(drive)
    drive.create("/Invoices/2026/c.txt", "charlie")
    assert watched.collect().counts("collected") == (1,)
    assert watched.inbox() == ["a.txt", "b.txt", "c.txt"]
