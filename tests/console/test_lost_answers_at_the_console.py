"""The API server stumbles over any one write of the console: it is done once, and the person sees so."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from bannette.kube import ClusterApi
from tests.connect.office import PUBLIC
from tests.connect.stumbles import FAULTS, PATIENT, PLAIN, READ, Stumble, once, patience
from tests.console.desk import SERVICE, Company, browser_at, serving, signed_in
from tests.console.test_channel_pages import entry
from tests.console.test_creating_a_channel import DELEGATED, marked
from tests.console.test_looking_after_a_connection import CONNECTED, annotations
from tests.controller.between import Answer, Between

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

SOON = 30.0
OURS = "/apis/bannette.io/"
AWAY = [Answer.refusal(503, "ServiceUnavailable")] * 100
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def between(cluster):
    with Between(cluster.server) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def stumbling_ports(cluster, keys, between):
    """Consoles that reach the API server by the proxy, by how long they wait for its answers."""
    between.fault = lambda asked: None
    token = cluster.service_account_token("default", SERVICE)
    with ExitStack() as stack:
        ports = {}
        for read in (READ, PATIENT):
            api = ClusterApi(between.url, namespace="default", token=token, attempts=2, timeout=(10, read))
            ports[read] = stack.enter_context(serving(api, keys))
        yield ports


@pytest.fixture
def stumbling(cluster, between, stumbling_ports, request):
    between.fault = lambda asked: None
    return browser_at(cluster, stumbling_ports[patience(request)])


@pytest.fixture(scope="module")
def firm(cluster):
    made = Company(cluster)
    made.says(CONNECTED)
    return made


@pytest.fixture
def draft():
    """What is written into the form of a channel and a recipient that are new."""
    number = next(_numbers)
    recipient = {"recipient": "+", "recipient_name": f"paul-{number}", "display_name": "Paul", "locale": "en"}
    return {**DELEGATED, "name": f"beta-{number}", **recipient, "email": "paul@acme.example"}


def asked_for(page):
    (request,) = parse_qs(urlsplit(page.url).query)["request"]
    return request


@pytest.mark.parametrize("fault", FAULTS | PLAIN)
@pytest.mark.parametrize(
    ("page", "annotation"), [("/run", "bannette.io/requestedAt"), ("/disconnect", "bannette.io/disconnect")]
)
def test_what_is_asked_of_a_channel_is_asked_once(firm, between, stumbling, page, annotation, fault):
    signed_in(stumbling, firm.token("configurator"))
    confirm = stumbling.open(firm.url(page=page))
    between.fault = stumble = Stumble(1, (FAULTS | PLAIN)[fault], within=OURS)
    began = time.monotonic()
    asked = stumbling.send(confirm, number=-1)
    assert asked.status == 200
    assert time.monotonic() - began < SOON
    assert stumble.is_over
    assert annotations(firm)[annotation] == asked_for(asked)


@pytest.mark.parametrize("page", ["/run", "/disconnect"])
def test_a_form_that_is_sent_again_asks_for_the_same(firm, between, stumbling, page):
    """The API server did what it was asked, and was away afterwards for longer than a page is waited for."""
    annotation = {"/run": "bannette.io/requestedAt", "/disconnect": "bannette.io/disconnect"}[page]
    signed_in(stumbling, firm.token("configurator"))
    confirm = stumbling.open(firm.url(page=page))
    between.fault = Stumble(1, [*FAULTS["the answer is lost"], *AWAY], within=OURS)
    away = stumbling.send(confirm, number=-1)
    assert (away.status, away.heading) == (503, "Not available at the moment")
    done = annotations(firm)[annotation]
    between.fault = lambda asked: None
    again = stumbling.send(confirm, number=-1)
    assert (again.status, asked_for(again)) == (200, done)
    assert annotations(firm)[annotation] == done


def test_a_form_that_is_sent_again_once_its_run_has_ended_leaves_other_requests_alone(cluster, browser):
    firm = Company(cluster)
    signed_in(browser, firm.token("runner"))
    confirm = browser.open(firm.url(page="/run"))
    request = asked_for(browser.send(confirm, number=-1))
    other = asked_for(browser.send(browser.open(firm.url(page="/run")), number=-1))
    ended = entry(9, trigger="Manual", request=request)
    now = datetime.now(UTC)
    firm.says(
        {"history": [{**ended, "completedAt": now.isoformat(timespec="seconds")}], "lastHandledRequestedAt": request}
    )
    assert asked_for(browser.send(confirm, number=-1)) == request
    assert annotations(firm)["bannette.io/requestedAt"] == other
    # Much later it is another wish, which a way back in the browser led to.
    long_ago = (now - timedelta(minutes=3)).isoformat(timespec="seconds")
    firm.says({"history": [{**ended, "completedAt": long_ago}]})
    new = asked_for(browser.send(confirm, number=-1))
    assert new not in (request, other)
    assert annotations(firm)["bannette.io/requestedAt"] == new


@pytest.mark.parametrize("held", ["", "x" * 200, "<b>", "a b"])
def test_a_form_that_holds_no_request_makes_one(firm, browser, held):
    signed_in(browser, firm.token("runner"))
    confirm = browser.open(firm.url(page="/run"))
    request = asked_for(browser.send(confirm, number=-1, request=held))
    assert annotations(firm)["bannette.io/requestedAt"] == request != held


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["try the recipient", "try the channel", "the recipient", "the channel"])
def test_a_channel_is_created_with_its_recipient(firm, between, stumbling, draft, write, fault):
    signed_in(stumbling, firm.token("configurator"))
    form = stumbling.open(f"/console/new?namespace={firm.namespace}")
    writes = ["try the recipient", "try the channel", "the recipient", "the channel"]
    between.fault = stumble = Stumble(writes.index(write) + 1, FAULTS[fault], within=OURS)
    began = time.monotonic()
    saved = stumbling.send(form, number=-1, **draft)
    assert f"{draft['name']} is saved." in saved.text
    assert time.monotonic() - began < SOON
    assert stumble.is_over
    assert firm.get("collectionchannels", draft["name"])["spec"]["recipient"] == {"name": draft["recipient_name"]}
    assert firm.get("recipients", draft["recipient_name"])["spec"]["email"] == draft["email"]


def test_a_form_that_is_sent_again_finds_what_it_made(firm, between, stumbling, draft):
    signed_in(stumbling, firm.token("configurator"))
    form = stumbling.open(f"/console/new?namespace={firm.namespace}")
    between.fault = Stumble(4, [*FAULTS["the answer is lost"], *AWAY], within=OURS)
    assert stumbling.send(form, number=-1, **draft).status == 503
    between.fault = lambda asked: None
    assert f"{draft['name']} is saved." in stumbling.send(form, number=-1, **draft).text
    # Of another folder, or of another person, it is another one.
    page = stumbling.send(form, number=-1, **{**draft, "folder": "/Other"})
    assert (page.status, marked(page, "name")) == (422, "There is one of this name already.")
    page = stumbling.send(form, number=-1, **{**draft, "email": "pauline@acme.example"})
    assert (page.status, bool(marked(page, "recipient_name"))) == (422, True)


def test_a_name_that_somebody_else_takes_meanwhile_is_said_to_be_taken(firm, between, stumbling, draft):
    signed_in(stumbling, firm.token("configurator"))
    form = stumbling.open(f"/console/new?namespace={firm.namespace}")

    def take() -> None:
        firm.delete("collectionchannels", draft["name"])
        firm.channel(draft["name"], login_hint="other@acme.example")

    between.fault = once(2, take, within=OURS)
    page = stumbling.send(form, number=-1, **{**draft, "recipient": "marie"})
    assert (page.status, bool(marked(page, "name"))) == (422, True)


def test_a_server_that_asks_for_more_time_than_a_page_has_is_said_to_be_away(firm, between, stumbling):
    signed_in(stumbling, firm.token("viewer"))
    throttled = []

    def throttle(asked):
        if firm.namespace not in asked.path:
            return None
        throttled.append(asked)
        return Answer.throttle(60)

    between.fault = throttle
    began = time.monotonic()
    page = stumbling.open(firm.url())
    assert (page.status, page.heading) == (503, "Not available at the moment")
    assert len(throttled) == 1, "it was asked once more"
    assert time.monotonic() - began < SOON
    between.fault = Stumble(1, [], within=OURS)
    assert stumbling.request("GET", f"{PUBLIC}{firm.url()}").status == 200
