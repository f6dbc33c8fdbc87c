"""Several replicas send a mail once; who is killed has it sent by the next, at most once more, with the same id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.asking.firm import Firm, Service
from tests.asking.test_asked_for import CONNECT, subjects
from tests.connect.office import wait_until
from tests.notify.mail_server import Taken, mail_server
from tests.resources.api import ROOT

pytestmark = pytest.mark.apiserver

SECONDS = 90.0


@contextlib.contextmanager
def sender(firm: Firm, port: int, keys: Path, *, ahead: timedelta = timedelta(minutes=2)) -> Iterator[subprocess.Popen]:
    """Send what is due from a process of its own, at a time ahead."""
    arguments = {
        "server": firm.server.url,
        "token": firm.server.token,
        "ca": str(firm.server.ca_file),
        "smtp": str(port),
        "keys": str(keys),
        "namespace": firm.namespace,
        "ahead": str(ahead.total_seconds()),
    }
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.asking.killed_sender", json.dumps(arguments)],
        env=environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            yield process
        finally:
            process.kill()


class Killing(Taken):
    """Takes mails, and kills who sends the first one at a moment of the conversation."""

    def __init__(self, moment: str) -> None:
        super().__init__()
        self.moment = moment
        self.victim: Future[subprocess.Popen] = Future()
        self._killed = False

    def _at(self, moment: str) -> None:
        if moment == self.moment and not self._killed:
            # It may be here before the test has heard that it has started.
            os.kill(self.victim.result(SECONDS).pid, signal.SIGKILL)
            self._killed = True

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's name
        self._at("before it is handed over")
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        answer = await super().handle_DATA(server, session, envelope)
        self._at("before it is confirmed")
        return answer

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self._at("before it is recorded")
        return "221 bye"


@pytest.mark.parametrize(
    ("moment", "times"),
    [("before it is handed over", 1), ("before it is confirmed", 2), ("before it is recorded", 2)],
)
def test_a_mail_outlives_who_is_killed(firm, tmp_path, moment, times):
    firm.recipient()
    firm.channel()
    taken = Killing(moment)
    keys = tmp_path / "keys"
    with mail_server(taken=taken) as server, Service(firm, server.port, keys) as heir:
        with sender(firm, server.port, keys) as first:
            taken.victim.set_result(first)
            assert first.wait(SECONDS) == -signal.SIGKILL
        assert firm.status()["attempt"]["claimedAt"], "nothing was claimed"
        heir.hear()
        heir.look(minutes=3)
        assert len(taken.mails) == times - 1, "a claim that is alive was taken over"
        heir.look(minutes=5.1)
        heir.look(hours=1)
    assert [mail["Subject"] for mail in taken.mails] == [CONNECT] * times
    assert len({mail["Message-ID"] for mail in taken.mails}) == 1
    assert firm.notified()["status"] == "True"
    assert "attempt" not in firm.status()


def test_who_is_killed_again_and_again_is_followed_later_and_later(firm, tmp_path):
    """A claim of nobody's lapses after 5 minutes, then after 10: a crash loop isn't a loop of mails."""
    firm.recipient()
    firm.channel()
    keys = tmp_path / "keys"
    with mail_server() as server, Service(firm, server.port, keys) as heir:
        heir.hear()
        claim = {"id": "0f1e", "claimedBy": "a dead one", "claimedAt": "2026-11-24T05:30:00Z", "failures": 1}
        firm.change("Recipient", "marie", {"status": {"attempt": claim}}, status=True)
        heir.look(minutes=2)
        heir.look(minutes=9)
        assert subjects(server) == []
        heir.look(minutes=2)
        assert subjects(server) == [CONNECT]


def test_of_several_replicas_one_sends_each_mail(firm, tmp_path):
    people: list[str] = []
    met = False
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "2026-11-01").write_text("0123456789abcdef" * 3)
    with mail_server() as server, sender(firm, server.port, keys), sender(firm, server.port, keys):
        # Both hear of each at the same moment. That they take the same one up at once is likely, and no more.
        while not met and len(people) < 300:
            further = [f"r{number}" for number in range(len(people), len(people) + 30)]
            for name in further:
                firm.channel(f"{name}-onedrive", recipient=name)
                firm.recipient(name)
            people += further
            wait_until(partial(all_are_told, firm, further), "all are written to")
            met = any(one["verb"] == "patch" and one["responseStatus"]["code"] == 409 for one in firm.requests())
    assert sorted(address for (address,) in server.taken.addressees) == sorted(
        f"{name}@acme.example" for name in people
    )
    assert met, "the replicas never met"


def all_are_told(firm, people) -> bool:
    """Tell whether a mail was sent to each, and recorded."""
    return all(firm.notified(name).get("status") == "True" and "attempt" not in firm.status(name) for name in people)
