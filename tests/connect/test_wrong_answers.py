"""Answers of Microsoft's page that aren't what they should be: a plain page each, nothing kept, nothing told."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.connect.office import NAME, PUBLIC, SECRET, browser_of, serving

pytestmark = pytest.mark.apiserver


def answer_of(browser, url):
    """Go to Microsoft's page, and return the address that it leads back to."""
    return browser.request("GET", url).headers["Location"]


def begun(office, browser):
    """Begin a visit, and return the address of Microsoft's answer, which wasn't opened yet."""
    return answer_of(browser, browser.stop_at(browser.open(office.link()), office.simulator.origin))


@pytest.mark.behaviour(5)
def test_an_answer_is_good_once(office, browser, simulator):
    office.open(locale="en")
    simulator.control.reset_counters()
    back = begun(office, browser)
    cookies = dict(browser.cookies)
    assert browser.open(back).heading == "Your OneDrive is connected"
    before = office.connection
    assert browser.open(back).heading == "This sign-in wasn’t begun here"
    # The page is loaded again before the browser has heard that the sign-in is over.
    browser.cookies.update(cookies)
    assert browser.open(back).heading == "Your OneDrive is connected"
    assert office.connection == before
    office.change_secret({"metadata": {"annotations": {"bannette.io/connection-id": "that of a later sign-in"}}})
    browser.cookies.update(cookies)
    page = browser.open(back)
    assert (page.status, page.heading) == (410, "This sign-in is over")
    assert simulator.control.count("token") == 1


@pytest.mark.behaviour(5)
def test_of_answers_that_come_at_once_one_is_taken(office, browser, simulator):
    office.open(locale="en")
    simulator.control.reset_counters()
    back = begun(office, browser)
    with serving(office) as one, serving(office) as other, ThreadPoolExecutor(8) as threads:
        browsers = [browser_of(office, port).with_cookies_of(browser) for port in (one, other) * 4]
        pages = list(threads.map(lambda each: each.open(back), browsers))
    # It is one browser's, which loads the page again and again.
    assert {page.heading for page in pages} == {"Your OneDrive is connected"}
    assert simulator.control.count("token") == 1


@pytest.mark.behaviour(5)
def test_an_answer_in_another_browser_is_foreign_and_leaves_the_visit_alone(office, browser):
    office.open(locale="en")
    back = begun(office, browser)
    own = dict(browser.cookies)
    browser.cookies.clear()
    page = browser.open(back)
    assert (page.status, page.heading) == (400, "This sign-in wasn’t begun here")
    assert office.connection is None
    browser.cookies.update(own)
    assert browser.open(back).heading == "Your OneDrive is connected"


@pytest.mark.behaviour(5)
def test_a_cookie_of_another_visit_does_not_take_an_answer(office, browser):
    """Somebody who lets a victim's browser take the answer of the attacker's own visit."""
    office.open(locale="en")
    theirs = begun(office, browser)
    stolen = {name: value for name, value in browser.cookies.items() if "visit-" in name}
    browser.cookies.clear()
    begun(office, browser)
    own = next(value for name, value in browser.cookies.items() if "visit-" in name)
    browser.cookies.update(dict.fromkeys(stolen, own))
    assert browser.open(theirs).heading == "This sign-in wasn’t begun here"
    assert office.connection is None


@pytest.mark.behaviour(5)
def test_an_answer_about_another_channel_connects_neither(office, browser):
    office.open(locale="en")
    theirs = begun(office, browser)
    cookies = {name: value for name, value in browser.cookies.items() if "visit-" in name}
    office.delete("collectionchannels", NAME)
    office.delete("secrets", SECRET)
    account = {"loginHint": office.simulator.user, "clientId": office.simulator.client_id}
    office.create_channel({"delegated": account})
    office.create_secret(SECRET, owner=office.uid)
    own = begun(office, browser)
    (kept,) = {name for name in browser.cookies if "visit-" in name} - cookies.keys()
    # The answer to one visit, with the cookie of the visit for the channel of now, and the other way round.
    browser.cookies.update(dict.fromkeys(cookies, browser.cookies[kept]))
    assert browser.open(theirs).heading == "This sign-in is over"
    browser.cookies[kept] = next(iter(cookies.values()))
    assert browser.open(own).heading == "This link leads nowhere any more"
    assert office.connection is None


