"""Walks of a whole drive, against the simulator."""

from __future__ import annotations

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import CursorLost, ItemKind, Position, changes, document_id, open_drive

PAGES = 5


@pytest.fixture
def filled(account):
    """A drive of 20 files in 5 folders, in pages of 7 items."""
    account.control.settings(page_size=7)
    for number in range(20):
        account.control.create(f"/Folder {number % PAGES}/file {number}.pdf")
    return account


def test_a_first_walk_gives_every_file_once_with_its_path(filled):
    walked = filled.walk()
    assert walked.names == sorted(f"file {number}.pdf" for number in range(20))
    assert len(walked.times) == 20
    assert "/Folder 3/file 13.pdf" in walked.places
    assert filled.control.count("delta") == 4
    assert not walked.position.first


def test_a_quiet_day_is_exactly_one_request(filled):
    position = filled.walk().position
    filled.control.reset_counters()
    quiet = filled.walk(position=position)
    assert (quiet.items, quiet.gone, quiet.notes) == ({}, set(), [])
    assert filled.control.counters()["total"] == 1


def test_a_first_walk_goes_on_from_any_page(filled):
    everything = set()
    position = None
    for _ in range(10):
        page = next(changes(filled.graph, filled.drive, folder="/", position=position))
        everything |= {item.name for item in page.items}
        position = page.position
        if not position.first:
            break
    assert len(everything) == 20


@pytest.mark.parametrize("style", ["query", "function", "named"])
def test_cursors_are_sent_back_byte_for_byte(filled, style):
    filled.control.settings(link_style=style)
    position = filled.walk().position
    filled.control.create("/new.pdf")
    assert filled.walk(position=position).names == ["new.pdf"]


def test_an_empty_page_with_a_link_is_followed(filled):
    filled.control.add_faults("empty page")
    assert len(filled.walk().names) == 20


def test_the_last_state_of_an_item_wins_and_it_comes_once(filled):
    filled.control.add_faults("same item twice")
    position = filled.walk().position
    filled.control.create("/new.pdf")
    assert filled.walk(position=position).times == ["new.pdf"]


def test_created_and_deleted_between_two_walks_is_not_shown(filled):
    position = filled.walk().position
    item = filled.control.create("/short.pdf")
    filled.control.delete("/short.pdf")
    walked = filled.walk(position=position)
    assert walked.items == {}
    assert walked.gone <= {item["id"]}


def test_a_deleted_item_is_gone(filled):
    position = filled.walk().position
    item = filled.control.item("/Folder 1/file 1.pdf")
    filled.control.delete("/Folder 1/file 1.pdf")
    assert item["id"] in filled.walk(position=position).gone


def test_notebooks_and_shortcuts_are_shown_for_what_they_are(account):
    account.control.create("/notes", facets={"package": {"type": "oneNote"}})
    account.control.create("/link", facets={"remoteItem": {"id": "x", "folder": {}}})
    kinds = {item.name: item.kind for item in account.walk().items.values()}
    assert kinds == {"notes": ItemKind.PACKAGE, "link": ItemKind.SHORTCUT}


RESYNCS = [
    "resync",
    "resync without location",
    "resync to nowhere",
    "resync, apply",
    "resync, upload",
    "resync, short code",
    "resync, code inside",
    "sync state lost",
    "cursor refused 400",
    "cursor refused 404",
    "cursor refused 500",
]


@pytest.mark.parametrize("fault", RESYNCS)
def test_a_cursor_that_graph_refuses_is_lost_and_the_walk_can_start_over(filled, fault):
    position = filled.walk().position
    filled.control.add_faults(fault)
    with pytest.raises(CursorLost):
        filled.walk(position=position)
    filled.control.remove_faults()
    assert len(filled.walk(position=position.restarted()).names) == 20


def test_a_cursor_that_is_refused_once_is_not_lost(filled):
    position = filled.walk().position
    filled.control.add_faults({"like": "cursor refused 404", "times": 1})
    assert filled.walk(position=position).items == {}


def test_a_first_walk_that_is_lost_halfway_starts_over_by_itself(filled):
    filled.control.add_faults("resync mid-walk")
    assert len(filled.walk().names) == 20


