"""Clouds and drives without a delta feed, and those that refuse paths: their folders are listed, end to end."""

from __future__ import annotations

import threading

import pytest

from tests.collector.local_channel import wait_until

CLOUDS = ["Global", "USGovernment", "China"]
NO_DELTA = ["no delta", "delta refused"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries that don't wait for long."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)


@pytest.fixture
def drive(simulator):
    """Pages of 4 items, no delta, no paths, as in the cloud of China."""
    simulator.control.settings(page_size=4)
    simulator.control.add_faults("no delta", "paths refused")
    return simulator.control


@pytest.fixture(params=["/Work/Invoices", "/"])
def watched(request, channel):
    channel.write(onedrive={"cloud": "China", "folder": request.param})
    return channel


def fill(drive, count, *, start=0):
    for number in range(start, start + count):
        drive.create(f"/Work/Invoices/{number % 3}/{number}.txt", f"document {number}")


def asked(drive):
    """How many requests to Graph and its content hosts there were since the last call."""
    counted = drive.counters()["requests"]
    drive.reset_counters()
    return {kind: count for kind, count in counted.items() if count and kind not in ("token", "discovery")}


def collect_while(channel, drive, *, listing, act):
    """Do a run, and *act* while it waits for the page of children of that number, counted from 0."""
    drive.add_faults({"name": "held", "kinds": ["children"], "skip": listing, "delay": 3600.0})
    drive.reset_counters()
    ended = []
    run = threading.Thread(target=lambda: ended.append(channel.collect()))
    run.start()
    wait_until(lambda: drive.count("children") > listing, f"page {listing} of children to be asked for")
    act()
    drive.remove_faults("held")
    run.join()
    return ended[0]


@pytest.mark.behaviour(27)
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("refusal", NO_DELTA)
@pytest.mark.parametrize("folder", ["/Work/Invoices", "/"])
def test_a_cloud_without_delta_is_collected_day_by_day(channel, collect, simulator, cloud, refusal, folder):
    drive = simulator.control
    drive.settings(page_size=4)
    drive.add_faults(refusal)
    channel.write(onedrive={"cloud": cloud, "folder": folder})
    fill(drive, 9)
    drive.create("/Work/Invoices/locked.txt", "lima")
    drive.create("/Work/Invoices/infected.txt", "india")
    drive.create("/Work/Invoices/Notes", facets={"package": {"type": "oneNote"}})
    drive.add_faults({"like": "malware", "item": "*/infected.txt"}, {"like": "item locked", "item": "*/locked.txt"})
    assert collect().counts("collected", "deferred", "rejected") == (9, 1, 2)
    fill(drive, 3, start=9)
    ended = collect()
    assert ended.counts("collected", "alreadySeen", "duplicates", "deferred", "rejected") == (3, 9, 0, 1, 2)
    assert channel.status()["checkpoint"]["seenItems"] == 12
    drive.remove_faults("item locked")
    assert collect().counts("result", "collected", "alreadySeen", "deferred") == ("Succeeded", 1, 12, 0)
    assert len(channel.records()) == len(channel.inbox()) == 13


@pytest.mark.behaviour(27)
def test_a_quiet_day_without_delta_costs_the_listing_alone(watched, drive):
    fill(drive, 24)
    whole = "folder: /\n" in watched.file.read_text()
    assert watched.collect().counts("collected") == (24,)
    asked(drive)
    ended = watched.collect()
    assert ended.counts("result", "reason", "collected", "alreadySeen") == ("Succeeded", "NothingNew", 0, 24)
    counted = asked(drive)
    # Three folders of 8 files in pages of 4, theirs, and the two above it: to list them, or to find it by its names.
    assert counted.pop("children") == 6 + 1 + 2
    assert counted.pop("delta") == 1
    assert counted.pop("item") <= (1 if whole else 4)
    assert counted == {}


@pytest.mark.behaviour(27)
def test_what_is_gone_without_a_feed_to_say_so_is_dropped(watched, drive):
    fill(drive, 3)
    for name in ("locked", "infected", "moved", "edited"):
        drive.create(f"/Work/Invoices/{name}.txt", name)
    drive.add_faults(
        {"like": "malware", "item": "*/infected.txt"},
        {"like": "malware", "item": "*/edited.txt"},
        {"like": "item locked", "item": "*/locked.txt"},
        {"like": "item locked", "item": "*/moved.txt"},
    )
    assert watched.collect().counts("collected", "deferred", "rejected") == (3, 2, 2)
    drive.delete("/Work/Invoices/locked.txt")
    drive.delete("/Work/Invoices/infected.txt")
    drive.remove_faults("malware")
    drive.edit("/Work/Invoices/edited.txt", "clean")
    drive.move("/Work/Invoices/moved.txt", "/Work/Invoices/0")
    drive.delete("/Work/Invoices/0/0.txt")
    drive.remove_faults("item locked")
    ended = watched.collect()
    assert ended.counts("result", "collected", "alreadySeen", "deferred", "rejected") == ("Succeeded", 2, 2, 0, 0)
    assert watched.report(ended)["dropped"] == 1
    assert watched.names() == ["0.txt", "1.txt", "2.txt", "edited.txt", "moved.txt"]


@pytest.mark.behaviour(27, 67)
@pytest.mark.parametrize("skip", range(0, 9, 2))
@pytest.mark.parametrize("fault", ["throttled", "error 502", "graph cut", "truncated json"])
def test_a_listing_that_is_interrupted_repeats_the_page(watched, drive, skip, fault):
    fill(drive, 24)
    row = {"headers": {"Retry-After": "0"}} if fault == "throttled" else {}
    drive.add_faults({"like": fault, "kinds": ["children"], "skip": skip, "times": 2, **row})
    assert watched.collect().counts("result", "collected", "duplicates") == ("Succeeded", 24, 0)
    assert watched.collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 24)


