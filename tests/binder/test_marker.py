"""A binder is used only by the Binder resource that it belongs to."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from binder_documents import UID, files_below, open_binder
from obstore.store import MemoryStore

from bannette.binder import Binder
from bannette.binder.folder_store import FolderStore
from bannette.binder.object_store import ObjectStore
from bannette.errors import PersonNeeded


def open_as(store, uid):
    return Binder.open(store, uid=uid, namespace="acme", company="ACME", expected=False)


def test_the_first_use_marks_the_binder_and_leaves_nothing_else(store, folder):
    open_binder(store)
    assert json.loads((folder / "binder.json").read_bytes()) == {
        "format": "bannette.io/binder/v1",
        "uid": UID,
        "namespace": "acme",
        "company": "ACME",
    }
    assert files_below(folder) == {"binder.json"}


def test_later_uses_write_nothing(store, folder):
    open_binder(store)
    before = (folder / "binder.json").stat()
    open_binder(store, expected=True)
    assert (folder / "binder.json").stat() == before


def test_another_ones_binder_is_refused_with_the_annotation_to_write(store, folder):
    open_as(store, "other-uid")
    before = (folder / "binder.json").read_bytes()
    with pytest.raises(PersonNeeded, match=r"bannette\.io/adopt=other-uid\b") as caught:
        open_binder(store)
    assert caught.value.reason == "BinderReplaced"
    assert (folder / "binder.json").read_bytes() == before


def test_an_adopted_binder_is_ours_from_then_on(store):
    open_as(store, "other-uid")
    open_binder(store, adopt="other-uid")
    open_binder(store)
    with pytest.raises(PersonNeeded):
        open_as(store, "other-uid")


def test_a_wrong_adoption_is_refused(store):
    open_as(store, "other-uid")
    with pytest.raises(PersonNeeded):
        open_binder(store, adopt="third-uid")


def test_a_binder_that_lost_its_marker_is_refused_if_the_channel_knows_it(store, folder):
    with pytest.raises(PersonNeeded, match=rf"bannette\.io/adopt={UID}\b") as caught:
        open_binder(store, expected=True)
    assert caught.value.reason == "BinderReplaced"
    assert files_below(folder) == set()
    open_binder(store, expected=True, adopt=UID)
    assert files_below(folder) == {"binder.json"}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"format": "bannette.io/binder/v9"}'], ids=["empty", "list", "later format"]
)
def test_a_marker_that_is_not_understood_needs_a_person(store, content):
    store.put("binder.json", content)
    with pytest.raises(PersonNeeded) as caught:
        open_binder(store)
    assert caught.value.reason == "BinderUnreadable"


def test_of_two_that_mark_at_the_same_time_one_gets_the_binder(folder):
    def one(store, uid):
        try:
            open_as(store, uid)
        except PersonNeeded as error:
            return error.reason
        return uid

    for turn in range(20):
        store = FolderStore(folder / str(turn))
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(lambda uid, store=store: one(store, uid), ["a", "b"]))
        assert sorted(results) in (["BinderReplaced", "a"], ["BinderReplaced", "b"])


def test_a_store_that_ignores_put_if_absent_is_refused():
    class ForgetfulStore(ObjectStore):
        """As S3 gateways that don't know If-None-Match."""

        def put_new(self, key, data):
            self.put(key, data)

    store = ForgetfulStore(MemoryStore())
    with pytest.raises(PersonNeeded) as caught:
        open_binder(store)
    assert caught.value.reason == "NoConditionalPut"
    assert list(store.list("")) == []


def test_an_existing_binder_is_opened_for_looking_whoevers_it_is(store):
    with pytest.raises(PersonNeeded) as caught:
        Binder.existing(store)
    assert caught.value.reason == "BinderNotFound"
    open_as(store, "other-uid")
    assert Binder.existing(store).company == "ACME"
