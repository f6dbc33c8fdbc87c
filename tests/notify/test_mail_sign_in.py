"""Mails go over encrypted ways, to servers that are trusted; a password is never readable by others."""

from __future__ import annotations

import logging
import traceback
from base64 import b64encode

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.notify.mail import Mailer
from bannette.notify.settings import Security
from tests.notify.mail_server import PASSWORD, USER, Authority, ScriptedServer, free_port, mail_server
from tests.notify.mails import recipient
from tests.notify.sending import MESSAGE, send, settings


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


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
        send(server.port, Security.STARTTLS, seconds=2.0)
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
