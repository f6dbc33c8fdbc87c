"""What the console shows of documents and their files runs nothing; all else is saved."""

from __future__ import annotations

import pytest

from tests.connect.office import PUBLIC
from tests.console.opened_inbox import HOSTILE, documents, settled
from tests.console.opened_inbox import clerk as clerk  # the fixtures
from tests.console.opened_inbox import opened as opened
from tests.console.opened_inbox import port as port
from tests.console.opened_inbox import served as served
from tests.controller.cluster import eventually

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


def test_names_texts_and_invoices_are_shown_and_run_nothing(opened, clerk):
    page = eventually(lambda: settled(clerk.open(f"{opened.url()}?type=text")), "all is indexed")
    assert "<img src=x" not in page.body
    shown = clerk.open(documents(page)[0])
    assert "<script>alert" not in shown.body
    assert "<script>alert(1)</script>" in shown.text
    assert HOSTILE in shown.text
    invoice = clerk.open(documents(clerk.open(f"{opened.url()}?q=lefevre"))[0])
    for told in ("Lefèvre & <Fils>", "F-7", "12.40 EUR", "net à payer", "Save the invoice’s data"):
        assert told in invoice.text
    assert invoice.policy("img-src") == ["'self'"]
    assert invoice.policy("default-src") == ["'none'"]


def file_of(browser, page, ending, **headers):
    link = next(
        one
        for one in [*page.parsed.links, *(tag[1].get("src") or "" for tag in page.parsed.tags)]
        if one.endswith(ending)
    )
    return browser.request("GET", f"{PUBLIC}{link}", headers=headers)


@pytest.mark.parametrize(
    ("query", "ending", "kind", "shown"),
    [
        ("type=text", "original", "application/octet-stream", False),
        ("q=lefevre", "original?show", "application/pdf", True),
        ("q=lefevre", "original", "application/octet-stream", False),
        ("q=lefevre", "thumbnail?show", "image/webp", True),
        ("q=lefevre", "text", "application/octet-stream", False),
        ("q=lefevre", "factur-x", "application/octet-stream", False),
        ("type=image", "original?show", "image/png", True),
    ],
)
def test_only_what_runs_nothing_is_shown_and_all_else_is_saved(opened, clerk, query, ending, kind, shown):
    page = eventually(lambda: settled(clerk.open(f"{opened.url()}?{query}")), "all is indexed")
    answer = file_of(clerk, clerk.open(documents(page)[0]), ending)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"].startswith("inline; " if shown else "attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'" if kind == "application/pdf" else "sandbox; default-src 'none'")
    assert answer.headers.get_all("Set-Cookie") is None


def test_html_is_saved_though_an_address_asks_to_show_it(opened, clerk):
    page = eventually(lambda: settled(clerk.open(f"{opened.url()}?type=text")), "all is indexed")
    document = documents(page)[0].partition("?")[0]
    answer = clerk.open(f"{document}/files/original?show")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.body == "<b>hostile</b>"
    assert clerk.open(f"{document}/files/nothing").status == 404
    assert clerk.open(f"{document}/files/..%2f..%2frecords").status == 404


def test_parts_of_files_are_served_and_known_ones_are_not_sent_again(opened, clerk):
    page = clerk.open(documents(clerk.open(opened.url()))[0])
    part = file_of(clerk, page, "original", Range="bytes=0-2")
    assert (part.status, part.body) == (206, "con")
    assert part.headers["Content-Range"].startswith("bytes 0-2/")
    again = file_of(clerk, page, "original", **{"If-None-Match": part.headers["ETag"]})
    assert (again.status, again.body) == (304, "")
