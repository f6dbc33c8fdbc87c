"""The notify command as it is, and a real server for mails."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from tests.collector.local_channel import BANNETTE
from tests.notify.mail_server import PASSWORD, USER, Authority, mail_server


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def environment(tmp_path, authority):
    (tmp_path / "username").write_text(USER)
    (tmp_path / "password").write_text(PASSWORD)
    return {
        "BANNETTE_SMTP_HOST": "localhost",
        "BANNETTE_SMTP_FROM": "Acme <documents@acme.example>",
        "BANNETTE_SMTP_USERNAME_FILE": str(tmp_path / "username"),
        "BANNETTE_SMTP_PASSWORD_FILE": str(tmp_path / "password"),
        "BANNETTE_SMTP_CA_FILE": str(authority.file),
    }


@pytest.fixture
def notify(environment):
    def run(*arguments, **others):
        return subprocess.run(
            [BANNETTE, "notify", "test", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment, **others},
        )

    return run


def test_a_sample_arrives(notify, authority):
    with mail_server(with_sign_in=True, tls_context=authority.context, require_starttls=True) as server:
        done = notify("--to", "marie@acme.example", "--locale", "fr", BANNETTE_SMTP_PORT=str(server.port))
    assert (done.returncode, done.stderr) == (0, "")
    (mail,) = server.taken.mails
    assert mail["Subject"] == "Test\u00a0: connectez votre OneDrive"
    assert mail["Message-ID"] in done.stdout
    assert PASSWORD not in done.stdout


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("connect", "Test: connect your OneDrive"),
        ("reminder", "Reminder: Test waits for your OneDrive"),
        ("lost", "Test: your OneDrive is no longer connected"),
        ("lapsing", "Test: the connection to your OneDrive is about to lapse"),
        ("first", "Test: your first documents have arrived"),
        ("digest", "Test: your documents of "),
        ("failure", "Test: documents can't be collected"),
    ],
)
def test_each_kind_can_be_looked_at(notify, authority, kind, subject):
    with mail_server(with_sign_in=True, tls_context=authority.context) as server:
        done = notify("--to", "marie@acme.example", "--kind", kind, BANNETTE_SMTP_PORT=str(server.port))
    assert done.returncode == 0, done.stderr
    assert server.taken.mails[0]["Subject"].startswith(subject)


def test_a_wrong_password_takes_a_person(notify, authority, environment, tmp_path):
    (tmp_path / "password").write_text("another-secret-word")
    with mail_server(with_sign_in=True, tls_context=authority.context) as server:
        done = notify("--debug", "--to", "marie@acme.example", BANNETTE_SMTP_PORT=str(server.port))
    assert "refuses the sign-in" in done.stderr
    assert "another-secret-word" not in done.stderr + done.stdout
    with socket.socket() as taken:
        # A port at which nobody listens, nor can listen meanwhile.
        taken.bind(("127.0.0.1", 0))
        done = notify("--to", "marie@acme.example", BANNETTE_SMTP_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 3, "nobody listens there any more: that may pass"


@pytest.mark.parametrize(
    ("arguments", "others", "said"),
    [
        (("--to", "marie"), {}, "write one e-mail address"),
        (("--to", "marie@acme.example"), {"BANNETTE_SMTP_HOST": ""}, "BANNETTE_SMTP_HOST is missing"),
        (("--to", "marie@acme.example", "--locale", "de"), {}, "invalid choice"),
        ((), {}, "--to"),
    ],
)
def test_what_is_wrong_is_said(notify, arguments, others, said):
    done = notify(*arguments, **others)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
