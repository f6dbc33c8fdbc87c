"""How long a run took, as people say it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bannette.console.histories import took
from bannette.resources import HistoryEntry, RunResult, Trigger

BEGAN = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "< 1 s"),
        (0, "< 1 s"),
        (1, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3569, "59 min"),
        (3570, "1 h 00 min"),
        (20_400, "5 h 40 min"),
    ],
)
def test_a_run_took_as_long_as_people_would_say(seconds: int, words: str) -> None:
    entry = HistoryEntry(
        id="run-1",
        trigger=Trigger.SCHEDULED,
        request=None,
        job="j",
        started_at=BEGAN,
        completed_at=BEGAN + timedelta(seconds=seconds),
        result=RunResult.SUCCEEDED,
        reason="Collected",
        message="",
    )
    assert took(entry) == words
