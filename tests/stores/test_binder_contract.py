"""The binder's promises in object stores: exactly once, whoever races, and everything that is kept between runs."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from bannette.binder import CommitOutcome, OnDuplicate, PendingItem, State, StateAdvanced, open_store
from bannette.binder.object_store import LARGE
from bannette.errors import PersonNeeded
from tests.binder.binder_documents import DAY, document_id, make_document, open_binder

pytestmark = [pytest.mark.stores, pytest.mark.timeout(1200)]
WRITERS = 8
COLLECTED, DUPLICATE, SEEN = CommitOutcome.COLLECTED, CommitOutcome.DUPLICATE, CommitOutcome.ALREADY_SEEN


@pytest.fixture
def store(bucket):
    return open_store(bucket)


@pytest.fixture
def binder(store):
    return open_binder(store)


@pytest.fixture
def document(scratch):
    return lambda item="item-1", content=b"%PDF-1.7 invoice", **changes: make_document(
        scratch, item, content, **changes
    )


def race(commit, documents):
    """Commit all *documents* at the same moment; return how often each outcome came."""
    start = Barrier(len(documents))

    def one(new):
        start.wait(timeout=30)
        return commit(new).outcome

    with ThreadPoolExecutor(len(documents)) as pool:
        return Counter(pool.map(one, documents))


def test_a_document_is_collected_once(store, binder, document):
    new = document()
    assert not binder.has(new.id)
    committed = binder.commit(new)
    assert committed.outcome is COLLECTED
    assert store.get(committed.record.files["original"]) == b"%PDF-1.7 invoice"
    assert binder.commit(document()).outcome is SEEN
    assert binder.has(new.id)
    assert binder.text(new.id) == "Facture"
    assert [entry.record for entry in binder.inbox()] == [committed.record]


def test_a_large_document_is_collected_through_a_staging_key(store, binder, document):
    content = os.urandom(LARGE + 1_000_000)
    new = document(content=content)
    assert binder.commit(new).outcome is COLLECTED
    assert store.get(binder.record(new.id).files["original"]) == content
    assert list(store.keys(".staging")) == []


def test_the_same_bytes_of_another_item_are_a_duplicate_unless_they_are_asked_for(store, binder, document):
    first = binder.commit(document("item-1")).record
    second = binder.commit(document("item-2")).record
    third = binder.commit(document("item-3"), on_duplicate=OnDuplicate.DELIVER).record
    assert (second.duplicate_of, second.files) == (first.id, first.files)
    assert third.duplicate_of == first.id
    assert third.files["original"] != first.files["original"]
    assert [entry.record.id for entry in binder.inbox()] == sorted([first.id, third.id])
    assert binder.first_with(first.sha256) == first


def test_racing_writers_collect_a_document_once(store, document):
    """As overlapping runs do: only the store in common."""
    for turn in range(3):
        binders = [open_binder(store, patience=20.0) for _ in range(WRITERS)]
        new = [document(f"item-{turn}", b"%d" % turn, run=f"run-{n}") for n in range(WRITERS)]
        committers = {each.run: its_binder for each, its_binder in zip(new, binders, strict=True)}
        outcomes = race(lambda new, committers=committers: committers[new.run].commit(new), new)
        assert outcomes == {COLLECTED: 1, SEEN: WRITERS - 1}
    assert len(list(store.keys("records"))) == 3
    assert len(list(open_binder(store).inbox())) == 3


def test_racing_writers_deliver_the_same_bytes_of_different_items_once(store, document):
    binders = [open_binder(store, patience=20.0) for _ in range(WRITERS)]
    new = [document(f"item-{n}", b"same") for n in range(WRITERS)]
    committers = {each.id: its_binder for each, its_binder in zip(new, binders, strict=True)}
    outcomes = race(lambda new: committers[new.id].commit(new), new)
    assert outcomes == {COLLECTED: 1, DUPLICATE: WRITERS - 1}
    assert len(list(open_binder(store).inbox())) == 1


def test_what_is_collected_is_known_by_one_listing(binder, document):
    new = [document(f"item-{n}", b"%d" % n) for n in range(20)]
    for each in new:
        binder.commit(each)
    known = binder.known_ids()
    assert len(known) == 20
    assert all(each.id in known for each in new)
    assert document_id("another") not in known


def a_state(revision, **changes):
    return State(revision=revision, position={"cursor": f"c{revision}"}, committed_at=DAY, **changes)


def test_states_advance_one_by_one_and_the_last_three_are_kept(store, binder):
    assert binder.load_state("c-uid") is None
    deferred = (PendingItem(item_id="x", etag="1", reason="Locked", since=DAY),)
    for revision in range(1, 6):
        binder.save_state("c-uid", a_state(revision, deferred=deferred))
    assert binder.load_state("c-uid") == a_state(5, deferred=deferred)
    assert sorted(store.keys("state")) == [f"state/c-uid/{n}.json" for n in (3, 4, 5)]
    binder.save_state("c-uid", a_state(5, deferred=deferred))
    with pytest.raises(StateAdvanced):
        binder.save_state("c-uid", a_state(5))


def test_of_racing_runs_one_saves_its_state(store):
    start = Barrier(WRITERS)
    binders = [open_binder(store) for _ in range(WRITERS)]

    def save(n):
        start.wait(timeout=30)
        try:
            binders[n].save_state("c-uid", a_state(1, seen_items=n))
        except StateAdvanced:
            return None
        return n

    with ThreadPoolExecutor(WRITERS) as pool:
        winners = [n for n in pool.map(save, range(WRITERS)) if n is not None]
    assert len(winners) == 1
    assert open_binder(store).load_state("c-uid").seen_items == winners[0]


def test_a_foreign_binder_is_left_alone_until_it_is_adopted(bucket, store, binder):
    other = open_store(bucket)
    marker = store.get("binder.json")
    store.put("binder.json", marker.replace(b"0b8a8a52", b"ffffffff"))
    with pytest.raises(PersonNeeded) as caught:
        open_binder(other)
    assert caught.value.reason == "BinderReplaced"
    open_binder(other, adopt="ffffffff-7d7c-5a3c-9d6d-1f0f5f3a9c11")
    assert store.get("binder.json") == marker
    assert list(store.keys(".probe")) == []


def test_an_emptied_bucket_is_noticed(bucket):
    with pytest.raises(PersonNeeded) as caught:
        open_binder(open_store(replace(bucket, prefix=f"{bucket.prefix}/elsewhere")), expected=True)
    assert caught.value.reason == "BinderReplaced"


def test_what_is_done_leaves_the_inbox(binder, document):
    new = [document(f"item-{n}", b"%d" % n) for n in range(3)]
    for each in new:
        binder.commit(each)
    binder.mark_done(new[1].id)
    binder.mark_done(new[1].id)
    assert {entry.record.id for entry in binder.inbox()} == {new[0].id, new[2].id}
    assert binder.record(new[1].id[:10]).id == new[1].id


def test_attempts_and_reports_are_kept(binder):
    assert [binder.begin_attempt("0" * 32) for _ in range(3)] == [0, 1, 2]
    binder.end_attempt("0" * 32)
    assert binder.begin_attempt("0" * 32) == 0
    for hour in (1, 2):
        report = {"id": f"run-{hour}", "startedAt": f"2026-11-24T0{hour}:00:00Z"}
        binder.save_report("acme", "acme-onedrive", report)
    assert [report["id"] for report in binder.reports("acme")] == ["run-2", "run-1"]
