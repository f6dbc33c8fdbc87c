"""What sends mails goes on whatever one object holds, and whoever asks is told when it doesn't."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests

from bannette.connect import Settings, new_server
from bannette.connect.asking import Asking, AskingSettings
from bannette.connect.asking.timetable import Timetable
from bannette.connect.watching import Watching
from bannette.kube import What
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings, Security
from tests.asking.firm import PUBLIC
from tests.connect.office import at_work, listening, wait_until

NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.apiserver
def test_an_object_that_nobody_foresaw_keeps_none_of_the_others(firm, caplog):
    heard = []

    def listener(plural, realm, change):
        if change.what is What.PRESENT:
            if change.body["metadata"]["name"] == "odd":
                raise KeyError("odd")
            heard.append(change.body["metadata"]["name"])

    for name in ("before", "odd", "then"):
        firm.recipient(name)
    watching = Watching(firm.api(), [firm.namespace])
    watching.tell("recipients", listener)
    watching.start()
    firm.recipient("later")
    wait_until(lambda: {"before", "then", "later"} <= set(heard), "the others are told of")
    assert watching.is_healthy()
    watching.stop()
    assert f"watch.bug plural=recipients object={firm.namespace}/odd error=KeyError" in caplog.text


@pytest.mark.apiserver
@pytest.mark.parametrize(("healthy", "status"), [(True, 200), (False, 503)])
def test_the_probe_tells_whether_mails_go(tmp_path, firm, healthy, status):
    with listening() as (port, listener):
        settings = Settings(PUBLIC, tmp_path, "127.0.0.1", port, {})
        with at_work(new_server(settings, firm.api(), healthy=lambda: healthy), listener):
            assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code == status


@pytest.mark.apiserver
def test_who_has_ended_is_not_healthy(firm):
    mailer = Mailer(MailSettings(host="localhost", port=25, security=Security.NONE, sender="documents@acme.example"))
    asking = Asking(firm.api(), mailer, settings=AskingSettings(), links=lambda now: lambda channel: ("", now))
    assert not asking.is_healthy()
    asking.start()
    assert asking.is_healthy()
    asking.stop()
    assert not asking.is_healthy()


# The timetable


class Table:
    """A timetable whose time a test sets."""

    def __init__(self):
        self.now = NOW
        self.times = Timetable(lambda: self.now)

    def put(self, name, minutes):
        self.times.put(("acme", name), NOW + minutes * MINUTE)

    def take(self):
        key = self.times.take_due()
        return key and key[1]


@pytest.fixture
def table():
    return Table()


def test_what_is_due_is_taken_in_its_order_and_once(table):
    table.put("later", 5)
    table.put("second", -1)
    table.put("first", -2)
    table.put("first", 3)
    assert [table.take() for _ in range(3)] == ["first", "second", None]
    table.now += 5 * MINUTE
    assert table.take() == "later"


def test_an_earlier_time_counts(table):
    table.put("one", 60)
    table.put("one", 5)
    table.now += 5 * MINUTE
    assert table.take() == "one"
    table.times.done(("acme", "one"), None)
    table.now += 60 * MINUTE
    assert table.take() is None


def test_what_is_taken_is_not_taken_by_another_and_what_came_meanwhile_is_not_lost(table):
    table.put("one", 0)
    assert table.take() == "one"
    table.put("one", 0)
    assert table.take() is None
    table.times.done(("acme", "one"), NOW + 60 * MINUTE)
    assert table.take() == "one"


def test_who_waits_is_woken_and_let_go():
    times = Timetable(lambda: datetime.now(UTC))
    taken = []

    def wait():
        while (key := times.take()) is not None:
            taken.append(key)
            times.done(key, None)

    thread = threading.Thread(target=wait)
    thread.start()
    times.put(("acme", "soon"), datetime.now(UTC) + timedelta(seconds=2))
    times.put(("acme", "now"), datetime.now(UTC))
    wait_until(lambda: len(taken) == 2, "both are taken")
    assert [name for _, name in taken] == ["now", "soon"]
    times.close()
    thread.join(60)
    assert not thread.is_alive()
