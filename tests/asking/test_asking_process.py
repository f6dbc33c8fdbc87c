"""The real command sends the mails beside its pages, tells of itself, and ends in good order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bannette.connect.asking import AskingSettings, asking_settings
from bannette.errors import PersonNeeded
from devcluster.processes import free_ports
from tests.asking.firm import PUBLIC, links_in
from tests.connect.office import kubectl_proxy, listens, wait_until

SECONDS = 90.0


def command(firm, port, folder, **environ):
    """Return the command's process, which reaches the API server by a proxy."""
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "2026-11-01").write_text("0123456789abcdef" * 3)
    given = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BANNETTE_")},
        "BANNETTE_PUBLIC_URL": PUBLIC,
        "BANNETTE_CONNECT_KEYS": str(folder / "keys"),
        "BANNETTE_CONNECT_ADDRESS": "127.0.0.1",
        "BANNETTE_NAMESPACES": firm.namespace,
        "BANNETTE_SMTP_HOST": "localhost",
        "BANNETTE_SMTP_PORT": str(port),
        "BANNETTE_SMTP_SECURITY": "none",
        "BANNETTE_SMTP_FROM": "Acme <documents@acme.example>",
        "BANNETTE_MAIL_SETTLE_SECONDS": "1",
        **environ,
    }
    return [str(Path(sys.executable).with_name("bannette")), "connect-service"], given


@contextlib.contextmanager
def running(firm, port, folder, **environ) -> Iterator[tuple[subprocess.Popen, Path, int]]:
    (listening,) = free_ports(1)
    log = folder / f"service-{listening}.log"
    with kubectl_proxy(firm.server) as proxy:
        arguments, given = command(
            firm, port, folder, BANNETTE_API_URL=proxy, BANNETTE_CONNECT_PORT=str(listening), **environ
        )
        with log.open("w") as written, subprocess.Popen(arguments, env=given, stderr=written) as process:
            try:
                wait_until(lambda: process.poll() is not None or listens(listening), "the command listens")
                assert process.poll() is None, log.read_text()
                yield process, log, listening
            finally:
                process.kill()


@pytest.mark.apiserver
def test_a_mail_comes_without_anybody_doing_anything(firm, mails, tmp_path):
    with running(firm, mails.port, tmp_path) as (process, log, port):
        firm.recipient(locale="fr")
        firm.channel()
        wait_until(lambda: firm.notified().get("status") == "True", "a mail was sent and recorded")
        (mail,) = mails.taken.mails
        assert mail["Subject"] == "Acme & Fils\u00a0: connectez votre OneDrive"
        (link,) = links_in(mail)
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60).text == "alive\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    told = log.read_text()
    assert f"mail.sent recipient={firm.namespace}/marie kind=Connect channels=1" in told
    for secret in (link, link.partition("?t=")[2], "marie@acme.example", "acme-onedrive@acme.example"):
        assert secret not in told
    events = firm.server.kubectl("get", "events", "-A", "-o", "json")
    for place in (events, str(firm.status()), str(firm.body("CollectionChannel", "acme-onedrive"))):
        assert link.partition("?t=")[2] not in place


def test_settings_have_defaults_and_may_be_changed():
    assert asking_settings({}) == AskingSettings()
    changed = asking_settings(
        {
            "BANNETTE_MAIL_REMINDER_DAYS": "1, 2.5 ,30",
            "BANNETTE_MAIL_GAP_MINUTES": "5",
            "BANNETTE_MAIL_DAILY_LIMIT": "3",
            "BANNETTE_MAIL_SETTLE_SECONDS": "90",
            "BANNETTE_MAIL_LAPSE_WARNING_DAYS": "7",
            "BANNETTE_MAIL_FAILURE_DAYS": "4",
            "BANNETTE_MAIL_DIGEST_TIME": "06:30",
        }
    )
    assert [step.total_seconds() / 86400 for step in changed.pace.reminders] == [1, 2.5, 30]
    assert (changed.pace.between_mails.seconds, changed.pace.mails_a_day, changed.pace.settle.seconds) == (300, 3, 90)
    assert (changed.pace.warned.days, changed.failing.days, f"{changed.digest_time:%H:%M}") == (7, 4, "06:30")
    assert asking_settings({"BANNETTE_MAIL_REMINDER_DAYS": "none"}).pace.reminders == ()
    assert asking_settings({"BANNETTE_CLIENT_ID": "11111111-2222"}).application == "11111111-2222"


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [
        ("REMINDER_DAYS", "7,3", "write 3,7"),
        ("REMINDER_DAYS", "3;7", "write 3,7"),
        ("REMINDER_DAYS", "3,", "write 3,7"),
        ("REMINDER_DAYS", "0", "write 3,7"),
        ("REMINDER_DAYS", "1e3", "write 3,7"),
        ("GAP_MINUTES", "ten", "write 10"),
        ("GAP_MINUTES", "-1", "write 10"),
        ("DAILY_LIMIT", "0", "write 6"),
        ("DAILY_LIMIT", "25", "from 1 to 24"),
        ("DAILY_LIMIT", "6.5", "write 6"),
        ("DAILY_LIMIT", "9" * 5000, "write 6"),
        ("SETTLE_SECONDS", "0", "write 60"),
        ("LAPSE_WARNING_DAYS", "90", "below 60"),
        ("FAILURE_DAYS", "99999", "write 2"),
        ("DIGEST_TIME", "8", "write 08:00"),
        ("DIGEST_TIME", "24:00", "write 08:00"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_with_what_to_write(name, value, instead):
    with pytest.raises(PersonNeeded) as refused:
        asking_settings({f"BANNETTE_MAIL_{name}": value})
    assert str(refused.value).startswith(f"BANNETTE_MAIL_{name} isn't")
    assert instead in str(refused.value)


@pytest.mark.apiserver
def test_the_command_does_not_start_with_a_wrong_setting(firm, tmp_path):
    wrong = {"BANNETTE_MAIL_REMINDER_DAYS": "7,3", "BANNETTE_API_URL": "http://127.0.0.1:1"}
    arguments, environ = command(firm, 25, tmp_path, **wrong)
    ended = subprocess.run(arguments, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 2
    assert "write 3,7, or none for no reminder" in ended.stderr