@pytest.mark.behaviour(67)
@pytest.mark.parametrize("skip", [0, 4, 8])
def test_a_listing_that_is_throttled_waits_as_long_as_it_is_asked_to(channel, collect, drive, skip):
    channel.write(onedrive={"cloud": "China", "folder": "/Work/Invoices"})
    fill(drive, 24)
    drive.add_faults({"like": "throttled", "kinds": ["children"], "skip": skip})
    assert collect().counts("result", "collected") == ("Succeeded", 24)
    assert drive.counters()["duringRetryAfter"] == 0


@pytest.mark.behaviour(27)
@pytest.mark.parametrize("listing", [3, 6])
def test_an_item_that_moves_while_the_folders_are_listed_is_collected_once(watched, drive, listing):
    fill(drive, 24)

    def move():
        for number in (0, 1, 2, 21, 22, 23):
            drive.move(f"/Work/Invoices/{number % 3}/{number}.txt", f"/Work/Invoices/{(number + 1) % 3}")

    ended = collect_while(watched, drive, listing=listing, act=move)
    assert ended.counts("result", "duplicates", "deferred", "rejected") == ("Succeeded", 0, 0, 0)
    # One that moved from a folder not yet listed into one that was is seen the next day.
    assert watched.collect().code == 0
    records = watched.records()
    assert len(records) == len({record.item for record in records}) == len(watched.inbox()) == 24
    assert watched.collect().counts("collected", "alreadySeen") == (0, 24)


@pytest.mark.behaviour(27)
def test_an_item_that_a_listing_shows_twice_is_collected_once(watched, drive):
    fill(drive, 24)
    drive.add_faults({"like": "same item twice", "kinds": ["children"]})
    assert watched.collect().counts("result", "collected", "duplicates") == ("Succeeded", 24, 0)
    assert drive.count("download") == 24


@pytest.mark.behaviour(27, 41)
@pytest.mark.parametrize("folder", ["/Work/Invoices", "/"])
def test_a_cloud_that_loses_or_gets_delta_goes_on_without_collecting_twice(channel, collect, simulator, folder):
    drive = simulator.control
    channel.write(onedrive={"folder": folder})
    fill(drive, 9)
    assert collect().counts("collected") == (9,)
    drive.settings(delta=False)
    fill(drive, 1, start=9)
    assert collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 1, 9)
    drive.settings(delta=True)
    fill(drive, 1, start=10)
    assert collect().counts("result", "collected", "duplicates") == ("Succeeded", 1, 0)
    drive.reset_counters()
    assert collect().counts("result", "reason") == ("Succeeded", "NothingNew")
    assert (drive.count("delta"), drive.count("children")) == (1, 0)
    assert len(channel.records()) == 11
