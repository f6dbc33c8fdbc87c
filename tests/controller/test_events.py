from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bannette.controller.events import Announcement, event, run_ended
from bannette.controller.names import Key
from bannette.resources import HistoryEntry, RunResult, Trigger
from tests.controller.scene import NOW, UID


def test_names_are_in_the_order_of_time_since_describe_shows_events_by_name() -> None:
    moments = [NOW + timedelta(microseconds=step) for step in (0, 1, 15, 16, 10**6, 10**12)]
    said = [event(Key("acme", "x"), UID, Announcement("RunRequested", "…"), instance="i", now=one) for one in moments]
    names = [one["metadata"]["name"] for one in said]
    assert names == sorted(names)
    assert all(re.fullmatch(r"x\.[0-9a-f]{18}", name) for name in names)


def test_a_note_is_cut_to_so_many_bytes() -> None:
    note = event(Key("acme", "x"), UID, Announcement("RunFailed", "é\N{GRINNING FACE}" * 512), instance="i", now=NOW)[
        "note"
    ]
    assert isinstance(note, str)
    assert 1018 <= len(note.encode()) <= 1024
    assert note.endswith("\N{GRINNING FACE}…") or note.endswith("é…")


@pytest.mark.parametrize(
    ("changes", "kind", "note"),
    [
        (
            {"collected": 6, "reason": "Collected", "message": "6 collected, 1 repeated what the binder has."},
            "Normal",
            "Manual run: 6 collected, 1 repeated what the binder has.",
        ),
        (
            {"result": RunResult.FAILED, "reason": "FolderNotFound", "message": "There is no folder /Factures."},
            "Warning",
            "Manual run, FolderNotFound: There is no folder /Factures.",
        ),
        (
            {"result": RunResult.FAILED, "reason": "Throttled", "message": "Wait.", "collected": 12},
            "Warning",
            "Manual run, Throttled, 12 collected before: Wait.",
        ),
    ],
)
def test_the_end_of_a_run_is_told_once_and_of_a_failure_the_reason(
    changes: dict[str, Any], kind: str, note: str
) -> None:
    entry = HistoryEntry(
        id="run-1",
        trigger=Trigger.MANUAL,
        request=None,
        job="j",
        started_at=NOW,
        completed_at=NOW,
        **{"result": RunResult.SUCCEEDED, **changes},
    )
    told = run_ended(entry)
    assert (told.type, told.note) == (kind, note)
