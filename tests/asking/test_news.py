"""Recipients are told what collections came to, as they wish: once, together, and of nothing that is long ago."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bannette.resources import format_time
from tests.asking.firm import Service, links_in, text_of
from tests.asking.test_asked_for import LOST, subjects
from tests.notify.mail_server import Taken, mail_server

pytestmark = pytest.mark.apiserver

PARIS = ZoneInfo("Europe/Paris")
FIRST = "Acme & Fils: your first documents have arrived"


def entry(firm, *, ago, result="Succeeded", trigger="Scheduled", reason="Collected", **counts):
    at = format_time(firm.clock() - ago)
    return {"completedAt": at, "result": result, "trigger": trigger, "reason": reason, **counts}


def at_hour(firm, hour):
    """Set the clock forward to the next time that it is this hour in Paris."""
    now = firm.clock().astimezone(PARIS)
    then = datetime.combine(now.date(), time(hour), PARIS)
    then += timedelta(days=1) if then <= now else timedelta()
    # Of one time zone, Python counts the hours on the clock: one too many, or too few, when summer time begins or ends.
    firm.clock.forward(seconds=(then.astimezone(UTC) - now.astimezone(UTC)).total_seconds())


def test_the_first_collection_is_told_of_once(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.ran("acme-onedrive", entry(firm, ago=timedelta(), trigger="Initial", collected=12, duplicates=1))
    service.look(minutes=2)
    firm.ran(
        "acme-onedrive",
        entry(firm, ago=timedelta(), collected=3),
        entry(firm, ago=timedelta(minutes=2), trigger="Initial", collected=12, duplicates=1),
    )
    service.look(hours=1)
    service.look(days=1)
    assert subjects(mails) == [FIRST]
    assert "New documents: 12" in text_of(mails.taken.mails[0])
    assert links_in(mails.taken.mails[0]) == []


def test_first_collections_of_several_channels_are_one_mail(firm, mails, service):
    firm.recipient()
    for name in ("one", "other"):
        firm.channel(name, standing="Connected")
        firm.ran(name, entry(firm, ago=timedelta(), trigger="Initial", collected=5))
    service.look(minutes=2)
    assert subjects(mails) == [FIRST]
    assert "one@acme.example" in text_of(mails.taken.mails[0])
    assert "other@acme.example" in text_of(mails.taken.mails[0])


@pytest.mark.parametrize(
    ("wishes", "run"),
    [
        ({"firstCollection": False}, {"ago": timedelta(), "trigger": "Initial"}),
        ({}, {"ago": timedelta(days=3), "trigger": "Initial"}),
        ({}, {"ago": timedelta(), "trigger": "Initial", "result": "Failed"}),
        ({}, {"ago": timedelta(), "trigger": "Manual"}),
    ],
    ids=["not wished", "long ago", "failed", "not the first"],
)
def test_nobody_is_told_of_a_first_collection(firm, mails, service, wishes, run):
    firm.recipient(mails=wishes)
    firm.channel(standing="Connected")
    firm.ran("acme-onedrive", entry(firm, **run))
    service.look(minutes=2)
    service.look(hours=1)
    assert subjects(mails) == []


def test_a_digest_comes_on_the_morning_after_a_day_that_brought_something(firm, mails, service):
    firm.recipient(mails={"digest": True, "firstCollection": False})
    for name in ("one", "other", "quiet"):
        firm.channel(name, standing="Connected")
    at_hour(firm, 12)
    day = firm.clock().astimezone(PARIS).date()
    firm.ran("one", entry(firm, ago=timedelta(), collected=2), entry(firm, ago=timedelta(hours=4), collected=3))
    firm.ran(
        "other", entry(firm, ago=timedelta(hours=1), collected=1), entry(firm, ago=timedelta(hours=20), collected=9)
    )
    firm.ran("quiet", entry(firm, ago=timedelta(hours=1)))
    service.look()
    at_hour(firm, 7)
    service.look()
    assert [f"{day - timedelta(days=1):%-d %B %Y}" in one for one in subjects(mails)] == [True], "of the day before"
    at_hour(firm, 8)
    service.look()
    service.look(hours=1)
    _, mail = mails.taken.mails
    assert f"{day:%-d %B %Y}" in mail["Subject"]
    text = text_of(mail)
    assert "New documents: 5" in text
    assert "New documents: 1" in text
    assert "quiet" not in text
    assert firm.status()["digestDay"] == day.isoformat()
    # A day that brought nothing is left out.
    service.look(days=1)
    assert len(mails.taken.mails) == 2


class Slow(Taken):
    """What a server takes over whose every mail costs a minute."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self._clock.forward(minutes=1)
        return await super().handle_DATA(server, session, envelope)


