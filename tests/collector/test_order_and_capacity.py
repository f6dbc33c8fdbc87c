"""What a pod is told, and how much it may do at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bannette import ocr
from bannette.collector.capacity import capacity
from bannette.collector.order import order_of_pod, scheduled_minute
from bannette.collector.reporting import entry_line
from bannette.errors import PersonNeeded
from bannette.resources import HistoryEntry, RunResult, Trigger

NOW = datetime(2026, 11, 25, 7, 3, tzinfo=UTC)
POD = {"BANNETTE_RUN_ID": "uid", "BANNETTE_TRIGGER": "Scheduled", "BANNETTE_JOB_NAME": "acme-onedrive-29397930"}
GIB = 1024**3


@pytest.mark.parametrize(
    ("job", "minute"),
    [
        ("acme-onedrive-29397930", datetime(2025, 11, 23, 5, 30, tzinfo=UTC)),
        ("acme-onedrive-0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("acme-onedrive-abcde", None),
        ("acme-onedrive-99999999999999", None),
        ("acme-onedrive-", None),
        ("acme", None),
    ],
)
def test_the_scheduled_minute_stands_in_the_jobs_name(job, minute):
    assert scheduled_minute(job) == minute


def test_a_pods_order_comes_from_its_environment():
    order = order_of_pod(POD, now=NOW)
    assert (order.id, order.trigger, order.job) == ("uid", Trigger.SCHEDULED, "acme-onedrive-29397930")
    assert order.due_at == datetime(2025, 11, 23, 5, 30, tzinfo=UTC)
    assert order.started_at == NOW


def test_a_run_on_request_is_due_when_it_starts():
    order = order_of_pod({**POD, "BANNETTE_TRIGGER": "Manual", "BANNETTE_REQUEST": "now"}, now=NOW)
    assert (order.due_at, order.request, order.automatic) == (NOW, "now", False)


def test_a_process_that_is_no_pod_of_the_operator_is_told_so():
    with pytest.raises(PersonNeeded, match="-f FILE"):
        order_of_pod({}, now=NOW)


@pytest.mark.parametrize(
    ("files", "recognitions"),
    [
        ({"memory.max": "max", "cpu.max": "100000 100000"}, 1),
        ({"memory.max": str(2 * GIB), "cpu.max": "max 100000"}, 1),
        ({"memory/memory.limit_in_bytes": str(2 * GIB)}, 1),
    ],
)
def test_readings_stay_within_cores_and_memory(tmp_path, files, recognitions):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert capacity(scratch=tmp_path, limits=ocr.Limits(), cgroup=tmp_path).recognitions == recognitions


def test_a_memory_limit_below_one_reading_is_said_with_what_is_needed(tmp_path):
    (tmp_path / "memory.max").write_text(str(GIB))
    with pytest.raises(PersonNeeded, match=r"limits\.memory to 1836Mi") as caught:
        capacity(scratch=tmp_path, limits=ocr.Limits(), cgroup=tmp_path)
    assert caught.value.reason == "MemoryLimitTooLow"
    assert capacity(scratch=tmp_path, limits=ocr.Limits(), reads=False, cgroup=tmp_path).recognitions >= 1


@pytest.mark.parametrize("length", [10, 2_000])
def test_an_entry_fits_the_termination_message(length):
    entry = HistoryEntry(
        id="u" * 36,
        trigger=Trigger.MANUAL,
        request="\U0001f9fe" * length,
        job="j" * 63,
        started_at=NOW,
        completed_at=NOW,
        result=RunResult.FAILED,
        reason="R",
        message="\x07" * 512,
    )
    assert len(entry_line(entry)) <= 4096
