"""Whoever lost the mail with the link may ask for another one at the channel's page, within the pace of all mails."""

from __future__ import annotations

import pytest

from bannette.connect.asking import request_mail
from bannette.errors import PersonNeeded
from bannette.resources import Channel
from tests.asking.firm import links_in, text_of
from tests.asking.test_asked_for import CONNECT, REMINDER, subjects

pytestmark = pytest.mark.apiserver


def request(firm, name="acme-onedrive", url=None):
    channel = Channel.parse(firm.body("CollectionChannel", name))
    recipient = request_mail(firm.api(url=url), channel, now=firm.clock())
    note(firm, recipient.name)
    return recipient


def note(firm, recipient="marie"):
    """Let the service hear of what was written to a recipient, before it looks again."""
    firm.versions["recipients", recipient] = int(firm.body("Recipient", recipient)["metadata"]["resourceVersion"])


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


def test_who_asks_all_day_gets_three_mails_sent_and_keeps_none_of_the_others_back(firm, mails, service):
    firm.recipient()
    firm.channel()
    firm.channel("acme-archive")
    service.look(minutes=2)
    at = []
    for step in range(1, 47):
        for name in ("acme-onedrive", "acme-archive"):
            request(firm, name)
        service.look(minutes=31)
        at += [step] * (len(mails.taken.mails) - 1 - len(at))
    hours = [round(step * 31 / 60, 1) for step in at]
    assert hours == [1.0, 4.1, 13.4]
    assert [one.get("requested", False) for one in firm.status()["mails"]] == [True, True, True, False]
    firm.channel("acme-new")
    request(firm, "acme-new")
    service.look(minutes=2)
    assert "acme-new@acme.example" in text_of(mails.taken.mails[-1]), "a stranger keeps a mail back that is due"
    firm.stands("acme-archive", "Connected")
    service.look(hours=1)
    firm.stands("acme-archive", "PasswordChanged")
    service.look(days=1.5)
    # Another mail waited longer.
    service.look(minutes=11)
    assert "Acme & Fils: your OneDrive is no longer connected" in subjects(mails)


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


def test_what_was_asked_for_while_the_account_was_connected_is_no_request_once_it_is_not(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.clock.forward(days=1)
    request(firm)
    service.look(days=30)
    assert subjects(mails) == []
    firm.stands("acme-onedrive", "Never")
    service.look(hours=23)
    assert subjects(mails) == [], "somebody disconnected it, and they are asked for it at once"
    service.look(hours=2)
    assert subjects(mails) == [CONNECT]
    service.look(minutes=5)
    request(firm)
    service.look(hours=2)
    assert subjects(mails) == [CONNECT, REMINDER]
    assert [one.get("requested", False) for one in firm.status()["mails"]] == [True, False]


def test_what_was_asked_for_before_the_account_was_connected_may_be_asked_for_again(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.clock.forward(days=1)
    request(firm)
    firm.clock.forward(days=1)
    firm.stands("acme-onedrive", "Never")
    firm.clock.forward(hours=1)
    request(firm)
    service.look()
    assert subjects(mails) == [CONNECT], "the earlier request is taken for this one"
