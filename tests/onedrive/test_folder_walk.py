"""Walks of a watched folder, against the simulator."""

from __future__ import annotations

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import changes


@pytest.fixture
def watched(account):
    """A drive with /Work/Invoices and other things, in pages of 4 items."""
    account.control.settings(page_size=4)
    for number in range(6):
        account.control.create(f"/Work/Invoices/{number}.pdf")
    account.control.create("/Work/Invoices/2025/Q1/deep.pdf")
    for number in range(30):
        account.control.create(f"/Photos/{number}.jpg")
    return account


FOLDER = "/Work/Invoices"
ALL = ["0.pdf", "1.pdf", "2.pdf", "3.pdf", "4.pdf", "5.pdf", "deep.pdf"]


def test_a_first_walk_lists_the_folder_alone(watched):
    walked = watched.walk(FOLDER)
    assert walked.names == ALL
    assert "/Work/Invoices/2025/Q1/deep.pdf" in walked.places
    # The drive, the cursor, the folder, the one above; then 7 children in 2 pages and two folders.
    assert watched.control.counters()["requests"]["delta"] == 1
    assert watched.control.count("children") == 4


def test_a_quiet_day_is_exactly_one_request(watched):
    position = watched.walk(FOLDER).position
    watched.control.reset_counters()
    quiet = watched.walk(FOLDER, position)
    assert (quiet.items, quiet.notes) == ({}, [])
    assert watched.control.counters()["total"] == 1


def test_news_in_the_folder_are_shown_and_others_are_not(watched):
    position = watched.walk(FOLDER).position
    watched.control.create("/Work/Invoices/2025/new.pdf")
    watched.control.create("/Photos/new.jpg")
    watched.control.touch("/Work/Invoices/1.pdf")
    walked = watched.walk(FOLDER, position)
    assert walked.places == ["/Work/Invoices/1.pdf", "/Work/Invoices/2025/new.pdf"]
    assert watched.walk(FOLDER, walked.position).items == {}


def test_unchanged_parents_cost_nothing(watched):
    position = watched.walk(FOLDER).position
    watched.control.create("/Work/Invoices/new.pdf")
    watched.control.reset_counters()
    assert watched.walk(FOLDER, position).names == ["new.pdf"]
    assert watched.control.counters()["total"] == watched.control.count("delta")


def test_a_folder_moved_into_scope_brings_its_files(watched):
    for depth in ("", "/b", "/b/c"):
        for number in range(6):
            watched.control.create(f"/Elsewhere/a{depth}/{depth.count('/')}-{number}.pdf")
    position = watched.walk(FOLDER).position
    watched.control.move("/Elsewhere/a", "/Work/Invoices")
    walked = watched.walk(FOLDER, position)
    assert len(walked.times) == len(walked.names) == 18
    assert "/Work/Invoices/a/b/c/2-5.pdf" in walked.places
    watched.control.create("/Work/Invoices/a/b/c/later.pdf")
    assert watched.walk(FOLDER, walked.position).names == ["later.pdf"]


def test_a_folder_moved_out_takes_its_subtree_and_brings_it_back(watched):
    position = watched.walk(FOLDER).position
    watched.control.move("/Work/Invoices/2025", "/Photos")
    position = watched.walk(FOLDER, position).position
    watched.control.create("/Photos/2025/Q1/unseen.pdf")
    walked = watched.walk(FOLDER, position)
    assert walked.items == {}
    watched.control.move("/Photos/2025", "/Work/Invoices")
    walked = watched.walk(FOLDER, walked.position)
    assert walked.names == ["deep.pdf", "unseen.pdf"]
    watched.control.create("/Work/Invoices/2025/Q1/seen.pdf")
    assert watched.walk(FOLDER, walked.position).names == ["seen.pdf"]


def test_a_file_moved_into_scope_is_shown_and_one_moved_out_is_gone(watched):
    position = watched.walk(FOLDER).position
    watched.control.move("/Photos/1.jpg", "/Work/Invoices")
    moved = watched.control.move("/Work/Invoices/1.pdf", "/Photos")
    walked = watched.walk(FOLDER, position)
    assert walked.names == ["1.jpg"]
    assert moved["id"] in walked.gone


