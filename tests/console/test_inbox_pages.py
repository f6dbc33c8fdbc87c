"""The inbox in the console: a real binder behind a real reader, opened as an operator would."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from bannette.console import ConsoleSettings
from tests.connect.office import PUBLIC
from tests.console.desk import browser_at, serving, signed_in
from tests.console.opened_inbox import clerk as clerk  # the fixtures
from tests.console.opened_inbox import documents, form_to, names, settled
from tests.console.opened_inbox import opened as opened
from tests.console.opened_inbox import port as port
from tests.console.opened_inbox import served as served
from tests.console.served import INBOX, PORT
from tests.controller.cluster import eventually
from tests.controller.people import bind

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]


def test_the_first_visit_has_the_inbox_opened_for_this_service_alone(opened):
    assert opened.annotations[f"{INBOX}reader"] == opened.digest
    # No more is written while it is open.
    before = opened.binder()["metadata"]["resourceVersion"]
    assert opened.annotations[f"{INBOX}opened"]
    assert opened.binder()["metadata"]["resourceVersion"] == before


def test_the_inbox_has_its_documents_the_newest_first_and_page_by_page(opened, clerk):
    version = opened.binder()["metadata"]["resourceVersion"]
    page = eventually(lambda: settled(clerk.open(opened.url())), "all is indexed")
    assert "Inbox of Acme" in page.heading
    assert names(page)[:2] == ["page 59.pdf", "page 58.pdf"]
    assert len(names(page)) == 50
    assert "To be done (63)" in page.text
    (following,) = [link for link in page.parsed.links if "cursor=" in link and "/documents/" not in link]
    assert names(clerk.open(following))[-1] == "first.pdf"
    assert opened.binder()["metadata"]["resourceVersion"] == version


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=lefevre", ["first.pdf"]),
        ('q="net à payer"'.replace(" ", "+"), ["first.pdf"]),
        ("type=image", ["photo.png"]),
        ("q=lefevre&from=2026-11-24&to=2026-11-24", ["first.pdf"]),
        ("q=lefevre&from=2026-11-25", []),
        ("q=lefevre&channel=acme-onedrive", ["first.pdf"]),
        ("q=lefevre&channel=other", []),
        ("q=%3F&type=image", ["photo.png"]),
        ("q=lefevre&from=yesterday&type=x", ["first.pdf"]),
        ("state=done", []),
    ],
)
def test_documents_are_found(opened, clerk, query, expected):
    page = eventually(lambda: settled(clerk.open(f"{opened.url()}?{quote(query, safe='=&%+')}")), "all is indexed")
    assert names(page) == expected


def test_a_document_is_done_the_next_one_follows_and_it_is_put_back(opened, clerk):
    opened.add("done.pdf", "Unikum")
    opened.add("then.pdf", "Unikum")

    def both():
        page = settled(clerk.open(f"{opened.url()}?q=unikum"))
        return page if page and len(names(page)) == 2 else None

    page = eventually(both, "both are found")
    first = clerk.open(documents(page)[0])
    assert first.heading == "then.pdf"
    following = clerk.send(first, number=form_to(first, "/done"))
    assert following.heading == "done.pdf"
    assert names(clerk.open(f"{opened.url()}?q=unikum")) == ["done.pdf"]
    last = clerk.send(following, number=form_to(following, "/done"))
    assert "out of the inbox" in last.text
    assert {entry.record.name for entry in opened.store.inbox()}.isdisjoint({"done.pdf", "then.pdf"})
    back = clerk.send(last, number=form_to(last, "/undone"))
    assert back.heading == "done.pdf"
    assert "Mark as done" in back.text
    assert names(clerk.open(f"{opened.url()}?q=unikum")) == ["done.pdf"]


def test_documents_lead_to_their_neighbours_over_the_edge_of_a_page(opened, clerk):
    page = eventually(lambda: settled(clerk.open(opened.url())), "all is indexed")
    order = names(page)
    last = clerk.open(documents(page)[-1])
    assert last.heading == order[-1]
    (before,) = [link for tag, link in links_with(last, "prev")]
    assert clerk.open(before).heading == order[-2]
    (after,) = [link for tag, link in links_with(last, "next")]
    assert clerk.open(after).heading not in order


def links_with(page, rel):
    return [(tag, given["href"]) for tag, given in page.parsed.tags if tag == "a" and given.get("rel") == rel]


def test_all_runs_are_there_with_filters(opened, clerk):
    page = clerk.open(opened.url("/runs"))
    assert "There is <no> folder." in page.text
    assert "other" in page.text
    only = clerk.open(opened.url("/runs?result=Failed&channel=acme-onedrive&from=2026-11-01"))
    assert "There is <no> folder." in only.text
    assert len(only.body.split('<th scope="row">')) == 2
    assert "No run matches" in clerk.open(opened.url("/runs?result=Skipped")).text


def test_channels_lead_to_their_inbox_for_whom_may_read_it(opened, clerk, cluster, port):
    assert any(link == opened.url() for link in clerk.open(opened.company.url()).parsed.links)
    assert any("/runs?channel=" in link for link in clerk.open(opened.company.url(page="/history")).parsed.links)
    assert opened.url() in clerk.open("/console/inboxes").parsed.links
    runner = browser_at(cluster, port)
    page = signed_in(runner, opened.company.token("runner"), opened.company.url())
    assert opened.url() not in page.parsed.links


@pytest.mark.parametrize("page", ["", "/runs", "/documents/" + "0" * 32, "/documents/" + "0" * 32 + "/files/original"])
def test_who_may_not_read_documents_sees_none_and_has_nothing_opened(opened, cluster, port, page):
    before = opened.annotations
    for person in ("runner", "configurator", "nobody"):
        browser = browser_at(cluster, port)
        answer = signed_in(browser, opened.company.token(person), opened.url(page))
        assert answer.status == 403, person
        assert "binders/inbox" in answer.text
    assert browser_at(cluster, port).open(opened.url(page)).url.partition("?")[0].endswith("/console/sign-in")
    assert opened.annotations == before


def test_who_may_only_read_marks_nothing(opened, cluster, port):
    viewer = browser_at(cluster, port)
    page = signed_in(viewer, opened.company.token("viewer"), opened.url())
    shown = viewer.open(documents(page)[0])
    assert "Mark as done" not in shown.text
    form = shown.parsed.forms[0].fields["form"]
    action = shown.url.partition("?")[0] + "/done"
    answer = viewer.request("POST", action, {"form": form})
    assert answer.status == 403


@pytest.mark.parametrize("following", ["文" * 32, "../../../../../../../evil.example/", "é" * 32])
def test_a_form_leads_on_to_documents_alone(opened, clerk, following):
    opened.add("led.pdf", "Wegweiser")
    page = eventually(lambda: next(iter(documents(clerk.open(f"{opened.url()}?q=wegweiser"))), None), "it is found")
    first = clerk.open(page)
    after = clerk.send(first, number=form_to(first, "/done"), next=following)
    assert (after.status, "/documents/" in after.url) == (200, False)


def test_a_form_of_another_page_marks_nothing(opened, clerk):
    document = documents(clerk.open(opened.url()))[0].partition("?")[0]
    for fields in ({}, {"form": "forged"}):
        answer = clerk.request("POST", f"{PUBLIC}{document}/done", fields)
        assert answer.status == 403
    assert "Mark as done" in clerk.open(document).text


@pytest.mark.parametrize("page", ["/documents/x", "/documents/" + "0" * 32, "/documents/" + "F" * 32, "/x"])
def test_what_is_not_there_is_said(opened, clerk, page):
    assert clerk.open(opened.url(page)).status == 404


def test_the_pages_speak_french(opened, cluster, port):
    browser = browser_at(cluster, port, language="fr")
    page = signed_in(browser, opened.company.token("clerk"), opened.url())
    assert "Bannette de Acme" in page.heading
    assert "À saisir" in page.text
    assert "Marquer comme saisi" in browser.open(documents(page)[0]).text


def test_pages_of_many_documents_come_fast(opened, clerk):
    eventually(lambda: settled(clerk.open(opened.url())), "all is indexed")
    took = []
    for _ in range(10):
        began = time.monotonic()
        clerk.open(opened.url())
        took.append(time.monotonic() - began)
    # What else the machine does makes some of them late, and none early.
    assert min(took) < 2


def test_who_is_named_by_a_proxy_may_read_what_was_granted_to_them(opened, cluster, api, keys):
    bind(cluster, opened.company.namespace, "marie", "bannette-inbox")
    opened.company.wait_for_right("marie", "get", "binders", subresource="inbox")
    with serving(api, keys, ConsoleSettings("x-forwarded-user", inbox_port=PORT)) as behind:
        browser = browser_at(cluster, behind)
        browser.headers["X-Forwarded-User"] = "marie"
        page = eventually(lambda: settled(browser.open(opened.url())), "all is indexed")
        assert len(names(page)) == 50
        assert "Mark as done" in browser.open(documents(page)[0]).text
        browser.headers["X-Forwarded-User"] = "mallory"
        assert browser.open(opened.url()).status == 403
