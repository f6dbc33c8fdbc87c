"""An inbox with documents of every kind, opened by a first visit, and what its pages show: fixtures and helpers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bannette.binder import Invoice
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import SETTINGS, Served
from tests.controller.cluster import eventually

HOSTILE = '<img src=x onerror=alert(1)> "Facture".html'
INVOICE = Invoice(
    number="F-7", date="2026-11-24", seller="Lefèvre & <Fils>", total="12.40", currency="EUR", profile="EN"
)


@pytest.fixture(scope="module")
def port(api, keys) -> Iterator[int]:
    with serving(api, keys, SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def served(cluster, keys, tmp_path_factory) -> Served:
    made = Served(cluster, keys, tmp_path_factory.mktemp("inbox"))
    made.add("first.pdf", "Menuiserie Lefèvre, net à payer", invoice=INVOICE, derived={"factur-x": b"<x/>"})
    made.add(HOSTILE, "<script>alert(1)</script>", media_type="text/html", extension="html", content=b"<b>hostile</b>")
    made.add("photo.png", "net", media_type="image/png", extension="png")
    for number in range(60):
        made.add(f"page {number:02}.pdf", "net")
    report = {
        "id": "run-1", "trigger": "Manual", "startedAt": "2026-11-24T04:30:00Z", "completedAt": "2026-11-24T04:30:41Z",
        "result": "Failed", "reason": "FolderNotFound", "message": "There is <no> folder.", "collected": 0,
    }  # fmt: skip
    made.store.save_report(made.company.namespace, "acme-onedrive", report)
    earlier = {
        **report,
        "id": "run-0",
        "result": "Succeeded",
        "trigger": "Scheduled",
        "startedAt": "2026-10-01T04:30:00Z",
    }
    made.store.save_report(made.company.namespace, "other", earlier)
    return made


@pytest.fixture(scope="module")
def opened(served, cluster, port) -> Iterator[Served]:
    """The same, opened by the first visit."""
    browser = browser_at(cluster, port)
    page = signed_in(browser, served.company.token("clerk"), served.url())
    assert "being opened" in page.text
    with served.reader():
        eventually(lambda: settled(browser.open(served.url())), "all is indexed")
        yield served


@pytest.fixture
def clerk(opened, cluster, port):
    browser = browser_at(cluster, port)
    signed_in(browser, opened.company.token("clerk"))
    return browser


def form_to(page, ending: str) -> int:
    return next(number for number, form in enumerate(page.parsed.forms) if form.action.endswith(ending))


def names(page) -> list[str]:
    return [part.partition("</a>")[0].rpartition(">")[2] for part in page.body.split("<h2><a ")[1:]]


def documents(page) -> list[str]:
    return [link for link in page.parsed.links if "/documents/" in link and "/files/" not in link]


def settled(page):
    return page if "have been read for the search so far" not in page.text else None
