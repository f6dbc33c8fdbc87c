"""What the console says of an inbox that isn't open, and when it asks for it."""

from __future__ import annotations

import pytest

from tests.console.desk import browser_at, signed_in
from tests.console.opened_inbox import form_to
from tests.console.opened_inbox import port as port  # the fixture
from tests.console.served import INBOX, PORT, Served

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


class TestOpening:
    """What is said while an inbox isn't open; each in a company of its own."""

    @pytest.fixture
    def closed(self, cluster, keys, tmp_path) -> Served:
        return Served(cluster, keys, tmp_path)

    @pytest.fixture
    def visitor(self, closed, cluster, port):
        browser = browser_at(cluster, port)
        signed_in(browser, closed.company.token("clerk"))
        return browser

    def test_a_page_that_waits_looks_again_by_itself_and_asks_once(self, closed, visitor):
        page = visitor.open(closed.url())
        assert 'data-refresh="2"' in page.body
        asked = closed.annotations
        assert asked[f"{INBOX}reader"] == closed.digest
        visitor.open(closed.url())
        closed.answers("Opening")
        visitor.open(closed.url())
        assert closed.annotations == asked

    @pytest.mark.parametrize(
        ("state", "message", "said"),
        [
            ("Waiting", "As many are open.", "waits to be opened"),
            ("Blocked", 'PersistentVolumeClaim "p" doesn\'t exist.', "can’t be opened yet"),
        ],
    )
    def test_what_is_in_the_way_is_said(self, closed, visitor, state, message, said):
        visitor.open(closed.url())
        closed.answers(state, message=message)
        page = visitor.open(closed.url())
        assert said in page.text
        assert message in page.text
        assert "data-refresh" in page.body

    def test_one_that_was_closed_is_opened_again_at_the_next_visit(self, closed, visitor):
        visitor.open(closed.url())
        asked = closed.annotations
        closed.answers("Closed")
        visitor.open(closed.url())
        assert closed.annotations[f"{INBOX}opened"] != asked[f"{INBOX}opened"]

    def test_one_that_failed_says_why_and_is_opened_again_by_a_person(self, closed, visitor):
        visitor.open(closed.url())
        asked = closed.annotations
        closed.answers("Closed", message="The volume is away.")
        page = visitor.open(closed.url())
        assert "The volume is away." in page.text
        assert "data-refresh" not in page.body
        assert closed.annotations == asked
        visitor.send(page, number=form_to(page, "/open"))
        assert closed.annotations[f"{INBOX}opened"] != asked[f"{INBOX}opened"]

    @pytest.mark.parametrize(
        "address",
        [f"127.0.0.1:{PORT}", f"169.254.169.254:{PORT}", "10.0.0.1:443", f"localhost:{PORT}", f"[::1]:{PORT}", "x", ""],
        # The port is another one in each process: names that hold it are no names of tests.
        ids=["loopback", "metadata", "another port", "a name", "loopback of IPv6", "no address", "nothing"],
    )
    def test_no_address_but_a_pods_is_asked(self, closed, visitor, address):
        visitor.open(closed.url())
        closed.answers("Open", address=address)
        page = visitor.open(closed.url())
        assert page.status == 200
        assert "being opened" in page.text

    def test_an_inbox_that_is_open_for_another_token_is_opened_for_this_one(self, closed, visitor):
        visitor.open(closed.url())
        closed.answers("Open", reader="b" * 64, address=f"10.0.0.1:{PORT}")
        assert "being opened" in visitor.open(closed.url()).text

    def test_a_binder_that_does_not_exist_is_not_opened(self, closed, visitor):
        # Who may read no binder of that name learns nothing of it.
        assert visitor.open(closed.url().replace("purchases", "none")).status == 404
        assert visitor.open(closed.url().replace("purchases", "a%2fb")).status == 404
