"""What a run comes to when Microsoft's sign-in doesn't answer, and when tokens run out on the way."""

from __future__ import annotations

import time

import certifi
import pytest

from bannette.accounts import sign_in as new_sign_in
from bannette.collector import ResourceFiles
from bannette.errors import Transient
from bannette.onedrive import SignIn, endpoints_for
from bannette.onedrive.authority import _Http
from tests.collector.connected import connect, connection_file, delegate, refresh_tokens
from tests.collector.local_channel import wait_until

KINDS = ["application", "delegated"]


@pytest.fixture(params=KINDS)
def renewing(request, channel, simulator):
    """A channel of each kind whose next run asks the sign-in for a token."""
    simulator.control.create("/Invoices/a.txt", "alpha")
    if request.param == "delegated":
        delegate(channel)
        connect(channel, stale=True)
    simulator.control.reset_counters()
    return channel


@pytest.mark.behaviour(10)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("sign-in unavailable", "SignInUnavailable"),
        ({"like": "sign-in unavailable", "code": "temporarily_unavailable/90033", "status": 400}, "SignInUnavailable"),
        ({"like": "sign-in unavailable", "code": "server_error/0", "status": 400}, "SignInUnavailable"),
        ({"like": "sign-in unavailable", "code": None, "body": "<h1>Proxy</h1>", "status": 403}, "SignInUnavailable"),
        ({"like": "sign-in throttled", "headers": {"Retry-After": "30"}}, "SignInUnavailable"),
        ("sign-in cut", "SignInUnreachable"),
    ],
    ids=["503", "transient 400", "server error", "a proxy's page", "429", "cut"],
)
def test_a_sign_in_that_is_out_of_order_is_asked_once_and_tried_again_later(renewing, simulator, fault, reason):
    fault = fault if isinstance(fault, dict) else {"like": fault}
    simulator.control.add_faults({**fault, "times": None})
    ended = renewing.collect()
    assert (ended.code, ended.entry["reason"]) == (3, reason)
    assert simulator.control.count("token") == 1
    simulator.control.remove_faults()
    assert renewing.collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(10)
def test_a_sign_in_whose_certificate_isnt_trusted_is_tried_again_later(renewing):
    environment = {"REQUESTS_CA_BUNDLE": certifi.where(), "SSL_CERT_FILE": certifi.where()}
    ended = renewing.command_ends(environment=environment)
    assert (ended.code, ended.entry["reason"]) == (3, "TlsFailed")
    assert "caBundle" in str(ended.entry["message"])


@pytest.mark.behaviour(10)
def test_a_sign_in_that_takes_too_long_is_tried_again_later(renewing, simulator, monkeypatch):
    patient = _Http.__init__
    monkeypatch.setattr(_Http, "__init__", lambda http, ca_file, timeout: patient(http, ca_file, 0.5))
    simulator.control.add_faults({"like": "sign-in slow", "delay": 5.0, "times": None})
    ended = renewing.collect()
    assert (ended.code, ended.entry["reason"]) == (3, "SignInUnreachable")


@pytest.mark.behaviour(10)
@pytest.mark.parametrize("down", [("sign-in unavailable",), ("discovery unavailable", "sign-in cut")])
def test_a_valid_token_of_an_earlier_run_is_used_while_the_sign_in_is_down(channel, simulator, down):
    simulator.control.create("/Invoices/a.txt", "alpha")
    delegate(channel)
    connect(channel)
    simulator.control.add_faults(*({"like": name, "times": None} for name in down))
    ended = channel.command_ends()
    assert (ended.code, ended.entry["collected"]) == (0, 1)


@pytest.mark.behaviour(10)
@pytest.mark.parametrize("down", [("sign-in unavailable",), ("discovery unavailable", "sign-in cut")])
def test_a_token_that_is_due_but_valid_is_used_while_the_sign_in_is_down(channel, simulator, down):
    """As Microsoft asks it: renew ahead of the end (refresh_in); an outage then isn't one for us."""
    simulator.control.create("/Invoices/a.txt", "alpha")
    delegate(channel)
    simulator.control.settings(refresh_seconds=1)
    connect(channel)
    due = time.time() + 1.1
    simulator.control.add_faults(*({"like": name, "times": None} for name in down))
    wait_until(lambda: time.time() > due, "the token to be due")
    simulator.control.reset_counters()
    ended = channel.collect()
    assert (ended.code, ended.entry["collected"]) == (0, 1)
    # It was tried, but not at each request.
    counts = simulator.control.counters()["requests"]
    assert counts.get("token", 0) + counts.get("discovery", 0) <= 2


def outage_asks_nobody_again(sign_in, simulator):
    simulator.control.reset_counters()
    for _ in range(3):
        with pytest.raises(Transient) as caught:
            sign_in.token()
    assert caught.value.reason == "SignInUnavailable"
    return simulator.control.count("token")


@pytest.mark.behaviour(10)
@pytest.mark.parametrize("status", [503, 429])
def test_nobody_calls_a_sign_in_that_asked_for_time(channel, simulator, status):
    delegate(channel)
    connect(channel, stale=True)
    endpoints = endpoints_for("Global", simulator.environment)
    source = connection_file(channel)
    sign_in = new_sign_in(
        ResourceFiles.load([channel.file]).channel(), endpoints, secret={}, connections=source, environ={}
    )
    assert not isinstance(sign_in, SignIn)
    simulator.control.add_faults(
        {"like": "sign-in throttled", "status": status, "headers": {"Retry-After": "3600"}, "times": None}
    )
    assert outage_asks_nobody_again(sign_in, simulator) == 1
    simulator.control.remove_faults()
    assert outage_asks_nobody_again(sign_in, simulator) == 0


@pytest.mark.behaviour(12)
def test_tokens_that_run_out_in_mid_walk_are_renewed_ahead(renewing, simulator):
    for number in range(10):
        simulator.control.create(f"/Invoices/f{number}.txt")
    simulator.control.settings(page_size=5, token_seconds=6)
    simulator.control.add_faults({"like": "throttled", "headers": {"Retry-After": "4"}, "skip": 2})
    ended = renewing.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 11)
    assert simulator.control.count("token") >= 2
    refused = [row for row in simulator.control.requests() if row["status"] == 401]
    assert refused == []


@pytest.mark.behaviour(12)
def test_a_token_that_ends_before_its_time_costs_one_more_request(renewing, simulator):
    for number in range(40):
        simulator.control.create(f"/Invoices/f{number}.txt")
    simulator.control.settings(page_size=10)
    simulator.control.add_faults({"like": "token refused once", "kinds": ["delta", "children"], "skip": 2})
    ended = renewing.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 41)
    assert simulator.control.count("token") == 2
    assert sorted(renewing.names()) == sorted(["a.txt", *(f"f{number}.txt" for number in range(40))])


@pytest.mark.behaviour(12, 6)
def test_what_is_renewed_in_mid_walk_is_kept_for_the_next_run(channel, simulator):
    delegate(channel)
    first = connect(channel, stale=True)
    for number in range(20):
        simulator.control.create(f"/Invoices/f{number}.txt")
    simulator.control.settings(page_size=5)
    simulator.control.add_faults({"like": "token refused once", "kinds": ["delta", "children"], "skip": 1})
    assert channel.collect().code == 0
    kept = connection_file(channel).load()
    assert kept is not None
    assert (kept.id, kept.account, kept.connected_at) == (first.id, first.account, first.connected_at)
    assert not refresh_tokens(kept.tokens) & refresh_tokens(first.tokens)
