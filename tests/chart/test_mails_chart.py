"""The mails that ask people to connect, as the chart sets them up."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from bannette.connect.asking.settings import AskingSettings, asking_settings
from bannette.notify.settings import MailSettings
from tests.chart.connect_pages import MAILS, connect, container, environ, with_file

# The first test builds Helm, where it hasn't been built yet.
pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("values", "port", "signs_in"),
    [
        ((), 587, False),
        (("connect.smtp.security=tls", "connect.smtp.credentialsSecret=mail"), 465, True),
        (("connect.smtp.security=none",), 25, False),
        (("connect.smtp.port=2525", "connect.smtp.credentialsSecret=mail", "connect.smtp.caSecret=ca"), 2525, True),
    ],
)
def test_mails_go_to_the_server_that_the_values_name(values: tuple[str, ...], port: int, signs_in: bool) -> None:
    deployment = connect("Deployment", *MAILS, *values)
    settings = MailSettings.from_environment(environ(deployment))
    assert (settings.host, settings.port, settings.sender) == ("mail.example", port, "documents@acme.example")
    assert (settings.password_file is not None) is signs_in
    mounted = {one["mountPath"]: one["name"] for one in container(deployment)["volumeMounts"]}
    named = {"username": "mail", "password": "mail", "ca.crt": "ca"}
    volumes = {one["name"]: one for one in deployment["spec"]["template"]["spec"]["volumes"]}
    for file in (settings.username_file, settings.password_file, settings.ca_file):
        if file is not None:
            secret = volumes[mounted[str(file.parent)]]["secret"]
            assert secret["secretName"] == named[file.name]
            # The pod isn't root.
            assert secret["defaultMode"] == 0o440
    policy = connect("NetworkPolicy", *MAILS, *values, "networkPolicy.enabled=true")
    assert port in [one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]]


def test_mails_go_at_the_pace_of_the_values() -> None:
    assert asking_settings(environ(connect("Deployment", *MAILS))) == AskingSettings()
    values = {
        "reminderDays": "{2,4,8}",
        "dailyLimit": 2,
        "gapMinutes": 1,
        "settleSeconds": 5,
        "lapseWarningDays": 7,
        "failureDays": 1,
        "digestTime": "18:30",
    }
    given = (f"connect.mails.{name}={value}" for name, value in values.items())
    found = asking_settings(environ(connect("Deployment", *MAILS, *given)))
    assert found.pace.reminders == tuple(timedelta(days=days) for days in (2, 4, 8))
    assert (found.pace.mails_a_day, found.pace.between_mails) == (2, timedelta(minutes=1))
    assert (found.pace.settle, found.pace.warned) == (timedelta(seconds=5), timedelta(days=7))
    assert (found.failing, found.digest_time) == (timedelta(days=1), time(18, 30))


def test_no_reminders_are_sent_if_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("connect: {mails: {reminderDays: [], gapMinutes: 0.5}}")
    documents = [one for one in with_file(tmp_path / "values.yaml", *MAILS) if one["kind"] == "Deployment"]
    (deployment,) = (one for one in documents if one["metadata"]["name"] == "bannette-connect")
    pace = asking_settings(environ(deployment)).pace
    assert (pace.reminders, pace.between_mails) == ((), timedelta(seconds=30))


def test_without_a_server_no_mail_is_set_up() -> None:
    deployment = connect("Deployment", "connect.smtp.credentialsSecret=mail", "connect.smtp.caSecret=ca")
    assert not [name for name in environ(deployment) if "SMTP" in name or "MAIL" in name]
    assert [one["name"] for one in deployment["spec"]["template"]["spec"]["volumes"]] == ["keys"]
