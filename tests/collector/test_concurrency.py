"""As many downloads at once as help, and fewer when Microsoft asks to slow down."""

from __future__ import annotations

import threading

import pytest

from bannette.collector.concurrency import FEWEST, MOST, Concurrency, Pace, next_pace
from bannette.collector.handover import Halt


def after(pace, windows, rate_at, *, throttled=lambda limit: False):
    """Return the limits of so many windows on a network where *rate_at(limit)* bytes a second come in."""
    limits = []
    for _ in range(windows):
        pace = next_pace(pace, rate=rate_at(pace.limit), throttled=throttled(pace.limit))
        limits.append(pace.limit)
    return limits


def test_on_a_slow_connection_each_download_more_helps_up_to_the_most():
    assert after(Pace(), 4, lambda limit: limit * 1e6) == [8, 16, 16, 16]


def test_what_does_not_help_is_taken_back_and_tried_again_later():
    limits = after(Pace(), 30, lambda limit: min(limit, 4) * 1e6)
    assert limits[:2] == [8, 4]
    assert limits.count(4) > 20
    assert 8 in limits[5:]


def test_a_rate_that_falls_with_more_downloads_brings_them_back():
    assert after(Pace(), 2, lambda limit: 8e6 / limit) == [8, 4]


def test_throttled_it_halves_down_to_one():
    assert after(Pace(limit=16, best=16), 6, lambda limit: 1e6, throttled=lambda limit: True) == [8, 4, 2, 1, 1, 1]


def test_after_throttling_it_waits_before_it_tries_more():
    pace = next_pace(Pace(limit=8, best=8, rate=1e6), rate=1e6, throttled=True)
    assert after(pace, 4, lambda limit: limit * 1e6) == [4, 4, 4, 8]


@pytest.mark.parametrize("capacity", [1, 3, 5, 16, 100])
@pytest.mark.parametrize("refused", [False, True])
def test_it_stays_within_its_bounds_and_settles(capacity, refused):
    limits = after(
        Pace(), 200, lambda limit: min(limit, capacity) * 1e6, throttled=lambda limit: refused and limit > capacity
    )
    assert all(FEWEST <= limit <= MOST for limit in limits)
    if not refused:
        assert sorted(limits)[len(limits) // 2] >= min(capacity, 4)


class HandClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_threads_above_the_limit_wait_until_it_rises_and_leave_at_the_end():
    clock, halt = HandClock(), Halt()
    gate = Concurrency(halt, throttled=lambda: 0, clock=clock)
    let_in = threading.Event()
    waiting = threading.Thread(target=lambda: (gate.wait(6), let_in.set()))
    waiting.start()
    gate.wait(3)
    assert not let_in.is_set()
    clock.now = 2.0
    for _ in range(8):
        gate.done(1000)
    assert let_in.wait(60)
    assert gate.limit == 8
    waiting.join()
    last = threading.Thread(target=gate.wait, args=(15,))
    last.start()
    gate.over()
    last.join(60)
    assert not last.is_alive()


def test_a_throttled_answer_counts_at_once():
    asked = [0]
    gate = Concurrency(Halt(), throttled=lambda: asked[0], clock=HandClock())
    gate.done(1)
    asked[0] = 3
    gate.done(1)
    assert gate.limit == 2
    gate.done(1)
    assert gate.limit == 2
