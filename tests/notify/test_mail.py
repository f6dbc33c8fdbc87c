"""Mails are handed to real servers, or it is said why not and what to do; a password is never readable by others."""

from __future__ import annotations

import logging
import re
import socket
import time
import traceback
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.notify import messages
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings, Security
from bannette.resources import Locale, Recipient
from tests.notify.mail_server import (
    CLOSE,
    DRIP,
    HANG,
    PASSWORD,
    USER,
    Authority,
    ScriptedServer,
    free_port,
    mail_server,
)
from tests.notify.mails import ask, recipient

MESSAGE = messages.connect_request(recipient(Locale.FRENCH), [ask(company="Été & Fils")])


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def credentials(tmp_path):
    """A mounted Secret."""
    (tmp_path / "username").write_text(f"{USER}\n")
    (tmp_path / "password").write_text(PASSWORD)
    return {"username_file": tmp_path / "username", "password_file": tmp_path / "password"}


def settings(port, security=Security.NONE, **others):
    given = {"host": "localhost", "sender": "documents@acme.example", "sender_name": "Acme", "seconds": 5.0, **others}
    return MailSettings(port=port, security=security, **given)


def send(port, security=Security.NONE, *, to=None, message=MESSAGE, **others):
    return Mailer(settings(port, security, **others)).send(to or recipient(), message)


# What arrives


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


# Encryption and sign-in


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_is_signed_in_to_over_tls(authority, credentials, security, mechanism):
    other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]
    options = {"with_sign_in": True, "auth_exclude_mechanism": [other]}
    if security is Security.TLS:
        # There aiosmtpd knows nothing of the TLS around it.
        options |= {"implicit_tls": authority.context, "auth_require_tls": False}
    else:
        options |= {"tls_context": authority.context, "require_starttls": True}
    with mail_server(**options) as server:
        send(server.port, security, ca_file=authority.file, **credentials)
    assert server.taken.mechanisms == [mechanism]
    assert len(server.taken.mails) == 1
    assert server.taken.encrypted == [security is Security.STARTTLS]


def test_a_password_that_was_rotated_is_read_anew(authority, credentials):
    with mail_server(with_sign_in=True, tls_context=authority.context) as server:
        mailer = Mailer(settings(server.port, Security.STARTTLS, ca_file=authority.file, **credentials))
        credentials["password_file"].write_text("of yesterday")
        with pytest.raises(PersonNeeded) as refused:
            mailer.send(recipient(), MESSAGE)
        credentials["password_file"].write_text(f"{PASSWORD}\n")
        mailer.send(recipient(), MESSAGE)
    assert refused.value.reason == "MailSignInRefused"
    assert "correct the user and password" in str(refused.value)
    assert len(server.taken.mails) == 1


def test_a_server_without_starttls_gets_nothing(credentials):
    with ScriptedServer({}) as server, pytest.raises(PersonNeeded, match="offers no STARTTLS") as refused:
        send(server.port, Security.STARTTLS, **credentials)
    assert refused.value.reason == "MailNotEncrypted"
    assert [line.split()[0].upper() for line in server.heard] == ["EHLO"]


def test_starttls_that_is_put_off_gets_nothing(credentials):
    script = {"EHLO": "250-localhost\r\n250-STARTTLS\r\n250 AUTH PLAIN", "STAR": "454 no TLS now"}
    with ScriptedServer(script) as server, pytest.raises(Transient, match="454 no TLS now") as refused:
        send(server.port, Security.STARTTLS, **credentials)
    assert refused.value.reason == "MailPutOff"
    assert [line.split()[0].upper() for line in server.heard] == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_of_another_authority_gets_nothing(tmp_path, authority, credentials, security):
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    options = {"implicit_tls" if security is Security.TLS else "tls_context": authority.context}
    with mail_server(with_sign_in=True, **options) as server, pytest.raises(PersonNeeded) as refused:
        send(server.port, security, ca_file=other.file, **credentials)
    assert refused.value.reason == "MailServerUntrusted"
    assert "BANNETTE_SMTP_CA_FILE" in str(refused.value)
    assert (server.taken.mails, server.taken.mechanisms) == ([], [])


