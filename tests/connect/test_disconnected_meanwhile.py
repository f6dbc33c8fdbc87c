"""A sign-in that began before the account was disconnected doesn't bring the connection back, and says so."""

from __future__ import annotations

import threading

import pytest

from bannette.connect.attendant import Attendant
from tests.connect.office import NAME, NAMESPACE, browser_of, serving, wait_until

pytestmark = pytest.mark.apiserver


@pytest.fixture
def other(office):
    """Another browser, of somebody who has the link too."""
    with serving(office) as port:
        yield browser_of(office, port)


def by_request(office, simulator, other):
    """Connect the account in the other browser, and return what disconnects it."""
    other.send(other.open(office.link()))
    office.change("collectionchannels", NAME, {"metadata": {"annotations": {"bannette.io/disconnect": "A"}}})
    return lambda: Attendant(office.api(), simulator.environment).attend((NAMESPACE, NAME))


def by_page(office, simulator, other):
    done = other.send(other.open(office.link()))
    confirm = other.open(next(link for link in done.parsed.links if "/disconnect" in link))
    return lambda: other.send(confirm)


WAYS = pytest.mark.parametrize("prepare", [by_request, by_page])


def assert_told(office, page):
    assert (page.status, page.heading) == (409, "The account was disconnected meanwhile")
    assert office.connection is None
    assert office.pending == {}


@WAYS
def test_a_sign_in_that_comes_back_after_a_disconnection(office, browser, other, simulator, prepare):
    office.open(locale="en")
    begun = browser.stop_at(browser.open(office.link()), simulator.origin)
    prepare(office, simulator, other)()
    page = browser.open(begun)
    assert_told(office, page)
    # Whoever wants it connected begins anew.
    assert browser.send(browser.open(page.parsed.links[-1])).heading == "Your OneDrive is connected"
    assert office.connection is not None


@WAYS
def test_a_sign_in_whose_tokens_are_being_fetched_at_a_disconnection(office, browser, other, simulator, prepare):
    office.open(locale="en")
    begun = browser.stop_at(browser.open(office.link()), simulator.origin)
    disconnect = prepare(office, simulator, other)
    simulator.control.add_faults({"like": "sign-in slow", "delay": 8.0, "times": 1})
    pages = []
    back = threading.Thread(target=lambda: pages.append(browser.open(begun)))
    back.start()
    wait_until(lambda: not office.awaited, "the answer of Microsoft is taken")
    disconnect()
    assert pages == [], "the tokens came before the disconnection"
    simulator.control.remove_faults()
    back.join()
    assert_told(office, pages[0])
