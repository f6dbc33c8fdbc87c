"""Connections that are lost, or about to lapse: their owners are told, with what to do, once for each loss."""

from __future__ import annotations

import pytest

from bannette.onedrive import sign_in_refusals
from bannette.resources import format_time
from tests.asking.firm import LAPSING, LOST, REMINDER, links_in, subjects, text_of

pytestmark = pytest.mark.apiserver


def test_a_loss_is_told_of_once_and_another_one_again(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    service.look(minutes=2)
    assert subjects(mails) == []
    firm.stands("acme-onedrive", "PasswordChanged")
    service.look(minutes=2)
    service.look(hours=5)
    assert subjects(mails) == [LOST]
    assert "The password of the account was changed." in text_of(mails.taken.mails[0])
    firm.stands("acme-onedrive", "Connected")
    service.look(hours=1)
    firm.stands("acme-onedrive", "ConnectionRevoked")
    service.look(hours=1)
    assert subjects(mails) == [LOST], "two losses within a day are two mails"
    service.look(days=1)
    assert subjects(mails) == [LOST, LOST]
    service.look(days=3.1)
    assert subjects(mails) == [LOST, LOST, REMINDER]


def test_a_sign_in_that_was_lost_while_the_operator_was_away_is_told_of(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.stands("acme-onedrive", "PasswordChanged")
    service.look(minutes=2)
    assert subjects(mails) == [LOST]
    firm.clock.forward(days=30)
    # Somebody signed in, and a run lost that: the condition stays as it was.
    connection = {"account": "acme-onedrive@acme.example", "connectedAt": format_time(firm.clock())}
    firm.change("CollectionChannel", "acme-onedrive", {"status": {"connection": connection}}, status=True)
    service.look(minutes=2)
    assert subjects(mails) == [LOST, LOST]
    service.look(days=1)
    assert subjects(mails) == [LOST, LOST]


def test_a_loss_that_no_sign_in_mends_is_nothing_to_ask_the_client_for(firm, mails, service):
    """What Microsoft says of the application; but a client's own administrator has to let it, or the account, in."""
    tables = (sign_in_refusals._CONFIGURATION, sign_in_refusals._REGISTRATION)
    reasons = {reason for table in tables for reason, _ in table.values()} | {"SignInFailed"}
    of_the_client = {"AdminConsentNeeded", "UserNotAssigned"}
    assert len(reasons) > len(of_the_client) + 10
    firm.recipient()
    for reason in reasons - of_the_client:
        firm.channel(reason.lower(), standing=reason)
    service.look(minutes=2)
    service.look(days=4)
    assert subjects(mails) == []


BACK = "&redirect_uri=https%3A%2F%2Fconnect.bannette.example%2Fcallback"
AGREE = "https://login.microsoftonline.com/organizations/adminconsent?client_id=bannette" + BACK


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_what_the_clients_administrator_has_to_do_is_told_with_the_link_where_there_is_one(
    firm, mails, service, locale
):
    firm.recipient(locale=locale)
    firm.channel("acme-consent", standing="AdminConsentNeeded")
    firm.channel("acme-assign", standing="UserNotAssigned")
    service.look(minutes=2)
    service.look(days=3.1)
    assert len(mails.taken.mails) == 2
    by_words = {
        "en": "to assign acme-assign@acme.example to the application bannette, then connect again.",
        "fr": "d'affecter acme-assign@acme.example à l'application bannette, puis reconnectez le compte.",
    }
    for mail in mails.taken.mails:
        text = text_of(mail)
        assert text.splitlines().count(AGREE) == 1
        assert by_words[locale] in text
        assert AGREE.replace("&", "&amp;") in mail.get_body(("html",)).get_content()
        first, second = (link.partition("?")[0].rpartition("/")[2] for link in links_in(mail))
        assert text.index(f"/{first}?") < text.index(AGREE) < text.index(f"/{second}?")
        assert (first, second) == ("acme-assign", "acme-consent"), "the link stands with another channel"


def test_a_loss_that_no_administrator_mends_has_no_link_for_them(firm, mails, service):
    firm.recipient()
    firm.channel(standing="ConditionalAccess")
    service.look(minutes=2)
    assert "adminconsent" not in text_of(mails.taken.mails[0])


def test_an_unused_connection_is_warned_of_before_microsoft_ends_it(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected", suspend=True)
    service.look(days=75)
    assert subjects(mails) == []
    service.look(days=2)
    service.look(days=30)
    assert subjects(mails) == [LAPSING]


def test_a_connection_counts_as_used_when_it_is_checked_or_a_run_uses_it(firm, mails, service):
    """Who has a run a day is never warned; who is suspended, 76 days after the last use."""
    firm.recipient()
    firm.channel(standing="Connected")
    for _ in range(4):
        service.look(days=40)
        firm.ran("acme-onedrive", {"completedAt": format_time(firm.clock())})
    service.look(days=20)
    checked = {"connection": {"checkedAt": format_time(firm.clock())}}
    firm.change("CollectionChannel", "acme-onedrive", {"spec": {"suspend": True}})
    firm.change("CollectionChannel", "acme-onedrive", {"status": checked}, status=True)
    service.look(days=60)
    service.look(days=15)
    assert subjects(mails) == []
    # A run that didn't take place uses nothing.
    firm.ran("acme-onedrive", {"completedAt": format_time(firm.clock()), "result": "Skipped"})
    service.look(days=2)
    assert subjects(mails) == [LAPSING]
    assert len(links_in(mails.taken.mails[0])) == 1
    firm.stands("acme-onedrive", "Connected")
    service.look(days=75)
    service.look(days=2)
    assert subjects(mails) == [LAPSING, LAPSING], "a connection that was renewed lapses once more"
