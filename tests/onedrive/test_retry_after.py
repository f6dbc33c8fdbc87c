from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from requests.structures import CaseInsensitiveDict

from bannette.errors import Transient
from bannette.onedrive.throttle import Pace, SystemClock, Throttle, pace_for, retry_after

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class FakeClock:
    def __init__(self):
        self.time = 100.0
        self.slept = []

    def now(self):
        return NOW

    def monotonic(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("17", 17.0),
        (" 17 ", 17.0),
        ("10000", 10000.0),
        ("9" * 5000, 7 * 86400.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after(CaseInsensitiveDict({"retry-after": value}), now=NOW) == seconds


def test_no_retry_after_is_none():
    assert retry_after({}, now=NOW) is None


@pytest.mark.parametrize(
    ("limit", "remaining", "reset", "pace"),
    [
        ("1200", "900", "30", None),
        ("1200", "241", "30", None),
        ("1200", "59", "6", Pace(0.1, 6.0)),
        ("1200", "0", "30", Pace(5.0, 30.0)),
        ("1200", "-3", "2", Pace(2.0, 2.0)),
        ("x", "1", "1", None),
        ("nan", "1", "1", None),
        ("1200", "1", "inf", None),
        ("0", "0", "1", None),
    ],
)
def test_a_budget_that_runs_low_is_spread_over_what_is_left_of_its_minute(limit, remaining, reset, pace):
    headers = {"RateLimit-Limit": limit, "RateLimit-Remaining": remaining, "RateLimit-Reset": reset}
    assert pace_for(headers) == pace


def test_everybody_waits_for_the_longest_pause():
    clock = FakeClock()
    throttle = Throttle(clock)
    throttle.pause(30)
    throttle.pause(10)
    throttle.wait()
    assert clock.slept == [30]


def leave(throttle, clock, count):
    """Return when so many requests, all ready at once, leave; in seconds from the present."""
    start, times = clock.time, []
    for _ in range(count):
        throttle.wait()
        times.append(round(clock.time - start, 3))
    return times


def test_after_a_pause_requests_leave_one_by_one_and_then_freely():
    clock = FakeClock()
    throttle = Throttle(clock)
    throttle.pause(30)
    assert leave(throttle, clock, 4) == [30, 30.1, 30.2, 30.3]
    clock.time += 2
    assert leave(throttle, clock, 3) == [0, 0, 0]


def test_a_pace_holds_for_its_time():
    clock = FakeClock()
    throttle = Throttle(clock)
    throttle.pace(Pace(0.5, 1.2))
    throttle.pace(Pace(0.1, 0.5))
    assert leave(throttle, clock, 5) == [0.5, 1, 1.5, 1.5, 1.5]
    throttle.pace(Pace(0.1, 1))
    assert leave(throttle, clock, 3) == [0.1, 0.2, 0.3]
    throttle.pace(None)


def test_threads_that_wait_for_one_pause_leave_apart():
    throttle = Throttle(SystemClock())
    throttle.pause(0.3)
    start, times = time.monotonic(), []

    def go():
        throttle.wait()
        times.append(time.monotonic() - start)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert min(times) >= 0.3
    assert max(times) - min(times) >= 0.6


def test_nobody_waits_beyond_the_deadline():
    clock = FakeClock()
    throttle = Throttle(clock, deadline=150.0)
    throttle.pause(49)
    throttle.wait()
    throttle.pause(7200)
    with pytest.raises(Transient) as caught:
        throttle.wait()
    assert caught.value.retry_after == 7200
    assert clock.slept == [49]


def test_backoff_doubles_with_jitter_up_to_a_minute():
    throttle = Throttle(FakeClock(), jitter=lambda: 1.0)
    assert [throttle.backoff(attempt) for attempt in (1, 2, 3, 10)] == [1, 2, 4, 60]
    assert Throttle(FakeClock(), jitter=lambda: 0.0).backoff(3) == 2


def test_no_request_leaves_after_the_deadline():
    clock = FakeClock()
    throttle = Throttle(clock, deadline=clock.time + 60)
    throttle.wait()
    clock.sleep(61)
    with pytest.raises(Transient) as caught:
        throttle.wait()
    assert caught.value.reason == "TimeUp"
