"""The cursor follows what is settled, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bannette.binder import PendingItem, State
from bannette.collector.ledger import Ledger
from bannette.errors import ItemDeferred, ItemRejected, PersonNeeded
from bannette.onedrive import Drive, DriveKind, Item, ItemKind, Position

NOW = datetime(2026, 11, 24, tzinfo=UTC)
DRIVE = Drive("b!one", DriveKind.BUSINESS)
LOCKED = ItemDeferred("Locked.", reason="Locked")
INFECTED = ItemRejected("Infected.", reason="Malware")


def item(name: str, etag: str = "1") -> Item:
    return Item(id=name, drive_id=DRIVE.id, parent_id="p", name=name, size=1, etag=etag, kind=ItemKind.FILE)


def at(cursor: str) -> Position:
    return Position(cursor, DRIVE)


def ledger(state: State | None = None, position: Position | None = None, most: int = 10) -> Ledger:
    return Ledger(state, position, most_deferred=most)


def page(book: Ledger, names: str, position: Position | None) -> None:
    book.begin_page()
    for name in names:
        book.enter(item(name))
    book.end_page(position)


def cursor(book: Ledger) -> str | None:
    position = book.standing().position
    return position and position.cursor


def test_the_cursor_waits_for_every_item_of_its_page_and_of_those_before():
    book = ledger()
    page(book, "ab", at("1"))
    page(book, "c", at("2"))
    book.already_seen("c", walked_anew=True)
    book.already_seen("a", walked_anew=True)
    assert cursor(book) is None
    book.already_seen("b", walked_anew=True)
    assert cursor(book) == "2"


def test_a_page_without_items_lets_the_cursor_pass():
    book = ledger()
    page(book, "", at("1"))
    assert cursor(book) == "1"


def test_a_page_that_is_still_being_entered_holds_the_cursor():
    book = ledger()
    book.begin_page()
    book.enter(item("a"))
    book.already_seen("a", walked_anew=True)
    assert cursor(book) is None
    book.end_page(at("1"))
    assert cursor(book) == "1"


def test_an_item_that_comes_again_while_it_is_under_way_holds_both_pages():
    book = ledger()
    page(book, "a", at("1"))
    book.begin_page()
    assert not book.enter(item("a"))
    book.end_page(at("2"))
    assert cursor(book) is None
    book.already_seen("a", walked_anew=True)
    assert cursor(book) == "2"


@pytest.mark.parametrize("settle", ["deferred", "rejected", "dropped", "repeated"])
def test_whatever_settles_an_item_lets_the_cursor_pass(settle):
    book = ledger()
    page(book, "a", at("1"))
    match settle:
        case "deferred":
            book.deferred("a", LOCKED, now=NOW, item=item("a"))
        case "rejected":
            book.rejected("a", INFECTED, now=NOW, item=item("a"))
        case "dropped":
            book.dropped("a")
        case "repeated":
            book.repeated("a")
    assert cursor(book) == "1"


def test_one_deferred_item_too_many_stays_unsettled():
    book = ledger(most=1)
    page(book, "ab", at("1"))
    book.deferred("a", LOCKED, now=NOW, item=item("a"))
    with pytest.raises(PersonNeeded) as caught:
        book.deferred("b", LOCKED, now=NOW, item=item("b"))
    assert caught.value.reason == "TooManyDeferred"
    assert cursor(book) is None
    book.deferred("a", LOCKED, now=NOW, item=item("a"))
    assert [pending.item_id for pending in book.standing().deferred] == ["a"]


def test_a_walk_that_starts_over_keeps_no_position_of_the_old_one():
    book = ledger(position=at("0"))
    page(book, "a", at("1"))
    book.restart(at("0").restarted())
    book.already_seen("a", walked_anew=True)
    assert cursor(book) is None
    page(book, "b", at("2"))
    book.already_seen("b", walked_anew=True)
    assert cursor(book) == "2"


def test_a_rejected_item_is_taken_up_again_with_another_etag_only():
    pending = PendingItem(item_id="a", etag="1", reason="Malware", since=NOW)
    book = ledger(State(revision=1, position=None, committed_at=NOW, rejected=(pending,)))
    assert not book.enter(item("a"))
    assert book.enter(item("a", etag="2"))


def test_a_personal_item_is_the_same_in_every_spelling():
    pending = PendingItem(item_id="8F1A!105", etag="1", reason="Locked", since=NOW)
    book = ledger(State(revision=1, position=None, committed_at=NOW, deferred=(pending,)))
    book.identify(Drive("8f1a", DriveKind.PERSONAL).item_key)
    assert book.enter(item("8f1a!105"))
    book.already_seen("8F1A!105", walked_anew=False)
    assert book.standing().deferred == ()


def test_seen_items_go_on_from_the_last_state_and_start_over_with_the_walk():
    state = State(revision=3, position={}, committed_at=NOW, seen_items=40)
    assert ledger(state, at("1")).standing().seen == 40
    assert ledger(state, at("1").restarted()).standing().seen == 0
