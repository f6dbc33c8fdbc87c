from __future__ import annotations

import re
from datetime import timedelta

from bannette.controller.events import Announcement, event
from bannette.controller.names import Key
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
