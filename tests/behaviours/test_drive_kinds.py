"""Whose drive it is, and in how many ways its ids are spelled: what a run comes to."""

from __future__ import annotations

import pytest

from simulator.testing import Simulator
from tests.collector.local_channel import LocalChannel

SPELLINGS = ["mixed", "lower", "upper", "short"]


@pytest.fixture
def drive(simulator):
    return simulator.control


@pytest.fixture(scope="module")
def personal_simulator():
    with Simulator(flavour="personal") as started:
        yield started


@pytest.fixture
def personal(tmp_path, personal_simulator):
    """A channel of a personal account."""
    personal_simulator.control.reset()
    return LocalChannel(tmp_path, personal_simulator)


@pytest.mark.behaviour(18)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("no drive", "DriveNotFound"),
        ("no licence", "DriveNotFound"),
        ("drive locked", "DriveLocked"),
        ("drive refused", "AccessDenied"),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["at first", "later"])
def test_a_drive_that_can_not_be_read_needs_a_person_and_goes_on_once_it_can(
    channel, collect, drive, fault, reason, later
):
    drive.create("/Invoices/a.txt", "alpha")
    kinds = {}
    if later:
        assert collect().counts("collected") == (1,)
        drive.create("/Invoices/b.txt", "bravo")
        # The drive isn't looked up any more: what is refused is the feed.
        kinds = {"kinds": ["delta", "drive"]}
    drive.add_faults({"like": fault, **kinds})
    ended = collect()
    expected = "DriveNotFound" if reason == "DriveNotFound" else reason
    assert (ended.code, ended.entry["reason"], ended.entry["collected"]) == (2, expected, 0)
    drive.remove_faults()
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert len(channel.records()) == 1 + later


@pytest.mark.behaviour(20)
def test_a_user_whose_name_holds_odd_signs_has_a_drive_of_their_own(channel, collect, drive):
    guest = "marie_acme.example#EXT#@other.example"
    theirs = drive.person(guest)["drive"]
    drive.create("/Invoices/a.txt", "alpha", drive=theirs)
    drive.create("/Invoices/other.txt", "of another person")
    text = channel.file.read_text().replace(f"user: {channel.simulator.user}", f'user: "{guest}"')
    channel.file.write_text(text)
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert [(record.name, record.drive) for record in channel.records()] == [("a.txt", theirs)]


@pytest.mark.behaviour(22)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
def test_personal_ids_may_be_spelled_in_any_way_and_nothing_is_collected_twice(personal, folder):
    drive = personal.simulator.control
    personal.write(onedrive={"folder": folder})
    made = drive.create("/Invoices/2026/a.txt", "alpha")
    drive.create("/Invoices/2026/locked.txt", "lima")
    drive.create("/Invoices/2026/infected.txt", "india")
    drive.add_faults({"like": "item locked", "item": "*/locked.txt"}, {"like": "malware", "item": "*/infected.txt"})
    assert personal.collect().counts("collected", "deferred", "rejected") == (1, 1, 1)
    for number, spelling in enumerate(SPELLINGS):
        drive.settings(drive_case=spelling)
        drive.touch(made["id"])
        drive.create(f"/Invoices/2026/{number}.txt", f"document {number}")
        ended = personal.collect()
        assert ended.counts("collected", "alreadySeen", "deferred", "rejected") == (1, 1, 1, 1)
        drive.expire_cursors()
        assert personal.collect().counts("collected", "duplicates", "deferred", "rejected") == (0, 0, 1, 1)
    drive.remove_faults()
    assert personal.collect().counts("collected", "deferred", "rejected") == (1, 0, 1)
    records = personal.records()
    assert len(records) == len({record.id for record in records}) == 2 + len(SPELLINGS)
    assert len({record.drive for record in records}) == 1
    assert {record.folder for record in records} == {"/Invoices/2026"}


@pytest.mark.behaviour(22)
def test_a_personal_drive_may_be_named_in_any_spelling(personal):
    drive = personal.simulator.control
    drive.create("/Invoices/a.txt", "alpha")
    personal.collect()
    known = personal.records()[0].drive
    assert known.startswith("0")
    for spelling in (known, known.upper(), known.lstrip("0")):
        personal.write(onedrive={"drive": spelling})
        assert personal.collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    assert len(personal.records()) == 1


@pytest.mark.behaviour(23)
def test_two_work_drives_whose_ids_differ_by_case_only_are_two(channel, collect, drive):
    ids = ("b!AbCdEfGh1234", "b!aBcDeFgH1234")
    for number, drive_id in enumerate(ids):
        drive.drive(drive_id, flavour="business")
        drive.create(f"/Invoices/{number}.txt", f"document {number}", drive=drive_id)
        channel.write(onedrive={"drive": drive_id})
        ended = collect()
        assert ended.counts("result", "collected", "alreadySeen") == ("Succeeded", 1, 0)
    assert "another" in str(ended.entry["message"])
    assert [record.drive for record in channel.records()] == list(ids)


@pytest.mark.behaviour(24)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
@pytest.mark.parametrize("remove", [(), ("parentReference",), ("parentReference", "name", "size", "eTag")])
def test_a_root_of_any_form_is_fine(personal, folder, remove):
    drive = personal.simulator.control
    personal.write(onedrive={"folder": folder})
    root = drive.item("/")
    assert str(root["id"]).endswith("!sea8cc6beffdb43d7976fbc7da445c639")
    if remove:
        row = {"like": "no parent", "item": root["id"], "remove": list(remove)}
        drive.add_faults(row, {**row, "item": str(root["id"]).lower()})
    drive.create("/Invoices/a.txt", "alpha")
    assert personal.collect().counts("result", "collected") == ("Succeeded", 1)
    drive.create("/Invoices/b.txt", "bravo")
    drive.create("/Invoices/New/c.txt", "charlie")
    assert personal.collect().counts("result", "collected") == ("Succeeded", 2)
    assert [record.folder for record in personal.records()] == ["/Invoices", "/Invoices", "/Invoices/New"]


@pytest.mark.behaviour(25, 26)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
def test_a_shortcut_and_a_notebook_are_listed_once_and_never_asked_for(channel, collect, drive, folder):
    channel.write(onedrive={"folder": folder})
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/Notes", facets={"package": {"type": "oneNote"}})
    drive.create("/Invoices/Their folder", facets={"remoteItem": {"id": "01X", "folder": {"childCount": 3}}})
    drive.create("/Invoices/Their file", facets={"remoteItem": {"id": "01Y", "file": {}}, "file": {}})
    ended = collect()
    assert ended.counts("result", "collected", "rejected") == ("PartiallySucceeded", 1, 3)
    reasons = sorted(item["reason"] for item in channel.report(ended)["rejectedItems"])
    assert reasons == ["OneNote", "Shortcut", "Shortcut"]
    assert (drive.count("download"), drive.count("content")) == (1, 0)
    drive.reset_counters()
    assert collect().counts("result", "reason", "rejected") == ("Succeeded", "NothingNew", 3)
    assert drive.count("delta") == 1
    assert drive.count("item") + drive.count("content") + drive.count("download") == 0
    drive.expire_cursors()
    ended = collect()
    assert ended.counts("rejected") == (3,)
    assert len(channel.report(ended)["rejectedItems"]) == 3
    drive.delete("/Invoices/Notes")
    assert collect().counts("rejected") == (2,)
