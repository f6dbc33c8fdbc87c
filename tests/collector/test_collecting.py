"""What is collected, and that it is collected once, whatever happens to it in OneDrive."""

from __future__ import annotations

import hashlib
import shutil

import pytest


@pytest.fixture
def drive(simulator):
    return simulator.control


def test_a_first_run_collects_what_is_there(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/2026/November/é.txt", "bravo")
    drive.create("/Private/c.txt", "not watched")
    ended = collect()
    assert ended.code == 0, ended.stderr
    assert ended.counts("result", "reason", "collected") == ("Succeeded", "Collected", 2)
    first, second = channel.records()
    assert (first.name, first.folder, channel.original(first)) == ("a.txt", "/Invoices", b"alpha")
    assert (second.name, second.folder, channel.original(second)) == ("é.txt", "/Invoices/2026/November", b"bravo")
    assert first.sha256 == hashlib.sha256(b"alpha").hexdigest()
    assert (first.channel.name, first.recipient, first.binder, first.company) == (
        "acme-onedrive",
        "marie",
        "purchases",
        "Acme",
    )
    assert first.run == ended.entry["id"]
    assert first.verified
    assert first.files["original"].endswith("/original.txt")
    assert channel.inbox() == ["a.txt", "é.txt"]


@pytest.mark.behaviour(29)
def test_a_quiet_run_asks_graph_one_question(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.reset_counters()
    ended = collect()
    asked = {kind: count for kind, count in drive.counters()["requests"].items() if count}
    assert asked.pop("token") == 1
    assert asked.pop("discovery", 0) <= 1
    assert asked == {"delta": 1}
    assert ended.counts("result", "reason", "collected") == ("Succeeded", "NothingNew", 0)


def test_the_history_says_what_was_asked_of_graph_and_how_often_it_said_wait(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.add_faults({"like": "throttled", "headers": {"Retry-After": "0"}})
    ended = collect()
    asked = drive.counters()["requests"]
    graph = sum(asked[kind] for kind in ("drive", "item", "children", "delta", "content"))
    assert ended.counts("collected", "requests", "throttled") == (1, graph, 1)
    assert channel.status()["history"][0]["throttled"] == 1


def test_only_what_is_new_is_collected(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.create("/Invoices/b.txt", "bravo")
    assert collect().counts("collected", "alreadySeen") == (1, 0)
    assert channel.names() == ["a.txt", "b.txt"]


@pytest.mark.behaviour(36)
def test_a_document_that_is_renamed_moved_edited_or_touched_is_not_collected_again(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    collect()
    for change in (
        lambda: drive.rename(made["id"], "b.txt"),
        lambda: drive.move(made["id"], "/Invoices/Paid"),
        lambda: drive.touch(made["id"]),
    ):
        change()
        assert collect().counts("collected", "duplicates", "alreadySeen") == (0, 0, 1)
    assert channel.names() == ["a.txt"]


@pytest.mark.behaviour(36)
def test_a_later_edit_is_counted_and_the_collected_version_stays(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.edit(made["id"], "alpha, corrected")
    ended = collect()
    assert ended.counts("collected", "alreadySeen") == (0, 1)
    assert channel.report(ended)["changedSinceCollected"] == 1
    assert channel.original(channel.records()[0]) == b"alpha"


@pytest.mark.behaviour(34, 48)
def test_a_document_deleted_in_onedrive_stays_collected(channel, collect, drive):
    made = drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.delete(made["id"])
    assert collect().counts("result", "collected") == ("Succeeded", 0)
    drive.restore(made["id"])
    assert collect().counts("collected", "alreadySeen") == (0, 1)
    assert channel.inbox() == ["a.txt"]


@pytest.mark.behaviour(47)
def test_the_same_bytes_uploaded_again_are_recorded_as_a_duplicate(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.reupload("/Invoices/a.txt")
    drive.copy("/Invoices/a.txt", "/Invoices/copy.txt")
    assert collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 2)
    original, again, copied = sorted(channel.records(), key=lambda record: (record.name, record.collected_at))
    assert again.duplicate_of == copied.duplicate_of == original.id
    assert again.files == original.files
    assert channel.inbox() == ["a.txt"]


def test_the_same_bytes_twice_in_one_run_are_delivered_once(channel, collect, drive):
    for number in range(6):
        drive.create(f"/Invoices/{number}.txt", "alpha")
    assert collect().counts("collected", "duplicates") == (1, 5)
    assert len(channel.inbox()) == 1


@pytest.mark.behaviour(47)
def test_a_binder_may_want_duplicates_delivered(channel, collect, drive):
    channel.write(binder={"onDuplicate": "Deliver"})
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.copy("/Invoices/a.txt", "/Invoices/copy.txt")
    assert collect().counts("collected", "duplicates") == (1, 0)
    first, second = channel.records()
    assert second.duplicate_of == first.id
    assert channel.inbox() == ["a.txt", "copy.txt"]


@pytest.mark.behaviour(38)
def test_a_folder_moved_into_scope_brings_its_files(channel, collect, drive):
    drive.folder("/Invoices")
    drive.create("/Elsewhere/2026/May/a.txt", "alpha")
    drive.create("/Elsewhere/2026/b.txt", "bravo")
    assert collect().counts("collected") == (0,)
    drive.move("/Elsewhere/2026", "/Invoices")
    assert collect().counts("collected") == (2,)
    assert [record.folder for record in channel.records()] == ["/Invoices/2026/May", "/Invoices/2026"]


@pytest.mark.behaviour(41)
def test_a_lost_cursor_costs_a_walk_and_nothing_is_collected_twice(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    drive.create("/Invoices/b.txt", "bravo")
    drive.expire_cursors()
    ended = collect()
    assert ended.counts("result", "collected", "alreadySeen") == ("Succeeded", 1, 1)
    assert "walked from the start" in str(ended.entry["message"])
    assert channel.status()["checkpoint"]["seenItems"] == 2
    assert collect().counts("collected", "alreadySeen") == (0, 0)


def test_a_lost_state_costs_a_walk_and_nothing_is_collected_twice(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    shutil.rmtree(channel.binder_folder / "state")
    drive.reset_counters()
    assert collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 1)
    assert drive.count("download") == 0


def test_a_lost_status_is_made_again(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    shutil.rmtree(channel.state)
    assert collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 0)
    status = channel.status()
    assert status["checkpoint"]["seenItems"] == 1
    assert len(status["history"]) == 1
    assert len(channel.reports()) == 2


def test_a_damaged_status_is_made_again(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    (channel.state / "status.yaml").write_text("status: [")
    assert collect().counts("result", "collected") == ("Succeeded", 0)
    assert len(channel.status()["history"]) == 1


def test_two_channels_that_read_the_same_folder_deliver_it_once(channel, collect, drive, tmp_path):
    drive.create("/Invoices/a.txt", "alpha")
    collect()
    channel.file.write_text(channel.file.read_text().replace("acme-onedrive", "another"))
    channel.state = tmp_path / "other-state"
    assert collect().counts("collected", "alreadySeen") == (0, 1)
    assert channel.inbox() == ["a.txt"]


def test_globs_leave_out_what_a_channel_is_not_about(channel, collect, drive):
    channel.write(onedrive={"include": ["*.PDF", "*é.txt"], "exclude": ["~*"]})
    for name in ("a.pdf", "b.docx", "~a.pdf", "cafe\u0301.txt"):
        drive.create(f"/Invoices/{name}", name)
    assert collect().counts("collected", "rejected", "deferred") == (2, 0, 0)
    assert channel.names() == ["a.pdf", "cafe\u0301.txt"]


def test_a_wider_glob_brings_in_what_the_cursor_has_passed(channel, collect, drive):
    channel.write(onedrive={"include": ["*.pdf"]})
    drive.create("/Invoices/a.pdf", "alpha")
    drive.create("/Invoices/b.jpg", "bravo")
    assert collect().counts("collected") == (1,)
    channel.write(onedrive={"include": ["*.pdf", "*.jpg"]})
    ended = collect()
    assert ended.counts("collected", "alreadySeen") == (1, 1)
    assert "include or exclude changed" in str(ended.entry["message"])
    assert collect().counts("collected", "alreadySeen") == (0, 0)


def test_another_folder_is_walked_from_the_start(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Receipts/b.txt", "bravo")
    collect()
    channel.write(onedrive={"folder": "/Receipts"})
    assert collect().counts("collected", "alreadySeen") == (1, 0)
    assert channel.names() == ["a.txt", "b.txt"]


def test_a_whole_drive_can_be_watched(channel, collect, drive):
    channel.write(onedrive={"folder": "/"})
    drive.create("/a.txt", "alpha")
    drive.create("/Deep/er/b.txt", "bravo")
    assert collect().counts("collected") == (2,)
    assert [record.folder for record in channel.records()] == ["/", "/Deep/er"]
    drive.create("/c.txt", "charlie")
    assert collect().counts("collected", "alreadySeen") == (1, 0)


@pytest.mark.behaviour(27)
def test_a_drive_without_delta_is_listed_and_nothing_is_collected_twice(channel, collect, drive):
    drive.settings(delta=False)
    drive.create("/Invoices/a.txt", "alpha")
    assert collect().counts("collected") == (1,)
    drive.create("/Invoices/b.txt", "bravo")
    assert collect().counts("collected", "alreadySeen") == (1, 1)
    assert channel.status()["checkpoint"]["seenItems"] == 2


@pytest.mark.behaviour(28, 31)
def test_many_pages_of_a_first_walk_are_collected(channel, collect, drive):
    channel.write(onedrive={"folder": "/"})
    drive.settings(page_size=7)
    for number in range(60):
        drive.create(f"/{number % 5}/{number}.txt", f"document {number}")
    drive.add_faults("same item twice")
    assert collect().counts("result", "collected") == ("Succeeded", 60)
    assert len(channel.records()) == 60
