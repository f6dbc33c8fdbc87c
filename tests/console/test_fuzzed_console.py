"""Whatever is sent to the console, it answers, and never by an error of its own; its words, in all languages."""

from __future__ import annotations

import http.client
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bannette.console.faults import Fault
from bannette.console.rendering import WORDS, render
from bannette.web.rendering import LANGUAGES
from tests.connect.office import PUBLIC
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import SETTINGS, Served
from tests.controller.cluster import eventually

HOST = PUBLIC.removeprefix("https://")
INJECTED = "/console/\r\nX-Injected: 1\r\n\r\n<h1>Injected"
# All of it is sent in escapes.
ODD = st.one_of(st.text(st.characters(codec="latin-1"), max_size=40), st.just(INJECTED))
# What HTTP allows there (RFC 9110, 5.5). The rest isn't for pages to answer: the server refuses it and resets the
# connection when a body follows.
HEADER = st.text(st.characters(codec="latin-1", exclude_characters=[*map(chr, range(32)), "\x7f"]), max_size=40)
FIELDS = st.one_of(
    st.sampled_from(
        ["form", "token", "next", "ended", "to", "namespace", "q", "state", "page", "request", "result", "trigger",
         "from", "name", "account", "login_hint", "recipient", "binder", "time", "zone", "recipient_name", "email",
         "cursor", "type", "channel", "show"]
    ),
    ODD,
)  # fmt: skip


@pytest.fixture(scope="module")
def place(cluster, api, keys, tmp_path_factory):
    """A console with an inbox that is open, and somebody who may do all there."""
    served = Served(cluster, keys, tmp_path_factory.mktemp("inbox"))
    document = served.add("Facture.pdf", "net")
    served.add("Ticket.html", "net", media_type="text/html", extension="html")
    company = served.company
    cluster.server.kubectl(
        "-n", company.namespace, "create", "rolebinding", "clerk-configurator",
        "--clusterrole=bannette-configurator", f"--serviceaccount={company.namespace}:clerk",
    )  # fmt: skip
    with serving(api, keys, SETTINGS) as port:
        browser = browser_at(cluster, port)
        signed_in(browser, company.token("clerk"), served.url())
        with served.reader():
            shown = eventually(lambda: "Facture.pdf" in browser.open(served.url()).text, "the inbox is open")
            assert shown
            page = browser.open(f"/console/new?namespace={company.namespace}")
            yield port, addresses(served, document), company, page.parsed.forms[-1].fields, dict(browser.cookies)


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("latin-1"))


def addresses(served, document):
    """Return the addresses of all pages about the company."""
    of_channel = ["", "/history", "/run", "/run/progress", "/connect", "/check", "/disconnect", "/x"]
    of_document = ["", "/done", "/undone", "/files/original", "/files/original?show", "/files/text", "/files/x"]
    of_inbox = ["", "/runs", "/open", *(f"/documents/{document}{page}" for page in of_document), "/documents/x"]
    return [
        *(served.company.url(page=page) for page in of_channel),
        *map(served.url, of_inbox),
        *(
            f"/console{page}"
            for page in ["", "/", "/channels", "/sign-in", "/sign-out", "/language", "/new", "/inboxes", "/static/x"]
        ),
    ]


def pages_of(known, company):
    inbox = f"/console/inboxes/{company.namespace}"
    anything = ODD.map(quoted)
    return st.one_of(
        st.sampled_from(known),
        anything.map(lambda text: f"/console/channels/{text}"),
        anything.map(lambda text: f"/console/channels/{company.namespace}/{text}"),
        anything.map(lambda text: f"{inbox}/{text}"),
        anything.map(lambda text: f"{inbox}/purchases/documents/{text}"),
    )


@pytest.mark.apiserver
@pytest.mark.timeout(300)
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_no_request_makes_the_console_fail(place, data):
    port, pages, company, form, cookies = place
    known = [*form.values(), company.namespace, "+", "2026-11-24", "1", "99999999", "x" * 3000]
    values = st.one_of(ODD, st.sampled_from(known))
    fields = data.draw(st.lists(st.tuples(FIELDS, values), max_size=8))
    if data.draw(st.booleans()):
        fields = [*form.items(), *fields]
    text = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields if value.isascii())
    method = data.draw(st.sampled_from(["GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS"]))
    headers = {"Host": HOST, "Accept-Language": data.draw(HEADER)}
    kept = dict(cookies) if data.draw(st.booleans()) else {}
    if data.draw(st.booleans()):
        kept |= data.draw(st.dictionaries(st.sampled_from([*cookies, "__Host-console-1", "__Host-language"]), HEADER))
    headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
    if data.draw(st.booleans()):
        headers["Authorization"] = data.draw(st.one_of(HEADER, HEADER.map("Bearer {}".format)))
    if method == "POST":
        body = data.draw(st.one_of(st.just(text.encode()), st.binary(max_size=200)))
        headers["Content-Type"] = data.draw(st.sampled_from(["application/x-www-form-urlencoded", "text/plain", ""]))
    else:
        body = None
    for name in ("Range", "If-None-Match", "If-Range"):
        if data.draw(st.booleans()):
            headers[name] = data.draw(st.one_of(HEADER, st.from_regex(r"\Abytes=[0-9]{0,30}-[0-9]{0,30}\Z")))
    path = data.draw(pages_of(pages, company))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        following = "&" if "?" in path else "?"
        connection.request(method, f"{path}{following}{text}" if text and method != "POST" else path, body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
    finally:
        connection.close()
    # The API server of a busy machine may be late.
    assert answer.status < 500 or answer.status == 503, (method, path, fields)
    assert "Traceback" not in page
    assert answer.headers["X-Injected"] is None
    assert "<h1>Injected" not in page
    location = answer.headers["Location"]
    allowed = ("/console", f"{PUBLIC}/c/{company.namespace}/")
    assert location is None or location.startswith(allowed), location


def test_all_languages_have_the_same_words_with_the_same_gaps():
    english, french = (WORDS[name] for name in ("en", "fr"))
    assert english.keys() == french.keys()
    for key, text in english.items():
        gaps = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in (text, french[key])]
        assert gaps[0] == gaps[1], key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.text)
def test_every_fault_has_a_page_that_says_what_to_do(fault, language):
    common = {"person": "<p>", "may_sign_out": True, "form": "f", "address": "/console/<x>", "root": "/console"}
    page = render("fault", language, {**common, "fault": fault.text, "detail": "<x>"})
    assert f'<html lang="{language}">' in page
    assert page.count("<h1>") == 1
    assert "<x>" not in page
    assert "<p>" not in page.partition("<h1>")[0]