@pytest.mark.parametrize("fault", ["children before parents", "same item twice", "parents never sent"])
def test_the_feed_may_come_in_any_order(watched, fault):
    position = watched.walk(FOLDER).position
    watched.control.create("/Work/Invoices/2026/Q1/a.pdf")
    watched.control.create("/Work/Invoices/2026/Q1/b.pdf")
    watched.control.create("/Photos/2026/c.pdf")
    watched.control.add_faults(fault)
    assert watched.walk(FOLDER, position).times.count("a.pdf") == 1
    assert watched.walk(FOLDER, position).names == ["a.pdf", "b.pdf"]


def test_a_crawl_that_fails_leaves_the_cursor_where_it_was(watched):
    for number in range(9):
        watched.control.create(f"/Elsewhere/a/{number}.pdf")
    position = watched.walk(FOLDER).position
    watched.control.move("/Elsewhere/a", "/Work/Invoices")
    watched.control.add_faults({"like": "error 500", "kinds": ["children"], "skip": 1, "times": None})
    with pytest.raises(Transient):
        watched.walk(FOLDER, position)
    watched.control.remove_faults()
    assert len(watched.walk(FOLDER, position).names) == 9


def test_a_crawl_that_is_throttled_repeats_the_page(watched):
    watched.control.add_faults("walk throttled")
    assert watched.walk(FOLDER).names == ALL


@pytest.mark.parametrize("fault", ["endless link", "never-ending link"])
def test_a_listing_without_end_is_given_up(watched, fault):
    watched.control.add_faults({"like": fault, "kinds": ["children"]})
    with pytest.raises(Transient):
        watched.walk(FOLDER)


@pytest.mark.parametrize("change", ["rename", "move", "rename above", "move above"])
def test_a_watched_folder_that_moved_is_followed_and_a_note_says_so(watched, change):
    position = watched.walk(FOLDER).position
    match change:
        case "rename":
            watched.control.rename(FOLDER, "Bills")
            now = "/Work/Bills"
        case "move":
            watched.control.move(FOLDER, "/Archive")
            now = "/Archive/Invoices"
        case "rename above":
            watched.control.rename("/Work", "Job")
            now = "/Job/Invoices"
        case _:
            watched.control.move("/Work", "/Archive")
            now = "/Archive/Work/Invoices"
    watched.control.create(f"{now}/new.pdf")
    walked = watched.walk(FOLDER, position)
    assert walked.places == [f"{now}/new.pdf"]
    assert len(walked.notes) == 1
    assert FOLDER in walked.notes[0]
    watched.control.create(f"{now}/2025/newer.pdf")
    watched.control.reset_counters()
    walked = watched.walk(FOLDER, walked.position)
    assert (walked.names, len(walked.notes)) == (["newer.pdf"], 1)
    quiet = watched.walk(FOLDER, walked.position)
    assert (quiet.items, len(quiet.notes)) == ({}, 1)


def test_another_folder_under_the_path_is_the_new_scope(watched):
    position = watched.walk(FOLDER).position
    watched.control.rename(FOLDER, "Old")
    watched.control.create(f"{FOLDER}/fresh.pdf")
    walked = watched.walk(FOLDER, position)
    assert walked.places == ["/Work/Invoices/fresh.pdf"]
    assert walked.notes
    watched.control.create("/Work/Old/unseen.pdf")
    assert watched.walk(FOLDER, walked.position).items == {}


def test_a_followed_folder_gives_way_to_one_that_takes_its_path(watched):
    position = watched.walk(FOLDER).position
    watched.control.rename(FOLDER, "Old")
    position = watched.walk(FOLDER, position).position
    watched.control.create(f"{FOLDER}/fresh.pdf")
    walked = watched.walk(FOLDER, position)
    assert walked.places == ["/Work/Invoices/fresh.pdf"]


def test_a_folder_deleted_and_made_again_is_walked_from_the_start(watched):
    position = watched.walk(FOLDER).position
    watched.control.delete(FOLDER)
    watched.control.create(f"{FOLDER}/again.pdf")
    assert watched.walk(FOLDER, position).names == ["again.pdf"]


def test_a_missing_folder_needs_a_person_and_is_found_once_it_is_there(watched):
    with pytest.raises(PersonNeeded) as caught:
        watched.walk("/Bills")
    assert caught.value.reason == "FolderNotFound"
    watched.control.create("/Bills/a.pdf")
    assert watched.walk("/Bills").names == ["a.pdf"]