def test_a_certificate_of_another_host_is_not_trusted(tmp_path):
    elsewhere = Authority(tmp_path, host="mail.elsewhere.example")
    with mail_server(implicit_tls=elsewhere.context) as server, pytest.raises(PersonNeeded) as refused:
        send(server.port, Security.TLS, ca_file=elsewhere.file)
    assert refused.value.reason == "MailServerUntrusted"
    assert server.taken.mails == []


def test_tls_at_a_port_without_it_says_which_setting():
    with mail_server() as server, pytest.raises(PersonNeeded, match="BANNETTE_SMTP_SECURITY to starttls") as refused:
        send(server.port, Security.TLS)
    assert refused.value.reason == "MailNotEncrypted"


def test_a_port_for_tls_says_nothing_to_who_waits_for_a_greeting(authority):
    with (
        mail_server(implicit_tls=authority.context) as server,
        pytest.raises(Transient, match="a port for tls") as late,
    ):
        send(server.port, Security.STARTTLS, seconds=0.5)
    assert late.value.reason == "MailTimedOut"


@pytest.mark.parametrize("content", [None, "", "two\nlines", "nul\0", b"\xff\xfe"], ids=repr)
@pytest.mark.parametrize("which", ["username_file", "password_file"])
def test_credentials_that_are_not_there_are_missed(credentials, which, content):
    credentials[which].unlink()
    if content is not None:
        credentials[which].write_bytes(content if isinstance(content, bytes) else content.encode())
    with ScriptedServer({}) as server, pytest.raises(PersonNeeded) as missing:
        send(server.port, **credentials)
    assert missing.value.reason == "MailCredentialsMissing"
    assert which.removesuffix("_file").upper() in str(missing.value)
    assert server.heard == []


def test_a_server_that_offers_no_sign_in_by_password_is_told_none(credentials):
    with (
        ScriptedServer({"EHLO": "250-localhost\r\n250 AUTH XOAUTH2"}) as server,
        pytest.raises(PersonNeeded) as refused,
    ):
        send(server.port, **credentials)
    assert refused.value.reason == "MailSignInUnsupported"
    assert [line.split()[0].upper() for line in server.heard] == ["EHLO"]


def test_authorities_that_cannot_be_read_are_a_wrong_setting(tmp_path):
    for content in (None, "no certificate"):
        if content:
            (tmp_path / "ca").write_text(content)
        with pytest.raises(PersonNeeded, match="BANNETTE_SMTP_CA_FILE") as wrong:
            send(free_port(), Security.TLS, ca_file=tmp_path / "ca")
        assert wrong.value.reason == "InvalidSetting"


# What a server answers


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
        send(server.port, seconds=0.4, **credentials)
    assert late.value.reason == ("MailUnconfirmed" if moment == "text" else "MailTimedOut")
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("moment", ["EHLO", "RCPT", "text"])
def test_a_server_that_drips_for_ever_is_given_up(credentials, moment):
    before = time.monotonic()
    with ScriptedServer({moment: DRIP}) as server, pytest.raises(Transient) as late:
        send(server.port, seconds=0.4, **credentials)
    assert late.value.reason == ("MailUnconfirmed" if moment == "text" else "MailTimedOut")
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("moment", ["QUIT"])
@pytest.mark.parametrize("farewell", [CLOSE, HANG, "500 no"])
def test_a_farewell_that_fails_does_not_send_the_mail_twice(moment, farewell):
    with ScriptedServer({moment: farewell}) as server:
        assert send(server.port, seconds=0.4)


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


# Addresses


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


# Nothing leaks


SECRETS = [
    PASSWORD,
    b64encode(PASSWORD.encode()).decode(),
    b64encode(b"\0" + USER.encode() + b"\0" + PASSWORD.encode()).decode(),
]


@pytest.mark.parametrize("echo", SECRETS)
def test_a_password_is_in_no_error_and_no_log(credentials, caplog, echo):
    caplog.set_level(logging.DEBUG)
    with ScriptedServer({"AUTH": f"535 wrong: {echo}"}) as server, pytest.raises(PersonNeeded) as refused:
        send(server.port, **credentials)
    shown = "".join(traceback.format_exception(refused.value)) + caplog.text + repr(refused.value.__cause__)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert "535 wrong: [redacted]" in str(refused.value)
