"""From the page without its link to the mail with a link that opens it: by the real command."""

from __future__ import annotations

import pytest

from tests.asking.firm import PUBLIC, links_in
from tests.asking.test_asking_process import running
from tests.connect.browser import Browser
from tests.connect.office import wait_until

pytestmark = pytest.mark.apiserver


def test_whoever_asks_at_the_page_gets_a_mail_with_a_link_to_it(firm, mails, simulator, tmp_path):
    firm.recipient()
    firm.channel(suspend=True)
    page = f"{PUBLIC}/c/{firm.namespace}/acme-onedrive"
    with running(firm, mails.port, tmp_path) as (_, log, port):
        browser = Browser(PUBLIC, [port], ca_file=simulator.ca_file, language="en")
        for address in (f"{PUBLIC}/c/{firm.namespace}/nothing", page):
            assert browser.send(browser.open(address)).heading == "Look into your mail"
        wait_until(lambda: mails.taken.mails, "the mail has come")
        (link,) = links_in(mails.taken.mails[0])
        assert link.startswith(f"{page}?t=")
        # The mail may be quicker than who says that it was asked for.
        told_so = f"connect.mail_asked_for channel={firm.namespace}/acme-onedrive"
        wait_until(lambda: told_so in log.read_text(), "it is told")
    assert len(mails.taken.mails) == 1
    told = log.read_text()
    assert "connect.no_mail reason=NotFound" in told
    assert "nothing" not in told
    assert "marie@" not in told
