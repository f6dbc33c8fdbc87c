"""Who asks the console for the head of a document's file is told what is known of it, and nobody reads the file."""

from __future__ import annotations

import os

import pytest

from bannette.binder import Record
from bannette.binder.layout import record_key
from tests.connect.office import PUBLIC
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import SETTINGS, Served

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]
# Nobody reads so much while a test waits.
HUGE = 1 << 42


@pytest.fixture
def clerk(cluster, api, keys, tmp_path):
    served = Served(cluster, keys, tmp_path)
    document = served.add("a.pdf", "net", media_type="application/pdf")
    huge = served.add("huge.pdf")
    record = Record.parse((served.folder / record_key(huge)).read_bytes())
    os.truncate(served.folder / record.files["original"], HUGE)
    with serving(api, keys, SETTINGS) as port:
        browser = browser_at(cluster, port)
        signed_in(browser, served.company.token("clerk"), served.url())
        with served.reader():
            browser.files = {
                name: f"{PUBLIC}{served.url()}/documents/{one}/files"
                for name, one in (("a.pdf", document), ("huge.pdf", huge))
            }
            yield browser


def test_the_head_of_a_file_says_what_the_whole_answer_says(clerk):
    path = f"{clerk.files['a.pdf']}/original?show"
    whole, head = clerk.request("GET", path), clerk.request("HEAD", path)
    assert (head.status, head.body, head.headers["Content-Type"]) == (200, "", "application/pdf")
    assert int(head.headers["Content-Length"]) == len(whole.body) > 0
    differing = {name for name, value in whole.headers.items() if head.headers[name] != value} - {"date"}
    assert differing == set()
    for role, status in (("nothing", 404), ("..%2f..", 404)):
        assert clerk.request("HEAD", f"{clerk.files['a.pdf']}/{role}").status == status


def test_the_head_of_a_file_reads_none_of_it(clerk):
    # More of them than may be under way for one namespace.
    for _ in range(20):
        assert clerk.request("HEAD", f"{clerk.files['huge.pdf']}/original").headers["Content-Length"] == str(HUGE)
    assert clerk.request("GET", f"{clerk.files['a.pdf']}/text").body == "net"
