"""What Prometheus reads: the channels in numbers, the runs counted once, and nothing of a channel that is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bannette.controller.figures import channel_figures
from bannette.controller.metrics import Metrics
from bannette.controller.names import BINDER, RECIPIENT, Key, Kind, resource_of
from bannette.controller.store import Store
from bannette.resources import HistoryEntry, RunResult, Trigger

ACME = Key("acme", "onedrive")
BEGAN = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)


def entry(number: int = 1, **changes: Any) -> HistoryEntry:
    members: dict[str, Any] = {
        "id": f"run-{number}",
        "trigger": Trigger.SCHEDULED,
        "request": None,
        "job": "j",
        "started_at": BEGAN,
        "completed_at": BEGAN + timedelta(seconds=42),
        "result": RunResult.SUCCEEDED,
        "reason": "Collected",
        "message": "",
        "collected": 3,
        "duplicates": 1,
        "bytes": 1000,
        "pages": 7,
        "requests": 5,
        "throttled": 2,
    }
    return HistoryEntry(**(members | changes))


def body(name: str = "onedrive", **status: object) -> dict[str, Any]:
    metadata = {"namespace": "acme", "name": name, "uid": name, "resourceVersion": "1"}
    return {
        "metadata": metadata | {"creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": {"recipient": {"name": "marie"}, "destination": {"binder": "purchases"}},
        "status": status,
    }


def series(metrics: Metrics) -> dict[str, float]:
    """Every sample, by its name and labels as they are written."""
    found = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


def of_channel(name: str, **labels: str) -> str:
    said = {"namespace": "acme", "channel": "onedrive", **labels}
    return f"bannette_{name}{{{','.join(f'{key}={value}' for key, value in sorted(said.items()))}}}"


def test_a_channel_is_told_in_numbers() -> None:
    store = Store()
    metrics = Metrics(store)
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Connected", "status": "False"}]
    status = {
        "conditions": conditions,
        "schedule": {"cron": "30 5 * * *", "timeZone": "UTC", "nextRunTime": "2026-11-25T05:30:00Z"},
        "checkpoint": {"seenItems": 1240, "deferredItems": 1, "rejectedItems": 2},
        "lastRun": entry(2, result=RunResult.FAILED, completed_at=BEGAN + timedelta(days=1)).to_dict(),
        "history": [entry(1).to_dict()],
    }
    store.put_channel(body(**status))
    told = series(metrics)
    assert told[of_channel("channel_condition", type="Ready")] == 1
    assert told[of_channel("channel_condition", type="Connected")] == 0
    assert (
        told[of_channel("channel_next_run_timestamp_seconds")] == datetime(2026, 11, 25, 5, 30, tzinfo=UTC).timestamp()
    )
    assert told[of_channel("channel_last_success_timestamp_seconds")] == BEGAN.timestamp() + 42
    assert told[of_channel("channel_last_run_timestamp_seconds")] == BEGAN.timestamp() + 86400
    assert told[of_channel("channel_last_run_failed")] == 1
    assert told[of_channel("channel_seen_items")] == 1240
    assert told[of_channel("channel_deferred_items")] == 1
    assert told[of_channel("channel_rejected_items")] == 2
    assert told[of_channel("channel_suspended")] == 0
    assert told[of_channel("channel_created_timestamp_seconds")] == datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def test_what_never_was_has_no_series() -> None:
    store = Store()
    metrics = Metrics(store)
    store.put_channel(body())
    told = series(metrics)
    for name in ("last_run", "last_success", "next_run"):
        assert of_channel(f"channel_{name}_timestamp_seconds") not in told


def failures(days: int) -> list[dict[str, object]]:
    """A history of runs that failed, the last one on the day that BEGAN names."""
    return [
        entry(
            day,
            result=RunResult.FAILED,
            started_at=BEGAN - timedelta(days=day),
            completed_at=BEGAN - timedelta(days=day) + timedelta(seconds=42),
        ).to_dict()
        for day in range(days)
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"checkpoint": {"committedAt": "2026-11-20T05:30:00Z"}}, "2026-11-20T05:30:00Z"),
        ({"lastRun": {"result": "Failed", "completedAt": "2026-11-24T05:30:00Z"}}, None),
        ({"lastRun": {"result": "PartiallySucceeded", "completedAt": "2026-11-24T05:30:00Z"}}, "2026-11-24T05:30:00Z"),
        (
            {
                "history": [
                    {"result": "Skipped", "completedAt": "2026-11-24T05:30:00Z"},
                    {"result": "Succeeded", "completedAt": "2026-11-23T05:30:00Z"},
                ],
                "checkpoint": {"committedAt": "2026-11-20T05:30:00Z"},
            },
            "2026-11-23T05:30:00Z",
        ),
        # What failed runs commit is none.
        ({"history": failures(9), "checkpoint": {"committedAt": "2026-11-24T05:30:01Z"}}, None),
        (
            {"history": failures(9), "checkpoint": {"committedAt": "2026-11-10T05:30:00Z"}},
            "2026-11-10T05:30:00Z",
        ),
        # It was before all that are remembered.
        (
            {"history": failures(10), "checkpoint": {"committedAt": "2026-11-24T05:30:01Z"}},
            "2026-11-15T05:30:00Z",
        ),
    ],
)
def test_the_last_success_is_found_though_the_history_has_lost_it(status: dict[str, Any], expected: str | None) -> None:
    seconds = datetime.fromisoformat(expected).timestamp() if expected else None
    assert channel_figures(body(**status)).last_success == seconds


def test_a_time_that_makes_no_sense_is_no_time() -> None:
    assert channel_figures(body(lastRun={"completedAt": "yesterday"})).last_run is None


def test_runs_are_counted_with_what_they_did() -> None:
    metrics = Metrics(Store())
    for number in (1, 2):
        metrics.run_ended(ACME, entry(number))
    metrics.run_ended(ACME, entry(3, result=RunResult.FAILED, trigger=Trigger.MANUAL, collected=0, pages=0))
    told = series(metrics)
    assert told[of_channel("runs_total", trigger="Scheduled", result="Succeeded")] == 2
    assert told[of_channel("runs_total", trigger="Manual", result="Failed")] == 1
    assert told[of_channel("run_documents_total")] == 6
    assert told[of_channel("run_pages_total")] == 14
    assert told[of_channel("run_duplicates_total")] == 3
    assert told[of_channel("run_bytes_total")] == 3000
    assert told[of_channel("run_graph_requests_total")] == 15
    assert told[of_channel("run_graph_throttles_total")] == 6
    assert told["bannette_run_duration_seconds_bucket{le=60.0,trigger=Scheduled}"] == 2
    assert told["bannette_run_duration_seconds_bucket{le=30.0,trigger=Scheduled}"] == 0


def test_no_series_says_since_when_another_counts() -> None:
    metrics = Metrics(Store())
    metrics.run_ended(ACME, entry())
    metrics.api_requests.labels("GET", "jobs", "200").inc()
    told = series(metrics)
    assert "bannette_run_duration_seconds_count{trigger=Scheduled}" in told
    assert not [name for name in told if "_created{" in name]


def test_the_series_of_a_channel_go_with_it() -> None:
    store = Store()
    metrics = Metrics(store)
    store.put_channel(body())
    metrics.run_ended(ACME, entry())
    assert any("channel=onedrive" in name for name in series(metrics))
    store.remove_channel(ACME, "onedrive")
    metrics.forget(ACME)
    assert not [name for name in series(metrics) if "channel=onedrive" in name]


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/apis/batch/v1/namespaces/acme/jobs/a", "jobs"),
        ("/apis/batch/v1/jobs", "jobs"),
        ("/apis/bannette.io/v1alpha1/namespaces/acme/collectionchannels/a/status", "collectionchannels/status"),
        ("/api/v1/namespaces/acme/secrets", "secrets"),
        ("/api/v1/namespaces/acme", "namespaces"),
        ("/api/v1/namespaces", "namespaces"),
        ("/", "other"),
    ],
)
def test_a_request_is_counted_under_what_it_is_about(path: str, resource: str) -> None:
    assert resource_of(path) == resource


@pytest.mark.parametrize(
    ("kind", "about", "type_"), [(BINDER, "binder", "EventsDelivered"), (RECIPIENT, "recipient", "Notified")]
)
def test_who_is_to_be_told_says_so_for_as_long_as_it_exists(kind: Kind, about: str, type_: str) -> None:
    metrics = Metrics(Store())
    labels = ",".join(sorted([f"{about}=one", "namespace=acme", f"type={type_}"]))
    name = f"bannette_{about}_condition{{{labels}}}"
    metadata = {"namespace": "acme", "name": "one"}

    def seen(change: str | None, **status: object) -> float | None:
        metrics.reference_seen(kind, change, {"metadata": metadata, "spec": {}, "status": status})
        return series(metrics).get(name)

    condition = {"type": type_, "reason": "Delivered"}
    assert seen(None, documents=1) is None
    assert seen("MODIFIED", conditions=[condition | {"status": "True"}]) == 1
    assert seen("MODIFIED", conditions=[condition | {"status": "False"}]) == 0
    assert seen("MODIFIED", conditions=[]) is None
    assert seen("MODIFIED", conditions=[condition | {"status": "False"}]) == 0
    assert seen("DELETED", conditions=[condition | {"status": "False"}]) is None