def test_a_deleted_folder_needs_a_person(watched):
    position = watched.walk(FOLDER).position
    watched.control.delete(FOLDER)
    with pytest.raises(PersonNeeded) as caught:
        watched.walk(FOLDER, position)
    assert caught.value.reason == "FolderNotFound"


def test_a_file_is_no_folder(watched):
    with pytest.raises(PersonNeeded) as caught:
        watched.walk("/Work/Invoices/1.pdf")
    assert caught.value.reason == "FolderNotFound"


NAMES = [
    "With space",
    "100% #1",
    "a+b",
    "d'Été",
    "d'E\u0301te\u0301",
    "📄 documents",
    "x" * 200,
    "ünïcödé & co",
    "a;b=c,d",
]


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_any_name_are_found(account, name):
    account.control.create(f"/{name}/Sub {name}/a.pdf")
    assert account.walk(f"/{name}/Sub {name}").names == ["a.pdf"]


@pytest.mark.parametrize("wanted", ["/ÉTÉ/factures", "/e\u0301te\u0301/Factures", "/été/Factures/"])
def test_case_and_the_form_of_accents_do_not_matter(account, wanted):
    account.control.create("/Été/Factures/a.pdf")
    assert account.walk(wanted).names == ["a.pdf"]


def test_a_path_that_mixes_both_forms_of_accents_is_found(account):
    account.control.create("/Été/Re\u0301gle\u0301/a.pdf")
    assert account.walk("/Été/Réglé").names == ["a.pdf"]


def test_a_cloud_that_refuses_paths_has_them_walked(watched):
    watched.control.add_faults(
        {"name": "no paths", "kinds": ["item"], "target": "*root:/*", "status": 400, "code": "x", "times": None}
    )
    assert watched.walk("/work/INVOICES").names == ALL


def test_a_drive_without_delta_has_its_folder_listed_each_time(watched):
    watched.control.settings(delta=False)
    walked = watched.walk(FOLDER)
    assert (walked.names, walked.position.cursor) == (ALL, None)
    watched.control.create(f"{FOLDER}/new.pdf")
    watched.control.rename(FOLDER, "Bills")
    walked = watched.walk(FOLDER, walked.position)
    assert walked.names == sorted([*ALL, "new.pdf"])
    assert walked.notes


def test_another_folder_in_the_settings_is_walked_from_the_start(watched):
    position = watched.walk(FOLDER).position
    walked = watched.walk("/Photos", position)
    assert len(walked.names) == 30
    assert walked.notes


def test_what_was_created_during_the_listing_comes_the_next_time(watched):
    pages = changes(watched.graph, watched.drive, folder=FOLDER)
    first = next(pages)
    watched.control.create(f"{FOLDER}/meanwhile.pdf")
    names = [item.name for page in (first, *pages) for item in page.items if (last := page) or True]
    again = watched.walk(FOLDER, last.position).names
    assert "meanwhile.pdf" in {*names, *again}


def test_a_long_feed_has_the_folder_listed_instead(watched, monkeypatch):
    position = watched.walk(FOLDER).position
    monkeypatch.setattr("bannette.onedrive.walk.LIMIT", 5)
    watched.control.create(f"{FOLDER}/new.pdf")
    for number in range(10):
        watched.control.create(f"/Photos/more {number}.jpg")
    assert watched.walk(FOLDER, position).names == sorted([*ALL, "new.pdf"])
    assert watched.walk(FOLDER, watched.walk(FOLDER, position).position).items == {}


def test_an_item_without_its_parent_is_asked_for(watched):
    position = watched.walk(FOLDER).position
    watched.control.create(f"{FOLDER}/new.pdf")
    watched.control.create("/Photos/new.jpg")
    watched.control.add_faults({"like": "no parent", "kinds": ["delta"], "item": "*new.*"})
    assert watched.walk(FOLDER, position).names == ["new.pdf"]


def test_a_position_covers_what_is_in_scope(watched):
    position = watched.walk(FOLDER).position
    items = {item.name: item for item in watched.walk().items.values()}
    assert position.covers(items["deep.pdf"])
    assert not position.covers(items["1.jpg"])