def changed_flow(office, **changes):
    """Change what the token Secret holds of the visit that was begun."""
    ((state, visit),) = office.pending.items()
    office.put_pending({state: {**visit, "flow": {**visit["flow"], **changes}}})


@pytest.mark.behaviour(1)
def test_a_code_whose_challenge_nobody_can_meet_connects_nothing_and_may_be_repeated(office, browser):
    """Somebody put the code of another sign-in into the answer: PKCE (AADSTS501481)."""
    office.open(locale="en")
    back = begun(office, browser)
    changed_flow(office, code_verifier="x" * 43)
    page = browser.open(back)
    assert (page.status, page.heading) == (410, "The sign-in took too long")
    assert "AADSTS501481" in page.text
    assert "Open the page again" in page.text
    assert (office.connection, office.awaited) == (None, set())
    assert browser.send(browser.open(office.link())).heading == "Your OneDrive is connected"


@pytest.mark.behaviour(1)
def test_a_code_that_somebody_used_before_connects_nothing_and_may_be_repeated(office, browser):
    """AADSTS54005: an answer that was read on its way, and redeemed by a stranger who hasn't the verifier."""
    office.open(locale="en")
    back = begun(office, browser)
    answer = dict(parse_qsl(urlsplit(back).query))
    origin, client = office.simulator.origin, office.simulator.client_id
    stolen = {
        "grant_type": "authorization_code",
        "client_id": client,
        "code": answer["code"],
        "code_verifier": "x" * 43,
    }
    used = browser.request(
        "POST", f"{origin}/common/oauth2/v2.0/token", {**stolen, "redirect_uri": f"{PUBLIC}/callback"}
    )
    assert used.status == 400
    page = browser.open(back)
    assert (page.status, page.heading) == (410, "The sign-in took too long")
    assert "AADSTS54005" in page.text
    assert (office.connection, office.awaited) == (None, set())
    assert browser.send(browser.open(office.link())).heading == "Your OneDrive is connected"


@pytest.mark.behaviour(5)
@pytest.mark.parametrize("state", ["", "unknown", "x" * 600])
def test_an_answer_without_a_state_of_ours_is_foreign(office, browser, state):
    office.open()
    back = begun(office, browser)
    answer = {**dict(parse_qsl(urlsplit(back).query)), "state": state}
    page = browser.open(f"{PUBLIC}/callback?{urlencode(answer)}")
    assert (page.status, page.heading) == (400, "This sign-in wasn’t begun here")


@pytest.mark.behaviour(5)
def test_a_visit_ends_after_a_quarter_of_an_hour(office, browser):
    office.open(locale="en")
    earliest = time.time()
    back = begun(office, browser)
    (state,) = office.pending
    # In whole seconds.
    assert earliest + 899 < office.pending[state]["expires"] <= time.time() + 900
    office.put_pending({state: {**office.pending[state], "expires": time.time() - 1}})
    page = browser.open(back)
    assert (page.status, page.heading) == (410, "The sign-in took too long")
    assert office.connection is None
    # The next one sweeps it.
    begun(office, browser)
    assert state not in office.pending


def test_two_tabs_both_come_back(office, browser):
    office.open(locale="en")
    first, second = begun(office, browser), begun(office, browser)
    assert len(office.pending) == 2
    assert browser.open(second).heading == browser.open(first).heading == "Your OneDrive is connected"


def test_visits_that_nobody_ends_do_not_pile_up(office, browser):
    office.open(locale="en")
    for _ in range(7):
        last = begun(office, browser)
    assert len(office.pending) == 5
    assert browser.open(last).heading == "Your OneDrive is connected"


def test_a_damaged_secret_begins_anew(office, browser):
    office.open(locale="en")
    back = begun(office, browser)
    body = office.secret
    body["data"]["pending-visits"] = "/w=="
    office.api().within("acme").put("secrets", SECRET, body)
    assert browser.open(back).heading == "This sign-in is over"
    assert browser.send(browser.open(office.link())).heading == "Your OneDrive is connected"


def test_a_channel_that_goes_meanwhile_gets_nothing(office, browser):
    office.open(locale="en")
    back = begun(office, browser)
    office.delete("collectionchannels", NAME)
    page = browser.open(back)
    assert (page.status, page.heading) == (404, "This link leads nowhere any more")
    assert office.connection is None
