"""What a mail server may answer, or not: whether a person is needed or the mail is tried again."""

from __future__ import annotations

import time

import pytest

from bannette.errors import PersonNeeded, Transient
from tests.notify.mail_server import CLOSE, DRIP, HANG, ScriptedServer, free_port
from tests.notify.sending import send

# What a conversation takes on a busy machine, up to where the server falls silent; and far more than it may take then.
BRIEF, LONG = 2.0, 40.0
REFUSED = {
    "greeting": "MailServerRefuses",
    "AUTH": "MailSignInRefused",
    "MAIL": "MailSenderRefused",
    "RCPT": "MailAddressRefused",
    "DATA": "MailRefused",
    "text": "MailRefused",
}


@pytest.mark.parametrize(("moment", "reason"), REFUSED.items())
def test_what_is_refused_for_good_takes_a_person(credentials, moment, reason):
    said = "550 5.7.1 not like this"
    with ScriptedServer({moment: said}) as server, pytest.raises(PersonNeeded) as refused:
        send(server.port, **credentials)
    assert refused.value.reason == reason
    assert said in str(refused.value)


@pytest.mark.parametrize("code", [421, 451])
@pytest.mark.parametrize("moment", REFUSED)
def test_what_is_put_off_is_tried_again(credentials, moment, code):
    with ScriptedServer({moment: f"{code} 4.7.0 later"}) as server, pytest.raises(Transient) as refused:
        send(server.port, **credentials)
    assert refused.value.reason == "MailPutOff"
    assert f"{code} 4.7.0 later" in str(refused.value)


@pytest.mark.parametrize("moment", [*REFUSED, "EHLO"])
def test_a_connection_that_breaks_off_is_tried_again(credentials, moment):
    with ScriptedServer({moment: CLOSE}) as server, pytest.raises(Transient) as broken:
        send(server.port, **credentials)
    assert broken.value.reason == ("MailUnconfirmed" if moment == "text" else "MailUnreachable")


@pytest.mark.parametrize("moment", [*REFUSED, "EHLO"])
def test_a_server_that_hangs_is_given_up(credentials, moment):
    before = time.monotonic()
    with ScriptedServer({moment: HANG}) as server, pytest.raises(Transient) as late:
        send(server.port, seconds=BRIEF, **credentials)
    assert late.value.reason == ("MailUnconfirmed" if moment == "text" else "MailTimedOut")
    assert time.monotonic() - before < LONG


@pytest.mark.parametrize("moment", ["EHLO", "RCPT", "text"])
def test_a_server_that_drips_for_ever_is_given_up(credentials, moment):
    before = time.monotonic()
    with ScriptedServer({moment: DRIP}) as server, pytest.raises(Transient) as late:
        # The whole of it may take three times as long as one answer.
        send(server.port, seconds=BRIEF / 2, **credentials)
    assert late.value.reason == ("MailUnconfirmed" if moment == "text" else "MailTimedOut")
    assert time.monotonic() - before < LONG


@pytest.mark.parametrize("moment", ["QUIT"])
@pytest.mark.parametrize("farewell", [CLOSE, HANG, "500 no"])
def test_a_farewell_that_fails_does_not_send_the_mail_twice(moment, farewell):
    with ScriptedServer({moment: farewell}) as server:
        assert send(server.port, seconds=BRIEF)


@pytest.mark.parametrize("said", ["nonsense", "999 what", "250 no go-ahead", "x" * 9000], ids=lambda said: said[:20])
def test_nonsense_is_an_error_that_can_be_named(said):
    with ScriptedServer({"DATA": said}) as server, pytest.raises((PersonNeeded, Transient)) as failed:
        send(server.port)
    assert len(str(failed.value)) < 500
    assert len(str(failed.value).splitlines()) == 1


def test_a_server_that_is_down_is_tried_again():
    with pytest.raises(Transient, match="can't be reached") as down:
        send(free_port())
    assert down.value.reason == "MailUnreachable"


def test_a_host_without_an_address_is_tried_again():
    with pytest.raises(Transient, match="has no address") as unknown:
        send(25, host="mail.invalid")
    assert unknown.value.reason == "MailUnreachable"
