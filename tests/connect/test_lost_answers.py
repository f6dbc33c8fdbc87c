"""The API server stumbles over any one write of a page: what the person sees is true, and comes soon."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bannette.connect import Attendant
from bannette.resources import Channel
from tests.collector.connected import sign_in_person
from tests.connect.office import NAME, NAMESPACE, browser_of, serving, wait_until
from tests.connect.stumbles import FAULTS, Stumble, api_at, once, patience
from tests.controller.between import Answer, Between

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

CONNECTED = "Your OneDrive is connected"
DISCONNECTED = "Your OneDrive is disconnected"
# A person sees a page before they give up.
SOON = 30.0
WRITES = ["the visit that begins", "the visit that is taken", "the connection", "that it has changed"]
AWAY = [Answer.refusal(503, "ServiceUnavailable")] * 100


@pytest.fixture
def between(office):
    with Between(office.server) as proxy:
        yield proxy


@pytest.fixture
def stumbling(office, between, simulator, request):
    """A browser at a service that reaches the API server by the proxy, with what goes on beside its pages."""
    api = api_at(office, between.url, read=patience(request))
    attendant = Attendant(api, simulator.environment)
    attendant.start()
    with serving(office, api=api, untold=attendant.owe) as port:
        yield browser_of(office, port)
    attendant.stop()


@pytest.fixture
def other(office):
    """Somebody else's browser, at a replica that nothing befalls."""
    with serving(office) as port:
        yield browser_of(office, port)


def channel_of(office):
    return Channel.parse(office.api().within(NAMESPACE).get("collectionchannels", NAME))


def changed_at(office):
    pages = channel_of(office).status.pages
    return pages.changed_at if pages is not None else None


def disconnect_page(browser, office):
    return browser.open(next(link for link in browser.open(office.link()).parsed.links if "/disconnect" in link))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", WRITES)
def test_a_person_is_connected_by_one_sign_in(office, between, stumbling, simulator, write, fault):
    office.open(locale="en")
    page = stumbling.open(office.link())
    simulator.control.reset_counters()
    between.fault = stumble = Stumble(WRITES.index(write) + 1, FAULTS[fault])
    began = time.monotonic()
    done = stumbling.send(page)
    assert (done.status, done.heading) == (200, CONNECTED)
    assert time.monotonic() - began < SOON
    wait_until(lambda: changed_at(office) and stumble.is_over, "the operator is told")
    assert simulator.control.count("token") == 1
    assert office.pending == {}
    assert office.connection is not None


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["the Secret", "that it has changed"])
def test_a_person_disconnects_the_account_once(office, between, stumbling, other, write, fault):
    office.open(locale="en")
    other.send(other.open(office.link()))
    before = changed_at(office)
    confirm = disconnect_page(stumbling, office)
    between.fault = stumble = Stumble(["the Secret", "that it has changed"].index(write) + 1, FAULTS[fault])
    began = time.monotonic()
    assert stumbling.send(confirm).heading == DISCONNECTED
    assert time.monotonic() - began < SOON
    wait_until(lambda: changed_at(office) > before and stumble.is_over, "the operator is told")
    assert office.connection is None


def test_who_signs_in_while_the_answer_to_a_disconnection_is_lost_stays_connected(office, between, stumbling, other):
    office.open(locale="en")
    other.send(other.open(office.link()))
    confirm = disconnect_page(stumbling, office)
    between.fault = once(1, lambda: other.send(other.open(office.link())))
    assert stumbling.send(confirm).heading == DISCONNECTED
    assert office.connection is not None
    assert other.open(office.link()).heading == CONNECTED


def test_a_form_that_a_way_back_sends_again_asks_before_it_ends_a_later_sign_in(office, browser, other):
    office.open(locale="en")
    browser.send(browser.open(office.link()))
    confirm = disconnect_page(browser, office)
    assert browser.send(confirm).heading == DISCONNECTED
    assert browser.send(confirm).heading == DISCONNECTED
    other.send(other.open(office.link()))
    asked = browser.send(confirm)
    assert asked.heading == "Disconnect compta@acme.example?"
    assert office.connection is not None
    assert browser.send(asked).heading == DISCONNECTED
    assert office.connection is None


