"""The API server stumbles over any one write of what goes on beside the pages: it is done once, soon, and told."""

from __future__ import annotations

import time

import pytest

from bannette.accounts import ConnectionSecret
from bannette.connect import Attendant
from bannette.connect.doorstep import Reminder
from bannette.connect.watching import Watching
from bannette.onedrive import Client, DelegatedSignIn, endpoints_for
from bannette.resources import Recipient
from tests.collector.connected import refresh_tokens
from tests.connect.office import NAME, NAMESPACE, wait_until
from tests.connect.stumbles import FAULTS, Stumble, api_at, once, patience
from tests.connect.test_connection_requests import ask, channel_of, connect, pages
from tests.controller.between import Between

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

SOON = 40.0


@pytest.fixture
def between(office):
    with Between(office.server) as proxy:
        yield proxy


@pytest.fixture
def connected(office, simulator):
    office.open(locale="en")
    office.connection_made = connect(office, simulator)
    simulator.control.reset_counters()
    return office


@pytest.fixture
def start(connected, between, simulator, request):
    """What has the service look after channels, by the proxy."""
    running = []

    def start():
        api = api_at(connected, between.url, read=patience(request))
        watching, attendant = Watching(api, [NAMESPACE]), Attendant(api, simulator.environment)
        attendant.listen(watching)
        watching.start()
        attendant.start()
        running.append((watching, attendant))

    yield start
    for watching, attendant in running:
        watching.stop()
        attendant.stop()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["the Secret", "that it has changed"])
def test_an_account_is_disconnected_by_request_once(connected, between, start, write, fault):
    ask(connected, disconnect="A")
    between.fault = stumble = Stumble(["the Secret", "that it has changed"].index(write) + 1, FAULTS[fault])
    began = time.monotonic()
    start()
    wait_until(lambda: pages(connected).get("changedAt") and stumble.is_over, "the operator is told")
    assert time.monotonic() - began < SOON
    assert connected.connection is None
    disconnections = [asked for asked in stumble.writes if asked.path.endswith("/secrets/acme-onedrive-onedrive")]
    assert len(disconnections) <= (1 + len(FAULTS[fault]) if write == "the Secret" else 1)


def test_who_signs_in_while_the_answer_to_a_request_is_lost_stays_connected(connected, between, start, simulator):
    later = []
    ask(connected, disconnect="A")
    between.fault = once(1, lambda: later.append(connect(connected, simulator)))
    start()
    wait_until(lambda: pages(connected).get("changedAt"), "the operator is told")
    assert [connected.connection] == later


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["that it has begun", "the tokens", "what it found"])
def test_a_check_is_made_once_and_its_tokens_are_kept(connected, between, start, simulator, write, fault):
    ask(connected, check_connection="A")
    writes = ["that it has begun", "the tokens", "what it found"]
    between.fault = stumble = Stumble(writes.index(write) + 1, FAULTS[fault])
    began = time.monotonic()
    start()
    wait_until(lambda: pages(connected).get("check", {}).get("outcome") and stumble.is_over, "the check has ended")
    assert time.monotonic() - began < SOON
    assert pages(connected)["check"]["outcome"] == "Connected"
    assert simulator.control.count("token") == 1
    assert not refresh_tokens(connected.connection.tokens) & refresh_tokens(connected.connection_made.tokens)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_tokens_that_a_run_renews_are_kept(connected, between, simulator, fault, request):
    api = api_at(connected, between.url, read=patience(request))
    store = ConnectionSecret.of(api.within(NAMESPACE), channel_of(connected))
    held = store.load()
    run = DelegatedSignIn(endpoints_for("Global", simulator.environment), Client(simulator.client_id), store, held)
    between.fault = stumble = Stumble(1, FAULTS[fault])
    given = run.token(force=True)
    assert stumble.is_over
    assert simulator.control.count("token") == 1
    assert given in connected.connection.tokens
    assert not refresh_tokens(connected.connection.tokens) & refresh_tokens(held.tokens)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mail_that_is_asked_for_at_the_doorstep_is_asked_for_once(office, between, fault, request):
    office.open()
    reminder = Reminder(api_at(office, between.url, read=patience(request)))
    reminder.start()
    between.fault = stumble = Stumble(1, FAULTS[fault])
    reminder.ask(NAMESPACE, NAME)
    wait_until(lambda: stumble.is_over and requested_at(office), "the mail is asked for")
    reminder.stop()


def requested_at(office):
    (told,) = Recipient.parse(office.api().within(NAMESPACE).get("recipients", "marie")).status.channels or (None,)
    return told and told.requested_at
