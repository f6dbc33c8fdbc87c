"""Whoever fails goes on to ask, however often it failed and whatever the server says of the time."""

from __future__ import annotations

import threading

import pytest

from bannette.kube import ClusterApi, follow, pause_after
from tests.kube.conftest import Answer, ScriptedServer


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (7, 32.0), (8, 60.0), (5000, 60.0)])
def test_pauses_grow_to_the_longest(failures: int, seconds: float) -> None:
    assert pause_after(failures, first=0.5, longest=60.0) == seconds


class Hurried(threading.Event):
    """Is set after so many waits, and notes for how long it was to be waited."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        if len(self.waited) == self._waits:
            self.set()
        return self.is_set()


def follow_in_vain(url: str, waits: int) -> list[float]:
    """Follow at *url* until so many waits are over; return how long they would have been."""
    hurried = Hurried(waits)
    assert list(follow(ClusterApi(url, namespace="acme", attempts=1), "recipients", stopped=hurried)) == []
    return hurried.waited


def test_an_api_server_that_is_away_for_days_is_looked_for_every_minute() -> None:
    # Nobody listens there.
    waited = follow_in_vain("http://127.0.0.1:9", 1100)
    assert len(waited) == 1100
    assert 30.0 <= waited[-1] <= 60.0


@pytest.mark.parametrize("asked", ["86400", "9" * 400])
def test_an_api_server_that_asks_for_a_day_is_asked_again_in_a_minute(server: ScriptedServer, asked: str) -> None:
    server.answers = [Answer(503, headers={"Retry-After": asked})]
    assert follow_in_vain(server.url, 3) == [60.0] * 3
