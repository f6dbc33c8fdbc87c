"""The inbox in the console: a real binder behind a real reader, opened as an operator would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from bannette.binder import Invoice
from bannette.console import ConsoleSettings
from tests.connect.office import PUBLIC
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import INBOX, PORT, SETTINGS, Served
from tests.controller.cluster import eventually
from tests.controller.people import bind

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

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


def settled(page):
    return page if "have been read for the search so far" not in page.text else None


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
    began = time.monotonic()
    for _ in range(5):
        clerk.open(opened.url())
    assert (time.monotonic() - began) / 5 < 2


def test_who_is_named_by_a_proxy_may_read_what_was_granted_to_them(opened, cluster, api, keys):
    bind(cluster, opened.company.namespace, "marie", "bannette-inbox")
    with serving(api, keys, ConsoleSettings("x-forwarded-user", inbox_port=PORT)) as behind:
        browser = browser_at(cluster, behind)
        browser.headers["X-Forwarded-User"] = "marie"
        page = eventually(lambda: settled(browser.open(opened.url())), "all is indexed")
        assert len(names(page)) == 50
        assert "Mark as done" in browser.open(documents(page)[0]).text
        browser.headers["X-Forwarded-User"] = "mallory"
        assert browser.open(opened.url()).status == 403


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
