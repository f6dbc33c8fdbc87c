"""Settings of the environment are taken as they are meant, or refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from bannette.errors import PersonNeeded
from bannette.notify.settings import MailSettings, Security

LEAST = {"HOST": "mail.acme.example", "FROM": "documents@acme.example"}
FILES = {"USERNAME_FILE": "/etc/smtp/username", "PASSWORD_FILE": "/etc/smtp/password"}


def read(**given):
    return MailSettings.from_environment({f"BANNETTE_SMTP_{name}": value for name, value in {**LEAST, **given}.items()})


def test_a_host_and_a_sender_are_enough():
    settings = read()
    assert (settings.host, settings.port, settings.security) == ("mail.acme.example", 587, Security.STARTTLS)
    assert (settings.sender, settings.sender_name) == ("documents@acme.example", "")
    assert (settings.username_file, settings.password_file, settings.ca_file) == (None, None, None)


@pytest.mark.parametrize(
    ("security", "port"), [("", 587), ("starttls", 587), ("STARTTLS", 587), ("tls", 465), ("none", 25)]
)
def test_each_kind_of_encryption_has_its_port(security, port):
    assert read(SECURITY=security).port == port
    assert read(SECURITY=security, PORT="2525").port == 2525


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("documents@acme.example", "", "documents@acme.example"),
        (" <documents@acme.example> ", "", "documents@acme.example"),
        ("Acme <documents@acme.example>", "Acme", "documents@acme.example"),
        ('"Été & Fils, Paris" <documents@acme.example>', "Été & Fils, Paris", "documents@acme.example"),
        ("=?utf-8?q?x=0D=0AB?= <documents@acme.example>", "= ?utf-8?q?x=0D=0AB?=", "documents@acme.example"),
    ],
)
def test_a_sender_may_have_a_name(text, name, address):
    settings = read(FROM=text)
    assert (settings.sender_name, settings.sender) == (name, address)


def test_files_are_paths():
    settings = read(**FILES, CA_FILE="/etc/smtp/ca.crt")
    assert (settings.username_file, settings.password_file) == (Path("/etc/smtp/username"), Path("/etc/smtp/password"))
    assert settings.ca_file == Path("/etc/smtp/ca.crt")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
def test_a_password_may_go_to_this_machine_without_encryption(host):
    assert read(HOST=host, SECURITY="none", **FILES).password_file is not None


def test_a_server_without_encryption_may_have_no_password():
    assert read(HOST="relay.acme.example", SECURITY="none").security is Security.NONE


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"HOST": ""}, "HOST is missing"),
        ({"FROM": " "}, "FROM is missing"),
        ({"HOST": "smtp://mail.acme.example"}, "HOST isn't a host"),
        ({"HOST": "mail.acme.example:587"}, "HOST isn't a host"),
        ({"HOST": "mail.acme.example\r\nX"}, "HOST isn't a host"),
        ({"PORT": "0"}, "PORT isn't a port"),
        ({"PORT": "65536"}, "PORT isn't a port"),
        ({"PORT": "smtp"}, "PORT isn't a port"),
        ({"PORT": "٢٥"}, "PORT isn't a port"),
        ({"SECURITY": "ssl"}, "SECURITY is unknown: write starttls, tls or none"),
        ({"FROM": "acme"}, "FROM isn't an address"),
        ({"FROM": "Acme <documents@acme.example"}, "FROM isn't an address"),
        ({"FROM": "a@acme.example, b@acme.example"}, "FROM isn't an address"),
        ({"FROM": "é@acme.example"}, "FROM isn't an address"),
        ({"FROM": "a@acme.example\r\nBcc: b@acme.example"}, "FROM isn't an address"),
        ({"USERNAME_FILE": "/etc/smtp/username"}, "PASSWORD_FILE is missing"),
        ({"PASSWORD_FILE": "/etc/smtp/password"}, "USERNAME_FILE is missing"),
        ({"SECURITY": "none", **FILES}, "SECURITY is none, and the password would be readable"),
        ({"HOST": "localhost.acme.example", "SECURITY": "none", **FILES}, "SECURITY is none, and the password"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named(given, named):
    with pytest.raises(PersonNeeded) as wrong:
        read(**given)
    assert wrong.value.reason == "InvalidSetting"
    assert f"BANNETTE_SMTP_{named}" in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1
