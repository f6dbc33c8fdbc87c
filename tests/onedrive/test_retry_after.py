from __future__ import annotations

from datetime import UTC, datetime

import pytest
from requests.structures import CaseInsensitiveDict

from bannette.errors import Transient
from bannette.onedrive.throttle import Throttle, retry_after, slowdown

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
    ("limit", "remaining", "reset", "seconds"),
    [("1200", "900", "30", 0.0), ("1200", "60", "5", 5 / 61), ("1200", "0", "30", 5.0), ("x", "1", "1", 0.0)],
)
def test_a_budget_that_runs_low_slows_down(limit, remaining, reset, seconds):
    headers = {"RateLimit-Limit": limit, "RateLimit-Remaining": remaining, "RateLimit-Reset": reset}
    assert slowdown(headers) == pytest.approx(seconds)


def test_everybody_waits_for_the_longest_pause():
    clock = FakeClock()
    throttle = Throttle(clock)
    throttle.pause(30)
    throttle.pause(10)
    throttle.wait()
    assert clock.slept == [30]
    throttle.wait()
    assert clock.slept == [30]


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