def test_tokens_that_a_run_renews_while_the_answer_to_a_sign_in_is_lost_are_kept(office, between, stumbling, simulator):
    office.open(locale="en")
    page = stumbling.open(office.link())
    renewed = json.dumps({**json.loads(sign_in_person(simulator).tokens), "note": "renewed"})

    def renew() -> None:
        office.change_secret({"data": {"token-cache": base64.b64encode(renewed.encode()).decode()}})

    between.fault = once(3, renew)
    assert stumbling.send(page).heading == CONNECTED
    assert office.connection.tokens == renewed


def test_a_disconnection_while_the_answer_to_a_sign_in_is_lost_is_the_last_word(office, between, stumbling, other):
    office.open(locale="en")
    page = stumbling.open(office.link())
    between.fault = once(3, lambda: other.send(disconnect_page(other, office)))
    assert stumbling.send(page).heading == "The account was disconnected meanwhile"
    assert office.connection is None


def test_a_visit_that_begins_though_its_answer_is_lost_ends_no_other_one(office, between, stumbling, other, simulator):
    office.open(locale="en")
    begun = [other.stop_at(other.open(office.link()), simulator.origin) for _ in range(4)]
    page = stumbling.open(office.link())
    between.fault = once(1, lambda: None)
    stumbling.stop_at(page, simulator.origin)
    assert len(office.pending) == 5
    assert other.open(begun[0]).heading == CONNECTED


@pytest.mark.parametrize("write", ["before it is taken", "before it is kept"])
def test_a_page_that_could_not_be_shown_may_be_loaded_again(office, between, stumbling, simulator, write):
    """The API server is away for longer than anybody waits; the sign-in goes on, if it wasn't used up."""
    office.open(locale="en")
    url = stumbling.stop_at(stumbling.open(office.link()), simulator.origin)
    back = stumbling.request("GET", url).headers["Location"]
    between.fault = Stumble(["before it is taken", "before it is kept"].index(write) + 1, AWAY)
    began = time.monotonic()
    away = stumbling.open(back)
    assert (away.status, away.heading) == (503, "Not available at the moment")
    assert int(away.headers["Retry-After"]) > 0
    assert time.monotonic() - began < SOON
    between.fault = lambda asked: None
    again = stumbling.open(back)
    if write == "before it is kept":
        assert (again.status, again.heading) == (410, "This sign-in is over")
        again = stumbling.send(stumbling.open(again.parsed.links[-1]))
    assert again.heading == CONNECTED


def test_a_page_that_is_loaded_again_while_microsoft_is_asked_waits_for_the_first(office, browser, other, simulator):
    office.open(locale="en")
    url = browser.stop_at(browser.open(office.link()), simulator.origin)
    back = browser.request("GET", url).headers["Location"]
    other.with_cookies_of(browser)
    simulator.control.reset_counters()
    simulator.control.add_faults({"like": "sign-in slow", "delay": 1.0, "times": 1})
    with ThreadPoolExecutor() as threads:
        first = threads.submit(browser.open, back)
        wait_until(lambda: office.pending and not office.awaited, "the answer of Microsoft is taken")
        assert other.open(back).heading == CONNECTED
        assert first.result().heading == CONNECTED
    assert simulator.control.count("token") == 1


@pytest.mark.parametrize("request_", ["GET", "PUT"])
def test_a_page_comes_soon_though_the_api_server_asks_for_a_minute(office, between, stumbling, request_):
    office.open(locale="en")
    page = stumbling.open(office.link())
    throttled = []

    def throttle(asked):
        if asked.method != request_:
            return None
        throttled.append(asked)
        return Answer.throttle(60)

    between.fault = throttle
    began = time.monotonic()
    away = stumbling.send(page)
    assert (away.status, away.headers["Retry-After"]) == (503, "60")
    assert len(throttled) == 1, "it was asked once more"
    assert time.monotonic() - began < SOON


def test_a_page_tells_the_operator_of_a_disconnection_that_it_was_not_told_of(office, browser):
    """Whoever disconnected the account was killed before it could."""
    office.open(locale="en")
    condition = {"type": "Connected", "status": "True", "reason": "SignedIn", "message": "",
                 "lastTransitionTime": "2026-11-24T10:00:00Z"}  # fmt: skip
    office.change("collectionchannels", NAME, {"status": {"conditions": [condition]}}, status=True)
    assert browser.open(office.link()).status == 200
    told = changed_at(office)
    assert told is not None
    condition |= {"status": "False", "reason": "NotSignedIn"}
    office.change("collectionchannels", NAME, {"status": {"conditions": [condition]}}, status=True)
    browser.open(office.link())
    assert changed_at(office) == told