def test_a_digest_that_is_handed_over_at_midnight_takes_the_next_one_away_from_nobody(firm, tmp_path):
    firm.recipient(mails={"digest": True, "firstCollection": False})
    firm.channel(standing="Connected")
    at_hour(firm, 12)
    day = firm.clock().astimezone(PARIS).date()
    ran = [entry(firm, ago=timedelta(), collected=2)]
    firm.ran("acme-onedrive", *ran)
    at_hour(firm, 12)
    firm.ran("acme-onedrive", entry(firm, ago=timedelta(), collected=3), *ran)
    at_hour(firm, 0)
    firm.clock.forward(seconds=-30)
    with mail_server(taken=Slow(firm.clock)) as mails, Service(firm, mails.port, tmp_path / "keys") as service:
        service.look()
        at_hour(firm, 8)
        service.look()
    days = [f"{day + timedelta(days=after):%-d %B %Y}" for after in (0, 1)]
    assert [name in one for name, one in zip(days, subjects(mails), strict=True)] == [True, True]


def test_runs_that_fail_for_days_are_told_of_once_until_they_work_again(firm, mails, service):
    firm.recipient(mails={"failure": True})
    firm.channel(standing="Connected")

    def fails(*days):
        lost = {"result": "Failed", "reason": "FolderNotFound"}
        firm.ran("acme-onedrive", *(entry(firm, ago=timedelta(days=ago), **lost) for ago in days))

    fails(0)
    service.look(minutes=2)
    fails(0, 1)
    service.look(hours=1)
    assert subjects(mails) == []
    fails(0, 1, 2.1)
    service.look()
    assert subjects(mails) == ["Acme & Fils: documents can't be collected"]
    assert "The folder /Factures isn't in the OneDrive" in text_of(mails.taken.mails[0])
    fails(0, 1, 2, 3)
    service.look(days=1)
    assert len(mails.taken.mails) == 1
    firm.ran("acme-onedrive", entry(firm, ago=timedelta()))
    service.look(minutes=2)
    service.look(days=1)
    fails(0)
    service.look(days=1.9)
    assert len(mails.taken.mails) == 1
    service.look(days=0.2)
    assert len(mails.taken.mails) == 2


def test_failures_that_began_before_the_history_are_not_forgotten(firm, mails, service):
    firm.recipient(mails={"failure": True})
    firm.channel(standing="Connected", historyLimit=1)
    for _ in range(4):
        firm.ran("acme-onedrive", entry(firm, ago=timedelta(), result="Failed", reason="DriveLocked"))
        service.look(days=0.9)
    assert len(mails.taken.mails) == 1


def test_a_connection_that_is_lost_is_not_told_of_as_a_failure_too(firm, mails, service):
    firm.recipient(mails={"failure": True})
    firm.channel(standing="Connected")
    lost = {"result": "Failed", "reason": "PasswordChanged"}
    firm.ran("acme-onedrive", *(entry(firm, ago=timedelta(days=ago), **lost) for ago in (0, 1, 2, 3)))
    firm.stands("acme-onedrive", "PasswordChanged")
    service.look(minutes=2)
    service.look(hours=1)
    assert subjects(mails) == ["Acme & Fils: your OneDrive is no longer connected"]


def test_an_application_is_told_of_only_on_wish(firm, mails, service):
    firm.recipient("marie")
    firm.recipient("jean", mails={"failure": True})
    application = {
        "application": {
            "tenantId": "11111111-2222-3333-4444-555555555555",
            "user": "compta@acme.example",
            "clientId": "bannette-collector",
            "credentialsSecret": {"name": "acme-app"},
        }
    }
    for name in ("marie", "jean"):
        firm.channel(name, recipient=name, standing="Connected", **{"onedrive.account": application})
        firm.ran(
            name,
            entry(firm, ago=timedelta(), result="Failed", reason="FolderNotFound"),
            entry(firm, ago=timedelta(days=2.5), result="Failed", reason="FolderNotFound"),
            entry(firm, ago=timedelta(days=2.9), trigger="Initial"),
        )
    service.look(minutes=2)
    service.look(hours=1)
    assert [address for (address,) in mails.taken.addressees] == ["jean@acme.example"]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("result", ["Succeeded", "Failed"])
def test_a_run_at_a_time_that_cannot_be_keeps_no_mail_back(firm, mails, service, at, result):
    """A run's pod may write its channel's status, and with it any time."""
    firm.recipient(mails={"digest": True, "failure": True})
    firm.channel("odd", standing="Connected")
    firm.ran("odd", {"trigger": "Initial", "completedAt": at, "result": result, "collected": 3})
    firm.channel()
    service.look(minutes=2)
    service.look(days=1)
    assert "Acme & Fils: connect your OneDrive" in subjects(mails)


@pytest.mark.parametrize(
    ("zone", "at"), [("Europe/Paris", "9999-12-31T23:59:59Z"), ("America/New_York", "0001-01-01T00:00:00Z")]
)
def test_a_loss_at_a_time_that_cannot_be_is_told_all_the_same(firm, mails, service, zone, at):
    firm.recipient()
    firm.channel(schedule={"time": "05:30", "timeZone": zone}, standing="Connected")
    lost = {
        "type": "Connected",
        "status": "False",
        "reason": "PasswordChanged",
        "message": "",
        "lastTransitionTime": at,
    }
    firm.change("CollectionChannel", "acme-onedrive", {"status": {"conditions": [lost]}}, status=True)
    service.look(minutes=2)
    assert subjects(mails) == [LOST]
