"""Hundreds of channels are one mail for each recipient, and few requests; what doesn't change costs nothing."""

from __future__ import annotations

import collections
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.asking.firm import Service, links_in
from tests.asking.test_asked_for import CONNECT, REMINDER, subjects
from tests.connect.office import wait_until

pytestmark = pytest.mark.apiserver

CHANNELS = 500


def make_channels(firm, recipients):
    def make(number):
        firm.channel(f"client-{number:03}", recipient=recipients[number % len(recipients)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(CHANNELS)))


def requests_of(firm):
    """Return how many requests the service made, by verb and kind."""
    return collections.Counter((one["verb"], one["objectRef"]["resource"]) for one in firm.requests())


def assert_made(firm, expected):
    """Hold that the service made those requests and no others; the audit log has them a moment after their answers."""
    wait_until(lambda: requests_of(firm) >= collections.Counter(expected), f"the audit log has {expected}")
    assert requests_of(firm) == expected


LISTS_AND_WATCHES = {
    (verb, kind): 1 for verb in ("list", "watch") for kind in ("collectionchannels", "binders", "recipients")
}


def test_five_hundred_channels_of_one_recipient_are_one_mail(firm, mails, tmp_path):
    firm.recipient()
    make_channels(firm, ["marie"])
    with Service(firm, mails.port, tmp_path / "keys") as service:
        began = time.process_time()
        service.look(minutes=2)
        cpu = time.process_time() - began
        service.look(days=1)
        assert subjects(mails) == [CONNECT]
        assert len(links_in(mails.taken.mails[0])) == CHANNELS
        assert_made(firm, {**LISTS_AND_WATCHES, ("patch", "recipients"): 2})
        service.look(days=2.1)
        assert subjects(mails) == [CONNECT, REMINDER]
        assert_made(firm, {**LISTS_AND_WATCHES, ("patch", "recipients"): 4})
    size = len(mails.taken.raw[0])
    print(f"{CHANNELS} channels, 1 recipient: 1 mail of {size:,} bytes, 1 conversation, 2 writes, {cpu:.2f} CPU s")
    assert size < 2_000_000
    assert len(mails.taken.greetings) == 2


def test_five_hundred_channels_of_a_hundred_recipients_are_a_hundred_mails(firm, mails, tmp_path):
    people = [f"r{number:02}" for number in range(100)]
    for name in people:
        firm.recipient(name)
    make_channels(firm, people)
    with Service(firm, mails.port, tmp_path / "keys") as service:
        began, started = time.process_time(), time.monotonic()
        service.look(minutes=2)
        print(
            f"{CHANNELS} channels, {len(people)} recipients: {len(mails.taken.mails)} mails in "
            f"{time.monotonic() - started:.1f} s, {time.process_time() - began:.2f} CPU s"
        )
        service.look(hours=6)
        assert collections.Counter(address for (address,) in mails.taken.addressees) == {
            f"{name}@acme.example": 1 for name in people
        }
        assert {len(links_in(mail)) for mail in mails.taken.mails} == {CHANNELS // len(people)}
        assert_made(firm, {**LISTS_AND_WATCHES, ("patch", "recipients"): 2 * len(people)})


def test_runs_that_report_all_day_cost_no_request(firm, mails, tmp_path):
    firm.recipient()
    firm.channel(standing="Connected")
    with Service(firm, mails.port, tmp_path / "keys") as service:
        service.look(minutes=2)
        for number in range(20):
            run = {
                "id": "7d0f",
                "trigger": "Scheduled",
                "startedAt": "2026-11-24T05:30:00Z",
                "heartbeat": "2026-11-24T05:30:00Z",
                "discovered": number,
            }
            firm.change("CollectionChannel", "acme-onedrive", {"status": {"activeRun": run}}, status=True)
        service.look(minutes=2)
        assert_made(firm, LISTS_AND_WATCHES)
    assert subjects(mails) == []
