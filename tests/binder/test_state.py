"""What a run leaves to the next: the state by revisions, and its report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from binder_documents import DAY, open_binder

from bannette.binder import PendingItem, State, StateAdvanced
from bannette.binder.folder_store import FolderStore
from bannette.binder.store_errors import AlreadyExists

CHANNEL = "7a3f2f0e-7a0e-5a55-8f5d-6f6ad1a4a001"
STATE = State(
    revision=1,
    position={"cursor": "https://graph/delta?token=x", "folders": {"a": None, "b": "a"}},
    committed_at=DAY,
    deferred=(PendingItem(item_id="i", etag='"1"', reason="Locked", since=DAY),),
    rejected=(PendingItem(item_id="j", etag=None, reason="Malware", since=DAY, modified_at=DAY),),
    last_automatic_day="2026-11-24",
    seen_items=12,
)


def test_a_channel_without_a_state_has_none(binder):
    assert binder.load_state(CHANNEL) is None


def test_a_state_is_read_back_equal(binder):
    binder.save_state(CHANNEL, STATE)
    assert binder.load_state(CHANNEL) == STATE


def test_only_the_last_three_revisions_are_kept_and_the_highest_counts(binder, folder):
    for revision in range(1, 13):
        binder.save_state(CHANNEL, replace(STATE, revision=revision))
    assert binder.load_state(CHANNEL).revision == 12
    assert sorted(path.name for path in folder.glob(f"state/{CHANNEL}/*")) == ["10.json", "11.json", "12.json"]


def test_a_revision_is_saved_once(binder):
    binder.save_state(CHANNEL, STATE)
    with pytest.raises(StateAdvanced):
        binder.save_state(CHANNEL, replace(STATE, seen_items=13))
    assert binder.load_state(CHANNEL) == STATE


class Pruning(FolderStore):
    """Meanwhile others save so many states that the one that was in the way is removed."""

    def put_new_durable(self, key, data):
        try:
            super().put_new_durable(key, data)
        except AlreadyExists:
            self.delete(key)
            raise


def test_a_state_that_stood_in_the_way_and_was_removed_since_is_another_runs(folder):
    binder = open_binder(Pruning(folder))
    binder.save_state(CHANNEL, STATE)
    with pytest.raises(StateAdvanced):
        binder.save_state(CHANNEL, replace(STATE, seen_items=13))


def test_of_racing_runs_one_advances_the_state(binder):
    def save(run, revision):
        try:
            binder.save_state(CHANNEL, replace(STATE, revision=revision, seen_items=run))
        except StateAdvanced:
            return None
        return run

    for revision in range(1, 11):
        with ThreadPoolExecutor(4) as pool:
            winners = [run for run in pool.map(save, range(4), [revision] * 4) if run is not None]
        assert len(winners) == 1
        assert binder.load_state(CHANNEL).seen_items == winners[0]


def test_a_damaged_state_falls_back_to_an_older_one_and_is_passed(binder, store):
    for revision in (1, 2):
        binder.save_state(CHANNEL, replace(STATE, revision=revision))
    store.put(f"state/{CHANNEL}/2.json", b"")
    loaded = binder.load_state(CHANNEL)
    assert loaded == replace(STATE, revision=2)
    binder.save_state(CHANNEL, replace(loaded, revision=3))


def test_without_any_readable_state_the_walk_starts_over(binder, store):
    binder.save_state(CHANNEL, STATE)
    store.put(f"state/{CHANNEL}/1.json", b"{}")
    loaded = binder.load_state(CHANNEL)
    assert (loaded.revision, loaded.position, loaded.deferred) == (1, None, ())


def test_channels_have_states_of_their_own(binder):
    binder.save_state("a", STATE)
    assert binder.load_state("b") is None


@pytest.mark.parametrize("uid", ["", "..", "a/b", "../x"])
def test_a_uid_that_is_not_one_never_becomes_a_path(binder, uid):
    with pytest.raises(ValueError, match="part of a key"):
        binder.load_state(uid)


def report(run, started):
    return {"id": run, "startedAt": started, "result": "Succeeded", "message": "été"}


def test_run_reports_come_newest_first_by_channel_by_namespace_or_all(binder):
    binder.save_report("acme", "one", report("run-1", "2026-11-24T05:30:00Z"))
    binder.save_report("acme", "one", report("run-2", "2026-11-25T05:30:00+01:00"))
    binder.save_report("acme", "two", report("run-3", "2026-11-24T06:30:00Z"))
    binder.save_report("beta", "one", report("run-4", "2026-11-23T05:30:00Z"))
    assert [each["id"] for each in binder.reports()] == ["run-2", "run-3", "run-1", "run-4"]
    assert [each["id"] for each in binder.reports("acme")] == ["run-2", "run-3", "run-1"]
    assert [each["id"] for each in binder.reports("acme", "one")] == ["run-2", "run-1"]
    assert list(binder.reports("acme", "three")) == []


def test_a_later_report_of_the_same_run_replaces_the_earlier(binder, folder):
    binder.save_report("acme", "one", report("run-1", "2026-11-24T05:30:00Z"))
    binder.save_report("acme", "one", report("run-1", "2026-11-24T05:30:00Z") | {"result": "Failed"})
    assert [each["result"] for each in binder.reports()] == ["Failed"]
    assert (folder / "runs/acme/one/20261124T053000Z-run-1.json").exists()
