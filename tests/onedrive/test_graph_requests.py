"""What goes to Graph and what doesn't: tokens, pauses, repetitions, counts."""

from __future__ import annotations

import dataclasses
import threading
import time

import certifi
import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import Kind, Patience, SystemClock, Unavailable, changes, default_user_agent


def test_every_request_says_who_asks(account):
    account.walk()
    assert account.control.counters()["withoutUserAgent"] == 0
    assert default_user_agent().startswith("NONISV|Bannette|Collector/")


def test_usage_counts_what_was_asked(account, new_item, tmp_path):
    item = new_item()
    account.control.reset_counters()
    before = account.graph.usage
    account.walk()
    account.download(item, tmp_path / "a")
    after = account.graph.usage
    requests = account.control.counters()["requests"]
    assert after.by_kind["download"] - before.by_kind.get("download", 0) == requests["download"] == 1
    assert after.requests - before.requests == sum(requests[kind] for kind in ("drive", "delta", "item", "content"))


def test_a_refused_token_is_renewed_once(account):
    account.drive  # noqa: B018 - signs in
    account.control.reset_counters()
    account.control.add_faults("token refused once")
    assert account.walk().items == {}
    assert account.control.count("token") == 1


def test_a_token_that_expires_between_pages_is_renewed(account):
    account.control.settings(page_size=3)
    for number in range(9):
        account.control.create(f"/{number}.pdf")
    names = []
    for page in changes(account.graph, account.drive, folder="/"):
        names += [item.name for item in page.items]
        account.control.expire_tokens()
    assert len(names) == 9


def test_a_token_that_is_always_refused_needs_a_person(account):
    account.control.add_faults("token refused")
    with pytest.raises(PersonNeeded) as caught:
        account.walk()
    assert caught.value.reason == "TokenRefused"
    assert account.control.count("drive") == 2


def test_many_threads_renew_a_token_once(account):
    account.drive  # noqa: B018 - signs in
    account.control.expire_tokens()
    account.control.reset_counters()
    errors = []

    def ask():
        try:
            _ = account.drive
        except PersonNeeded as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert account.control.count("token") == 1


def test_a_claims_challenge_is_answered_once(account):
    account.drive  # noqa: B018 - signs in
    account.control.reset_counters()
    account.control.add_faults({"like": "claims challenge", "times": 1})
    assert account.walk().items == {}
    assert account.control.count("token") == 1


def test_a_claims_challenge_that_stays_needs_a_person(account):
    account.control.add_faults({"like": "claims challenge", "times": None})
    with pytest.raises(PersonNeeded):
        account.walk()


THROTTLES = ["throttled", "throttled, zero", "throttled, silent", "throttled, date", "unavailable", "bandwidth limit"]


@pytest.mark.parametrize("fault", THROTTLES)
def test_a_pause_is_kept_and_the_request_repeated(account, fault):
    account.control.create("/a.pdf")
    account.control.add_faults(fault)
    assert account.walk().names == ["a.pdf"]
    assert account.graph.usage.throttled == 1


def test_retry_after_is_obeyed_by_all_threads(account):
    account.clock = SystemClock()
    graph = account.new_graph()
    path = f"/users/{account.simulator.user}/drive"
    graph.get(path, kind=Kind.DRIVE)
    account.control.add_faults({"like": "throttled", "headers": {"Retry-After": "1"}})
    account.control.reset_counters()
    start = time.monotonic()
    threads = [threading.Thread(target=graph.get, args=(path,), kwargs={"kind": Kind.DRIVE}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    graph.get(path, kind=Kind.DRIVE)
    assert time.monotonic() - start >= 1
    assert account.control.counters()["duringRetryAfter"] == 0


def test_a_pause_beyond_the_deadline_ends_the_run_with_the_time_to_wait(account):
    graph = account.new_graph(deadline=account.clock.monotonic() + 600)
    account.control.add_faults("throttled for hours")
    with pytest.raises(Transient) as caught:
        graph.get("/me/drive", kind=Kind.DRIVE)
    assert caught.value.retry_after == pytest.approx(10000, abs=5)
    assert account.clock.slept == []


def test_throttling_without_end_is_transient(account):
    account.control.add_faults({"like": "throttled, zero", "times": None})
    with pytest.raises(Transient) as caught:
        account.walk()
    assert caught.value.reason == "Throttled"


def test_a_run_that_gives_up_does_so_when_the_last_pause_is_over(account):
    account.drive  # noqa: B018 - signs in
    account.control.add_faults({"like": "throttled", "times": None, "headers": {"Retry-After": "30"}})
    graph = account.new_graph(patience=Patience(throttles=3))
    start = account.clock.monotonic()
    with pytest.raises(Unavailable):
        graph.get("/me/drive", kind=Kind.DRIVE)
    assert account.clock.monotonic() - start >= 90


FAILURES = ["error 500", "error 502", "error 504", "html page", "truncated json", "graph cut"]


@pytest.mark.parametrize("fault", FAILURES)
def test_a_failure_is_repeated_and_then_transient(account, fault):
    account.control.create("/a.pdf")
    account.control.add_faults({"like": fault, "kinds": ["delta"], "times": 2})
    assert account.walk().names == ["a.pdf"]
    account.control.add_faults({"like": fault, "kinds": ["delta"], "times": None})
    account.control.reset_counters()
    with pytest.raises(Unavailable):
        account.walk()
    assert account.control.count("delta") == Patience().failures


def test_a_low_budget_slows_down_without_an_error(account):
    account.control.create("/a.pdf")
    account.control.add_faults("budget low")
    assert account.walk().names == ["a.pdf"]
    assert account.clock.slept
    assert account.graph.usage.throttled == 0


def test_an_answer_that_is_too_large_is_refused(account, monkeypatch):
    monkeypatch.setattr("bannette.onedrive.graph._LARGEST_ANSWER", 1000)
    for number in range(20):
        account.control.create(f"/{number}.pdf")
    with pytest.raises(Unavailable):
        account.walk()


def test_a_graph_that_cannot_be_reached_is_transient(account):
    account.drive  # noqa: B018 - signs in
    account.graph.endpoints = dataclasses.replace(account.endpoints, graph="https://127.0.0.1:1")
    with pytest.raises(Unavailable) as caught:
        account.walk()
    assert caught.value.reason == "Unreachable"


def test_an_untrusted_certificate_says_so(account, monkeypatch):
    credentials = account.graph._sign_in
    account.endpoints = dataclasses.replace(account.endpoints, ca_file=certifi.where())
    graph = account.new_graph()
    graph._sign_in = credentials
    with pytest.raises(Unavailable) as caught:
        graph.get("/me/drive", kind=Kind.DRIVE)
    assert caught.value.reason == "TlsFailed"
