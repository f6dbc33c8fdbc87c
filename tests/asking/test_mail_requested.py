"""Whoever lost the mail with the link may ask for another one at the channel's page, within the pace of all mails."""

from __future__ import annotations

import pytest

from bannette.connect.asking import request_mail
from bannette.errors import PersonNeeded
from bannette.resources import Channel
from tests.asking.firm import links_in
from tests.asking.test_asked_for import CONNECT, REMINDER, subjects

pytestmark = pytest.mark.apiserver


def request(firm, name="acme-onedrive"):
    channel = Channel.parse(firm.body("CollectionChannel", name))
    recipient = request_mail(firm.api(), channel, now=firm.clock())
    firm.versions["recipients", recipient.name] = int(
        firm.body("Recipient", recipient.name)["metadata"]["resourceVersion"]
    )
    return recipient


def test_one_more_mail_comes_an_hour_after_the_last_one(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    service.look(minutes=30)
    assert request(firm).email == "marie@acme.example"
    service.look()
    assert subjects(mails) == [CONNECT]
    service.look(minutes=31)
    assert subjects(mails) == [CONNECT, REMINDER]
    assert len(links_in(mails.taken.mails[1])) == 1
    service.look(days=3.1)
    service.look(days=4)
    assert subjects(mails) == [CONNECT, REMINDER, REMINDER, REMINDER], "it took a reminder away"


def test_asking_again_and_again_is_one_mail(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    service.look(hours=2)
    for _ in range(5):
        request(firm)
    version = firm.body("Recipient", "marie")["metadata"]["resourceVersion"]
    request(firm)
    assert firm.body("Recipient", "marie")["metadata"]["resourceVersion"] == version, "each request is a write"
    service.look()
    service.look(minutes=5)
    assert subjects(mails) == [CONNECT, REMINDER]
    for _ in range(10):
        request(firm)
        service.look(minutes=61)
    assert len(mails.taken.mails) <= 8, "people are flooded by whoever opens the page"


def test_what_was_never_asked_for_is_sent_at_once(firm, mails, service):
    firm.recipient()
    firm.channel(suspend=True)
    service.look(days=1)
    assert subjects(mails) == []
    request(firm)
    service.look()
    assert subjects(mails) == [CONNECT]


def test_an_account_that_is_connected_needs_no_mail(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    request(firm)
    service.look(hours=2)
    assert subjects(mails) == []


def test_a_recipient_that_is_not_there_is_named(firm):
    firm.channel(recipient="jean")
    with pytest.raises(PersonNeeded, match='recipients "jean"') as missing:
        request(firm)
    assert missing.value.reason == "NotFound"
