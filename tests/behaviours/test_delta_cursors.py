"""A cursor that is lost or refused, a feed without end, and links of any form: what a run comes to."""

from __future__ import annotations

import pytest

from tests.behaviours.feed import asked, cursor, fill
from tests.behaviours.feed import drive as drive  # the fixtures
from tests.behaviours.feed import watched as watched

pytestmark = pytest.mark.usefixtures("hasty")

RESYNCS = [
    "resync",
    "resync without location",
    "resync to nowhere",
    "resync, apply",
    "resync, upload",
    "resync, short code",
    "resync, code inside",
    "sync state lost",
]
REFUSALS = ["cursor refused 400", "cursor refused 404", "cursor refused 500", "no delta"]


@pytest.mark.behaviour(41, 42)
@pytest.mark.parametrize("fault", [*RESYNCS, *REFUSALS])
def test_a_lost_cursor_costs_one_walk_and_the_history_says_so(watched, drive, fault):
    fill(drive, 9)
    infected = drive.create("/Invoices/infected.txt", "india")
    drive.add_faults({"like": "malware", "item": "*/infected.txt"})
    assert watched.collect().counts("collected", "rejected") == (9, 1)
    fill(drive, 3, start=9)
    # Deleted where no feed will tell of it any more.
    drive.delete(infected["id"])
    drive.expire_cursors()
    row = {"like": fault}
    if fault in REFUSALS[:3]:
        row["times"] = 4
    drive.add_faults(row)
    ended = watched.collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "alreadySeen", "duplicates") == ("Succeeded", 3, 9, 0)
    assert ended.counts("rejected") == (0,)
    assert "walked from the start" in str(ended.entry["message"])
    drive.remove_faults()
    assert watched.collect().counts("collected", "duplicates") == (0, 0)
    assert len(watched.records()) == 12


@pytest.mark.behaviour(41)
@pytest.mark.parametrize("page", [0, 1, 2, 3])
@pytest.mark.parametrize("first", [True, False], ids=["first walk", "later"])
def test_a_cursor_lost_in_the_middle_of_a_walk_loses_nothing(watched, drive, first, page):
    fill(drive, 6)
    if not first:
        watched.collect()
    fill(drive, 12, start=6)
    drive.add_faults({"like": "resync", "skip": page})
    ended = watched.collect()
    assert ended.counts("result", "duplicates", "deferred") == ("Succeeded", 0, 0)
    assert len(watched.records()) == 18
    met = any(fault["hits"] for fault in drive.faults())
    assert met == any(word in str(ended.entry["message"]) for word in ("walked from the start", "begun again"))
    assert watched.collect().counts("collected", "duplicates") == (0, 0)


@pytest.mark.behaviour(42)
@pytest.mark.parametrize("fault", REFUSALS[:3])
def test_a_drive_that_refuses_every_cursor_is_collected_without_a_loop(watched, drive, fault):
    fill(drive, 9)
    drive.add_faults(fault)
    ended = watched.collect()
    assert ended.counts("result", "collected", "duplicates") == ("Succeeded", 9, 0)
    for number in range(2):
        fill(drive, 1, start=9 + number)
        asked(drive)
        ended = watched.collect()
        assert ended.counts("result", "collected", "alreadySeen") == ("Succeeded", 1, 9 + number)
        counted = asked(drive)
        assert counted["download"] == 1
        assert sum(counted.values()) < 60


@pytest.mark.behaviour(43)
@pytest.mark.parametrize("fault", ["endless link", "never-ending link", "items made up without end"])
@pytest.mark.parametrize("later", [False, True], ids=["first walk", "later"])
def test_a_feed_without_end_ends_the_run_and_keeps_the_cursor(channel, collect, drive, fault, later, monkeypatch):
    channel.write(onedrive={"folder": "/"})
    fill(drive, 9)
    before = None
    if later:
        collect()
        before = cursor(channel)
        fill(drive, 3, start=9)
    drive.add_faults({"like": fault, "kinds": ["delta"]})
    if fault.startswith("items"):
        monkeypatch.setattr("bannette.collector.run._LONGEST", 1.0)
    ended = collect()
    assert ended.code == 3
    assert ended.entry["reason"] == ("TimeUp" if fault.startswith("items") else "EndlessFeed")
    assert str(ended.entry["message"]).startswith(("Microsoft Graph repeats the same pages", "The run's time is up"))
    if later:
        assert cursor(channel) == before
    assert collect().code == 3
    drive.remove_faults()
    monkeypatch.undo()
    assert collect().code == 0
    assert len(channel.records()) == 9 + 3 * later


@pytest.mark.behaviour(43)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("endless link", "EndlessFeed"),
        ("never-ending link", "EndlessFeed"),
        ("items made up without end", "TimeUp"),
        ("folders made up without end", "EndlessFeed"),
    ],
)
@pytest.mark.parametrize("delta", [True, False], ids=["with delta", "without"])
def test_a_listing_without_end_ends_the_run(channel, collect, drive, fault, reason, delta, monkeypatch):
    drive.settings(delta=delta)
    fill(drive, 9)
    drive.add_faults({"like": fault, "kinds": ["children"]})
    if reason == "TimeUp":
        monkeypatch.setattr("bannette.collector.run._LONGEST", 1.0)
    ended = collect()
    assert (ended.code, ended.entry["reason"]) == (3, reason)
    drive.remove_faults()
    monkeypatch.undo()
    assert collect().code == 0
    assert len(channel.records()) == 9


@pytest.mark.behaviour(45)
@pytest.mark.parametrize("style", ["query", "function", "named"])
def test_links_of_any_form_are_kept_and_sent_back_byte_for_byte(watched, drive, style):
    drive.settings(link_style=style)
    fill(drive, 9)
    assert watched.collect().counts("collected") == (9,)
    kept = cursor(watched)
    if style == "function":
        assert len(kept) > 3500
        assert "%2a%7e" in kept
    fill(drive, 9, start=9)
    drive.reset_counters()
    assert watched.collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 9, 0)
    first = next(request for request in drive.requests() if request["kind"] == "delta")
    assert first["target"] == kept.removeprefix(watched.simulator.origin)
    assert watched.collect().counts("result", "reason") == ("Succeeded", "NothingNew")