def test_a_drive_that_always_loses_its_place_is_listed(filled):
    filled.control.add_faults({"like": "resync mid-walk", "times": None, "skip": 0})
    walked = filled.walk()
    assert len(walked.names) == 20
    assert walked.position.cursor is None
    assert "listed" in walked.notes[-1]


@pytest.mark.parametrize("fault", ["endless link", "never-ending link"])
def test_links_without_end_are_given_up(filled, fault):
    position = filled.walk().position
    filled.control.add_faults(fault)
    with pytest.raises(Transient) as caught:
        filled.walk(position=position)
    assert caught.value.reason == "EndlessFeed"


@pytest.mark.parametrize("fault", ["foreign link", "plain link"])
def test_a_link_to_another_host_is_refused(filled, fault):
    filled.control.add_faults(fault)
    with pytest.raises(Transient) as caught:
        filled.walk()
    assert caught.value.reason == "ForeignLink"


def test_a_page_without_any_link_is_no_end(filled):
    filled.control.add_faults("no link")
    with pytest.raises(Transient):
        filled.walk()


def test_a_stored_cursor_of_another_host_is_lost(filled):
    body = filled.walk().position.to_dict()
    body["cursor"] = "https://graph.attacker.example/v1.0/x"
    moved = Position.from_dict(body)
    with pytest.raises(CursorLost):
        filled.walk(position=moved)


@pytest.mark.parametrize("fault", ["no delta", "delta refused"])
def test_a_drive_without_delta_is_listed(filled, fault):
    filled.control.add_faults(fault)
    walked = filled.walk()
    assert len(walked.times) == 20
    assert "/Folder 3/file 13.pdf" in walked.places
    assert walked.position.cursor is None
    assert len(filled.walk(position=walked.position).times) == 20


NO_DRIVE = [
    ("no drive", "DriveNotFound"),
    ("no licence", "DriveNotFound"),
    ("drive locked", "DriveLocked"),
    ("drive refused", "AccessDenied"),
]


@pytest.mark.parametrize(("fault", "reason"), NO_DRIVE)
def test_a_drive_that_cannot_be_read_needs_a_person(account, fault, reason):
    account.control.add_faults(fault)
    with pytest.raises(PersonNeeded) as caught:
        account.walk()
    assert caught.value.reason == reason


@pytest.mark.parametrize(("fault", "reason"), NO_DRIVE[2:])
def test_a_drive_that_is_closed_later_needs_a_person(filled, fault, reason):
    position = filled.walk().position
    filled.control.add_faults(fault)
    with pytest.raises(PersonNeeded) as caught:
        filled.walk(position=position)
    assert caught.value.reason == reason


def test_a_user_with_odd_signs_in_their_name_is_found(account):
    account.control.person("marie_acme.example#EXT#@other.example")
    found = open_drive(account.graph, user="marie_acme.example#EXT#@other.example")
    assert found.id != account.drive.id


def test_a_drive_is_opened_by_its_id(account):
    drive = open_drive(account.graph, drive_id=account.drive.id)
    assert (drive.id, drive.kind) == (account.drive.id, account.drive.kind)


SPELLINGS = ["mixed", "lower", "upper", "short"]


def test_personal_ids_give_one_document_id_however_they_are_spelled(personal):
    personal.control.create("/a.pdf")
    ids = set()
    for case in SPELLINGS:
        personal.control.settings(drive_case=case)
        ids |= {document_id(personal.drive, item.id) for item in personal.walk().items.values()}
    assert len(ids) == 1


def test_a_personal_folder_is_watched_however_its_ids_are_spelled(personal):
    personal.control.create("/Invoices/2025/a.pdf")
    position = personal.walk("/Invoices").position
    for number, case in enumerate(SPELLINGS):
        personal.control.settings(drive_case=case)
        personal.control.create(f"/Invoices/2025/{number}.pdf")
        walked = personal.walk("/Invoices", position)
        assert walked.places == [f"/Invoices/2025/{number}.pdf"]
        assert walked.notes == []
        position = walked.position
