"""Collecting a document: what lies in the binder afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from binder_documents import DAY, CuttingStore, PowerCut, document_id, files_below, open_binder
from obstore.store import MemoryStore

from bannette.binder import CommitOutcome, OnDuplicate, Record
from bannette.binder.object_store import ObjectStore
from bannette.errors import ItemDeferred

KEYS_OF_A_RECORD = [
    *("schema", "id", "drive", "item", "name", "folder", "size", "sha256", "verified", "mediaType", "modifiedAt"),
    *("collectedAt", "channel", "run", "recipient", "company", "binder", "files", "ocr"),
    *("invoice", "duplicateOf", "parent"),
]


def test_a_document_lies_where_the_layout_says(binder, folder, document):
    new = document(derived={"pdf": b"%PDF", "text": b"Facture 42", "factur-x": b"<xml/>"})
    committed = binder.commit(new)
    place = f"documents/{new.id[:2]}/{new.id}/{new.sha256[:16]}"
    assert committed.outcome is CommitOutcome.COLLECTED
    assert files_below(folder) == {
        "binder.json",
        f"{place}/original.pdf",
        f"{place}/document.pdf",
        f"{place}/document.txt",
        f"{place}/factur-x.xml",
        f"contents/{new.sha256[:2]}/{new.sha256}",
        f"inbox/20261124-{new.id}.json",
        f"records/{new.id[:2]}/{new.id}.json",
    }
    assert (folder / place / "original.pdf").read_bytes() == new.files["original"].read_bytes()
    assert (folder / f"contents/{new.sha256[:2]}/{new.sha256}").read_text() == new.id


def test_a_record_has_the_documented_members_and_is_read_back_equal(binder, folder, document):
    record = binder.commit(document(parent=document_id("mail"))).record
    written = (folder / record.key).read_bytes()
    assert list(json.loads(written)) == KEYS_OF_A_RECORD
    assert Record.parse(written) == record == binder.record(record.id)
    assert json.loads(written)["ocr"] | {"outcome": "Text", "languages": ["fra", "eng"]} == json.loads(written)["ocr"]


def test_the_type_never_comes_from_the_name_and_the_name_is_in_no_key(binder, folder, document):
    binder.commit(document(name="../../etc/passwd", extension="../sh"))
    assert not [key for key in files_below(folder) if "passwd" in key or ".." in key or key.endswith(".sh")]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Renamed.pdf"},
        {"folder": "/Elsewhere"},
        {"run": "run-2", "collected_at": DAY + timedelta(days=1)},
    ],
    ids=["renamed", "moved", "next day"],
)
def test_a_collected_document_is_already_seen(binder, document, changes):
    first = binder.commit(document()).record
    again = binder.commit(document(**changes))
    assert (again.outcome, again.record) == (CommitOutcome.ALREADY_SEEN, first)


def test_a_collected_document_that_was_edited_is_already_seen_and_writes_nothing(binder, folder, document):
    binder.commit(document())
    before = files_below(folder)
    assert binder.commit(document(content=b"edited")).outcome is CommitOutcome.ALREADY_SEEN
    assert files_below(folder) == before


def test_the_same_bytes_under_another_item_are_withheld_and_recorded(binder, folder, document):
    first = binder.commit(document("item-1")).record
    before = files_below(folder)
    second = binder.commit(document("item-2"))
    assert second.outcome is CommitOutcome.DUPLICATE
    assert second.record.duplicate_of == first.id
    assert second.record.files == first.files
    assert files_below(folder) - before == {second.record.key}
    assert [entry.record.id for entry in binder.inbox()] == [first.id]


def test_the_same_bytes_are_delivered_again_if_the_binder_says_so(binder, folder, document):
    first = binder.commit(document("item-1")).record
    second = binder.commit(document("item-2"), on_duplicate=OnDuplicate.DELIVER)
    assert second.outcome is CommitOutcome.COLLECTED
    assert second.record.duplicate_of == first.id
    assert (folder / second.record.files["original"]).read_bytes() == b"%PDF-1.7 invoice"
    assert {entry.record.id for entry in binder.inbox()} == {first.id, second.record.id}


def test_a_third_copy_names_the_first(binder, document):
    first = binder.commit(document("item-1")).record
    binder.commit(document("item-2"), on_duplicate=OnDuplicate.DELIVER)
    assert binder.commit(document("item-3")).record.duplicate_of == first.id


def test_a_duplicate_can_be_known_before_it_is_recognised(binder, document):
    new = document()
    assert binder.first_with(new.sha256) is None
    assert binder.first_with(binder.commit(new).record.sha256).id == new.id


def test_bytes_of_an_item_that_was_collected_with_other_bytes_are_not_a_duplicate(binder, store, document):
    """Edited between a killed attempt, which claimed the old bytes, and the one that collected the new ones."""
    old = document("item-1", b"old")
    store.put(f"contents/{old.sha256[:2]}/{old.sha256}", old.id.encode())
    binder.commit(document("item-1", b"new"))
    assert binder.commit(document("item-2", b"old")).outcome is CommitOutcome.COLLECTED
    assert binder.commit(document("item-3", b"old")).record.duplicate_of == document_id("item-2")


def test_an_original_that_changed_since_its_download_is_deferred(binder, folder, document):
    new = document()
    new.files["original"].write_bytes(b"tampered")
    with pytest.raises(ItemDeferred) as caught:
        binder.commit(new)
    assert caught.value.reason == "OriginalChanged"
    assert not binder.has(new.id)
    assert not (folder / "inbox").exists()


def test_has_costs_one_request(binder, document, folder):
    new = document()
    binder.commit(new)
    counting = CuttingStore(folder)
    other = open_binder(counting)
    counting.arm(None)
    assert other.has(new.id)
    assert not other.has(document_id("unknown"))
    assert len(counting.steps) == 2


def test_known_ids_are_those_of_all_records(binder, document):
    ids = {binder.commit(document(f"item-{n}", b"%d" % n)).record.id for n in range(20)}
    known = binder.known_ids()
    assert len(known) == 20
    assert all(item in known for item in ids)
    assert document_id("unknown") not in known


def test_attempts_are_counted_until_they_end(binder, document):
    new = document()
    assert [binder.begin_attempt(new.id) for _ in range(3)] == [0, 1, 2]
    binder.end_attempt(new.id)
    binder.end_attempt(new.id)
    assert binder.begin_attempt(new.id) == 0


def test_a_role_that_has_no_name_of_its_own_keeps_its_kind(binder, document):
    new = document(derived={"words": b"{}"})
    path = new.files["words"].rename(new.files["words"].with_suffix(".json"))
    record = binder.commit(replace(new, files={**new.files, "words": path})).record
    assert record.files["words"].endswith("/words.json")


def test_an_object_store_is_a_binder_too(document):
    """Without folders to sync and without staging."""
    store = ObjectStore(MemoryStore())
    binder = open_binder(store)
    first = binder.commit(document("item-1", derived={"text": b"Facture"})).record
    assert binder.commit(document("item-1")).outcome is CommitOutcome.ALREADY_SEEN
    assert binder.commit(document("item-2")).outcome is CommitOutcome.DUPLICATE
    assert store.get(first.files["original"]) == b"%PDF-1.7 invoice"
    assert [entry.record for entry in binder.inbox()] == [first]
    assert len(binder.known_ids()) == 2


def test_the_record_in_the_documentation_is_one():
    page = (Path(__file__).parents[2] / "docs/record.md").read_text()
    example = page.partition("```json\n")[2].partition("```")[0]
    record = Record.parse(example.encode())
    assert record.to_dict() == json.loads(example)
    assert record.key.endswith(f"/{record.id}.json")


def test_a_delivered_duplicate_names_the_first_though_another_had_claimed_its_bytes_before(folder, document):
    """The first one to claim them was killed, and came back after the second."""
    folder.mkdir(exist_ok=True)
    store = CuttingStore(folder)
    binder = open_binder(store)
    original = store.put_new_durable

    def cut(key, data):
        raise PowerCut(key)

    store.put_new_durable = cut
    with pytest.raises(PowerCut):
        binder.commit(document("item-1"), on_duplicate="Deliver")
    store.put_new_durable = original
    first = binder.commit(document("item-2"), on_duplicate="Deliver").record
    repeats = [binder.commit(document(item), on_duplicate="Deliver").record for item in ("item-1", "item-3")]
    assert first.duplicate_of is None
    assert [record.duplicate_of for record in repeats] == [first.id, first.id]
