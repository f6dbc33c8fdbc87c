"""What the delta feed shows, page by page and day by day: what a run comes to."""

from __future__ import annotations

import threading

import pytest

from tests.collector.local_channel import wait_until

WALK = ["folder", "drive"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries that don't wait for long."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)


@pytest.fixture
def drive(simulator):
    """Pages of 4 items."""
    simulator.control.settings(page_size=4)
    return simulator.control


@pytest.fixture(params=WALK)
def watched(request, channel):
    """The channel, once of a folder and once of the whole drive."""
    channel.write(onedrive={"folder": "/Invoices" if request.param == "folder" else "/"})
    return channel


def fill(drive, count, *, start=0):
    for number in range(start, start + count):
        drive.create(f"/Invoices/{number % 3}/{number}.txt", f"document {number}")


def asked(drive):
    """How many requests to Graph and its content hosts there were since the last call."""
    counted = drive.counters()["requests"]
    drive.reset_counters()
    return {kind: count for kind, count in counted.items() if count and kind not in ("token", "discovery")}


def cursor(channel):
    return channel.saved_state()["position"]["walk"]["cursor"]


def collect_while(channel, drive, *, page, act):
    """Do a run, and *act* while it waits for the delta page of that number, counted from 0."""
    drive.add_faults({"name": "held", "kinds": ["delta"], "skip": page, "delay": 1.5})
    drive.reset_counters()
    ended = []
    run = threading.Thread(target=lambda: ended.append(channel.collect()))
    run.start()
    wait_until(lambda: drive.count("delta") > page, f"page {page} of the feed to be asked for")
    act()
    run.join(60)
    drive.remove_faults("held")
    return ended[0]


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


@pytest.mark.behaviour(29, 33)
def test_a_quiet_day_is_one_request(watched, drive):
    fill(drive, 9)
    assert watched.collect().counts("collected") == (9,)
    asked(drive)
    ended = watched.collect()
    assert ended.counts("result", "reason", "collected", "alreadySeen") == ("Succeeded", "NothingNew", 0, 0)
    assert asked(drive) == {"delta": 1}
    assert watched.report(ended)["usage"]["requests"] == 1


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
