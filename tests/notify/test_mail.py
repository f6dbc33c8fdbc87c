"""Mails arrive in both forms with their headers, at the addresses of their recipients and at no others."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from bannette.errors import PersonNeeded
from bannette.notify import messages
from bannette.notify.mail import Mailer
from bannette.resources import Recipient
from tests.notify.mail_server import ScriptedServer, mail_server
from tests.notify.mails import ask, recipient
from tests.notify.sending import MESSAGE, send, settings


def test_a_mail_arrives_in_both_forms_with_its_headers():
    with mail_server() as server:
        message_id = send(server.port)
    (mail,) = server.taken.mails
    assert (server.taken.senders, server.taken.addressees) == (["documents@acme.example"], [["marie@acme.example"]])
    assert mail["From"] == "Acme <documents@acme.example>"
    assert mail["To"] == "Marie Dupont <marie@acme.example>"
    assert mail["Subject"] == MESSAGE.subject == "Été & Fils\u00a0: connectez votre OneDrive"
    assert mail["Message-ID"] == message_id
    assert re.fullmatch(r"<[^@>\s]+@acme\.example>", message_id)
    assert abs(parsedate_to_datetime(mail["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "fr"
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines() == MESSAGE.text.splitlines()
    assert html.get_content().splitlines() == MESSAGE.html.splitlines()


def test_what_goes_over_the_wire_is_ascii_in_short_lines():
    with mail_server() as server:
        send(server.port)
    (raw,) = server.taken.raw
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_each_mail_has_an_id_of_its_own():
    with mail_server() as server:
        assert send(server.port) != send(server.port)
    assert len(server.taken.mails) == 2


def test_a_mail_that_is_sent_again_has_the_same_id():
    with mail_server() as server:
        mailer = Mailer(settings(server.port))
        ids = {mailer.send(recipient(), MESSAGE, message_id="0f1e2d") for _ in range(2)}
    assert ids == {"<0f1e2d@acme.example>"} == {mail["Message-ID"] for mail in server.taken.mails}


def test_the_name_of_the_machine_is_not_told():
    with mail_server() as server:
        send(server.port)
    (greeting,) = server.taken.greetings
    assert greeting in ("[127.0.0.1]", "[IPv6:::1]")
    assert socket.gethostname() not in server.taken.raw[0].decode()


def test_a_domain_that_is_not_ascii_is_written_as_the_dns_has_it():
    marie = Recipient(name="marie", namespace="acme", display_name="Marie", email="marie@Bücher.example")
    with mail_server() as server:
        send(server.port, to=marie)
    assert server.taken.addressees == [["marie@xn--bcher-kva.example"]]


def test_an_address_that_is_not_ascii_goes_to_a_server_that_takes_it():
    zoe = Recipient(name="zoe", namespace="acme", display_name="Zoé", email="zoé@acme.example")
    with mail_server(enable_SMTPUTF8=True) as server:
        send(server.port, to=zoe)
    assert server.taken.addressees == [["zoé@acme.example"]]
    assert "\r\nTo: Zoé <zoé@acme.example>\r\n" in server.taken.raw[0].decode()


def test_an_address_that_is_not_ascii_is_refused_where_the_server_does_not_take_it():
    zoe = Recipient(name="zoe", namespace="acme", display_name="Zoé", email="zoé@acme.example")
    with ScriptedServer({}) as server, pytest.raises(PersonNeeded, match="no SMTPUTF8") as refused:
        send(server.port, to=zoe)
    assert refused.value.reason == "MailAddressRefused"
    assert not any(line.startswith("MAIL") for line in server.heard)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "marie",
        "marie@acme.example\r\nBcc: all@acme.example",
        "marie@acme.example>\r\nDATA",
        "marie\x00@acme.example",
        "marie@acme\u2028.example",
        "marie@acme.example, eve@acme.example",
        "Eve <eve@acme.example>",
        "marie@-\u00e9.example",
        "marie@" + "\u00e9" * 80 + ".example",
    ],
    ids=ascii,
)
def test_what_is_no_address_is_not_written_to(address):
    nobody = Recipient(name="marie", namespace="acme", display_name="Marie", email=address)
    with ScriptedServer({}) as server, pytest.raises(PersonNeeded, match=r"correct spec\.email") as refused:
        send(server.port, to=nobody)
    assert refused.value.reason == "MailAddressInvalid"
    assert server.heard == []


HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("Content-Language", "Content-Type", "MIME-Version"),
}
HOSTILE = [
    "Marie\r\nBcc: eve@acme.example",
    "Marie\nX: y",
    "=?utf-8?q?Marie=0D=0ABcc:_eve=40acme.example?=",
    "=?utf-8?b?TWFyaWUNCkJjYzogZXZlQGFjbWUuZXhhbXBsZQ==?=",
    'Marie" <eve@acme.example>, "x',
    "Marie\u2028Bcc: eve@acme.example",
    "é" * 200 + "\r\nBcc: eve@acme.example",
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_no_name_becomes_a_header(hostile):
    message = messages.connect_request(recipient(name=hostile), [ask(company=hostile)])
    with mail_server() as server:
        send(server.port, to=recipient(name=hostile), message=message)
    (mail,) = server.taken.mails
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert [address.addr_spec for address in mail["To"].addresses] == ["marie@acme.example"]
    assert server.taken.addressees == [["marie@acme.example"]]
