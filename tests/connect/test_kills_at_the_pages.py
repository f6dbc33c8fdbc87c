"""The service is killed after any one write of a page; a new one takes over, and the person loads the page again."""

from __future__ import annotations

import contextlib
import http.client
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from devcluster.apiserver import ApiServer
from tests.connect.office import NAME, Process, browser_of, kubectl_proxy, wait_until
from tests.connect.stumbles import once
from tests.connect.test_lost_answers import CONNECTED, DISCONNECTED, WRITES, changed_at, disconnect_page
from tests.controller.between import Between

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Proxied:
    """The API server as ``kubectl proxy`` leads to it, which knows who asks."""

    url: str
    ca_file: Path


@pytest.fixture(scope="module")
def proxy(server):
    with kubectl_proxy(server) as url:
        yield url


class Killed:
    """A service that is killed once its *number*-th write from now on is done, and its successor."""

    def __init__(self, office, proxy, folder) -> None:
        self._office, self._proxy, self._folder = office, proxy, folder
        self._between = Between(cast(ApiServer, Proxied(proxy, office.server.ca_file)))

    def __enter__(self):
        self._opened = contextlib.ExitStack()
        between = self._opened.enter_context(self._between)
        self.first = self._opened.enter_context(Process(self._office, between.url, self._folder))
        self.browser = browser_of(self._office, self.first.port)
        return self

    def __exit__(self, *_):
        self._opened.close()

    def kill_after(self, number: int) -> None:
        self._between.fault = once(number, lambda: self.first.send(signal.SIGKILL))

    @contextlib.contextmanager
    def successor(self):
        """Yield the person's browser at the service that was started anew."""
        with Process(self._office, self._proxy, self._folder) as second:
            yield browser_of(self._office, second.port).with_cookies_of(self.browser)


@pytest.fixture
def killed(office, proxy, tmp_path):
    office.open(locale="en")
    with Killed(office, proxy, tmp_path) as made:
        yield made


@pytest.mark.parametrize("write", WRITES)
def test_a_sign_in_is_gone_on_with(office, killed, simulator, write):
    page = killed.browser.open(office.link())
    killed.kill_after(WRITES.index(write) + 1)
    if write == "the visit that begins":
        load = lambda browser: browser.send(page)  # noqa: E731
    else:
        away = killed.browser.stop_at(page, simulator.origin)
        back = killed.browser.request("GET", away).headers["Location"]
        load = lambda browser: browser.open(back)  # noqa: E731
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        load(killed.browser)
    with killed.successor() as browser:
        again = load(browser)
        if write == "the visit that is taken":
            # Whether Microsoft has seen its code nobody knows.
            assert (again.status, again.heading) == (410, "This sign-in is over")
            again = browser.send(browser.open(again.parsed.links[-1]))
        assert again.heading == CONNECTED
        assert changed_at(office) is not None
    assert office.connection is not None


@pytest.mark.parametrize("write", ["the Secret", "that it has changed"])
def test_a_disconnection_is_told(office, killed, write):
    killed.browser.send(killed.browser.open(office.link()))
    before = changed_at(office)
    confirm = disconnect_page(killed.browser, office)
    killed.kill_after(["the Secret", "that it has changed"].index(write) + 1)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        killed.browser.send(confirm)
    assert office.connection is None
    with killed.successor() as browser:
        assert browser.send(confirm).heading == DISCONNECTED
    assert changed_at(office) > before


@pytest.mark.parametrize("write", ["the Secret", "that it has changed"])
def test_a_disconnection_by_request_is_told(office, killed, write):
    killed.browser.send(killed.browser.open(office.link()))
    before = changed_at(office)
    killed.kill_after(["the Secret", "that it has changed"].index(write) + 1)
    office.change("collectionchannels", NAME, {"metadata": {"annotations": {"bannette.io/disconnect": "A"}}})
    wait_until(lambda: killed.first.is_gone, "the service is killed")
    assert office.connection is None
    with killed.successor():
        wait_until(lambda: changed_at(office) > before, "the operator is told")
    assert office.secret["metadata"]["annotations"]["bannette.io/disconnected"] == "A"
