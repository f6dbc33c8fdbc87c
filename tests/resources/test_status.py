"""The status model: what is written is read back, the history keeps its order, conditions their dates."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bannette.resources import (
    ChannelStatus,
    Condition,
    ConditionStatus,
    HistoryEntry,
    InvalidResource,
    drop_condition,
    format_time,
    parse_time,
    set_condition,
    upsert_history,
)
from tests.resources.test_crds import AT, ENTRY, FULL_STATUS

LATER = AT + timedelta(hours=1)
READY = Condition("Ready", ConditionStatus.TRUE, "Scheduled", "Collects daily.")


def entry(run: str, *, hours: int = 0, message: str = "") -> HistoryEntry:
    return replace(ENTRY, id=run, started_at=AT + timedelta(hours=hours), message=message)


def test_a_status_is_read_as_it_was_written() -> None:
    assert ChannelStatus.parse(json.loads(json.dumps(FULL_STATUS.to_dict()))) == FULL_STATUS


def test_an_empty_status_is_written_as_nothing() -> None:
    assert ChannelStatus().to_dict() == {}
    assert ChannelStatus.parse({}) == ChannelStatus()


def test_an_entry_has_the_names_that_the_resource_has() -> None:
    assert ENTRY.to_dict() == {
        "id": "7d0f",
        "trigger": "Manual",
        "request": "now",
        "job": "acme-onedrive-r-1",
        "generation": 3,
        "startedAt": "2026-11-24T05:30:00Z",
        "completedAt": "2026-11-24T05:30:00Z",
        "result": "Succeeded",
        "reason": "Collected",
        "message": "12 documents were collected.",
        "collected": 12,
        "alreadySeen": 3,
        "duplicates": 1,
        "deferred": 1,
        "rejected": 2,
        "bytes": 12345,
        "pages": 31,
        "requests": 4,
        "throttled": 1,
    }


def test_an_entry_without_request_job_and_generation_leaves_them_out() -> None:
    bare = replace(ENTRY, request=None, job=None, generation=None)
    assert not {"request", "job", "generation"} & bare.to_dict().keys()
    assert HistoryEntry.parse(bare.to_dict()) == bare


def test_a_long_message_is_cut() -> None:
    assert replace(ENTRY, message="é" * 513).message == "é" * 511 + "…"
    assert replace(ENTRY, message="é" * 512).message == "é" * 512
    assert len(replace(READY, message="x" * 2000).message) == 512


def test_the_largest_entry_fits_into_a_termination_message() -> None:
    largest = replace(
        ENTRY, id="x" * 36, request="é" * 128, job="j" * 63, reason="R" * 64, message="é" * 600, bytes=10**15
    )
    assert len(json.dumps(largest.to_dict(), ensure_ascii=False).encode()) < 4096


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("startedAt", "yesterday", "must be a time such as"),
        ("startedAt", "2026-11-24T05:30:00", "must be a time such as"),
        ("result", "Good", "must be one of Succeeded, PartiallySucceeded, Failed, Skipped"),
        ("collected", -1, "must be at least 0"),
        ("collected", "12", "must be a whole number, not text"),
        ("id", None, "is missing"),
    ],
)
def test_what_is_no_entry_is_refused(field: str, value: object, says: str) -> None:
    with pytest.raises(InvalidResource, match=says) as refusal:
        HistoryEntry.parse({**ENTRY.to_dict(), field: value})
    assert refusal.value.path == field


def test_what_is_wrong_within_a_status_is_named() -> None:
    written: dict[str, Any] = FULL_STATUS.to_dict()
    written["history"][0]["pages"] = 1.5
    with pytest.raises(InvalidResource) as refusal:
        ChannelStatus.parse(written)
    assert refusal.value.path == "history[0].pages"


def test_what_can_be_read_of_a_status_is_kept_and_the_rest_is_lost() -> None:
    written: dict[str, Any] = FULL_STATUS.to_dict()
    written["history"].append({**ENTRY.to_dict(), "completedAt": "0001-01-01T00:00:00+01:00"})
    written["activeRun"] |= {"job": "../../secrets/x"}
    assert ChannelStatus.salvage(written) == replace(FULL_STATUS, active_run=None)


def test_a_history_is_what_of_it_can_be_read_and_says_at_once_which_runs_it_tells_of() -> None:
    written = {"history": [entry("second").to_dict(), {"id": "odd"}, "odd", entry("first").to_dict()]}
    status = ChannelStatus.salvage(written | {"lastRun": entry("third").to_dict()})
    assert status.runs == {"first", "second", "third", "odd"}
    assert status.history == (entry("second"), entry("first"))
    assert (status.history[:1], len(status.history)) == ((entry("second"),), 2)
    assert ChannelStatus.salvage({"history": "odd"}) == ChannelStatus()


def test_a_new_entry_comes_first() -> None:
    history = upsert_history((entry("a"),), entry("b", hours=24), limit=10)
    assert [one.id for one in history] == ["b", "a"]


def test_an_entry_replaces_the_one_with_its_id() -> None:
    history = (entry("b", hours=24), entry("a"))
    assert upsert_history(history, entry("a", message="again"), limit=10) == (history[0], entry("a", message="again"))


def test_an_entry_that_comes_late_takes_its_place() -> None:
    history = upsert_history((entry("c", hours=48), entry("a")), entry("b", hours=24), limit=10)
    assert [one.id for one in history] == ["c", "b", "a"]


def test_the_oldest_entries_go() -> None:
    history: tuple[HistoryEntry, ...] = ()
    for number in range(5):
        history = upsert_history(history, entry(str(number), hours=number), limit=3)
    assert [one.id for one in history] == ["4", "3", "2"]


def test_a_smaller_limit_shortens_the_history() -> None:
    history = tuple(entry(str(number), hours=-number) for number in range(10))
    assert len(upsert_history(history, entry("new", hours=1), limit=2)) == 2


def test_a_new_condition_is_dated() -> None:
    assert set_condition((), READY, AT) == (replace(READY, last_transition_time=AT),)


def test_a_condition_that_says_the_same_keeps_its_date() -> None:
    before = set_condition((), READY, AT)
    (after,) = set_condition(before, replace(READY, message="Collects daily, next at 05:30."), LATER)
    assert (after.message, after.last_transition_time) == ("Collects daily, next at 05:30.", AT)


def test_a_condition_that_changes_is_dated_anew_in_its_place() -> None:
    connected = Condition("Connected", ConditionStatus.TRUE, "SignedIn")
    before = set_condition(set_condition((), READY, AT), connected, AT)
    after = set_condition(before, replace(READY, status=ConditionStatus.FALSE, reason="BinderNotFound"), LATER)
    assert [(one.type, one.status, one.last_transition_time) for one in after] == [
        ("Ready", "False", LATER),
        ("Connected", "True", AT),
    ]


def test_a_condition_can_be_dropped_and_found() -> None:
    conditions = set_condition(set_condition((), READY, AT), replace(READY, type="Stalled"), AT)
    assert [one.type for one in drop_condition(conditions, "Stalled")] == ["Ready"]
    status = ChannelStatus(conditions=conditions)
    stalled = status.condition("Stalled")
    assert stalled is not None
    assert stalled.status == "True"
    assert status.condition("Connected") is None


def test_times_are_written_in_utc_to_the_second() -> None:
    paris = datetime(2026, 11, 24, 6, 30, 15, 999, tzinfo=timezone(timedelta(hours=1)))
    assert format_time(paris) == "2026-11-24T05:30:15Z"
    assert parse_time("2026-11-24T06:30:15+01:00") == datetime(2026, 11, 24, 5, 30, 15, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime(2026, 11, 24))  # noqa: DTZ001
