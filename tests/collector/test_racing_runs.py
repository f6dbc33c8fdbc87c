"""Runs at the same time, each a real process: nothing lost, nothing twice, and the history says who did what."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.collector.local_channel import LocalChannel, finished, wait_until

DOCUMENTS = 60
#: Of these every third repeats the bytes of the one before it.
CONTENTS = [f"document {number - (number % 3 == 2)}" for number in range(DOCUMENTS)]
DELIVERED = len(set(CONTENTS))


@pytest.fixture
def drive(simulator):
    """Its first answers come late, so that every run has begun before one collects; downloads take their time."""
    simulator.control.add_faults(
        {"name": "late", "kinds": ["delta", "children"], "times": 2, "delay": 1.0},
        {"name": "slow", "kinds": ["download"], "times": None, "delay": 0.05},
    )
    return simulator.control


def fill(drive, folder="/Invoices", *, of=None):
    for number, content in enumerate(CONTENTS):
        drive.create(f"{folder}/{number}.txt", content, drive=of)


def beside(channel: LocalChannel, name: str, **onedrive) -> LocalChannel:
    """Another channel of the same binder."""
    folder = channel.folder / name
    folder.mkdir()
    other = LocalChannel(folder, channel.simulator)
    other.write(binder={"storage": {"path": str(channel.binder_folder)}}, onedrive=onedrive)
    other.file.write_text(other.file.read_text().replace("name: acme-onedrive", f"name: {name}"))
    other.binder_folder = channel.binder_folder
    return other


def again(channel: LocalChannel) -> LocalChannel:
    """The same channel with a state folder of its own, as on another machine: its runs don't wait for each other."""
    other = LocalChannel(channel.folder, channel.simulator)
    other.state = channel.folder / "state-on-another-machine"
    return other


def at_once(*channels):
    return [finished(process) for process in [channel.start() for channel in channels]]


def check(channel, ends, *, items=DOCUMENTS):
    """Everything once; what the runs say of themselves is what stands in the binder."""
    records = channel.records()
    assert len(records) == len({record.item for record in records}) == items
    delivered = [record for record in records if not record.withheld]
    assert sorted(channel.original(record).decode() for record in delivered) == sorted(set(CONTENTS))
    assert channel.inbox() == sorted(record.name for record in delivered)
    reports = {report["id"]: report for report in channel.reports()}
    for ended in ends:
        entry = ended.entry
        of_run = [record for record in records if record.run == entry["id"]]
        assert entry["collected"] == sum(not record.withheld for record in of_run)
        assert entry["duplicates"] == sum(record.withheld for record in of_run)
        assert {name: reports[entry["id"]][name] for name in entry} == entry


def total(ends, name):
    return sum(ended.entry[name] for ended in ends)


def test_two_runs_of_one_channel_at_once_collect_everything_once(channel, drive):
    fill(drive)
    ends = at_once(channel, again(channel))
    assert [ended.code for ended in ends] == [0, 0], [ended.stderr for ended in ends]
    check(channel, ends)
    assert (total(ends, "collected"), total(ends, "duplicates")) == (DELIVERED, DOCUMENTS - DELIVERED)
    # Both saved a state, or one found that the other had.
    assert {ended.entry["reason"] for ended in ends} <= {"Collected", "NothingNew", "StateAdvanced"}
    assert channel.collect().counts("reason", "alreadySeen") == ("NothingNew", 0)


def test_two_channels_of_one_drive_at_once_collect_everything_once(channel, drive):
    fill(drive, "/Invoices/2026")
    channels = channel, beside(channel, "whole-drive", folder="/")
    ends = at_once(*channels)
    assert [ended.code for ended in ends] == [0, 0], [ended.stderr for ended in ends]
    check(channel, ends)
    assert (total(ends, "collected"), total(ends, "duplicates")) == (DELIVERED, DOCUMENTS - DELIVERED)
    for each in channels:
        assert each.collect().counts("result", "collected", "alreadySeen") == ("Succeeded", 0, 0)


def test_two_drives_with_the_same_bytes_at_once_deliver_each_content_once(channel, drive, simulator):
    other = drive.person("paul@acme.example")["drive"]
    fill(drive)
    fill(drive, of=other)
    account = {
        "tenantId": simulator.tenant_id,
        "user": "paul@acme.example",
        "clientId": simulator.client_id,
        "credentialsSecret": {"name": "acme-app"},
    }
    ends = at_once(channel, beside(channel, "of-paul", account={"application": account}))
    assert [ended.code for ended in ends] == [0, 0], [ended.stderr for ended in ends]
    check(channel, ends, items=2 * DOCUMENTS)
    assert (total(ends, "collected"), total(ends, "duplicates")) == (DELIVERED, 2 * DOCUMENTS - DELIVERED)
    firsts = {record.id for record in channel.records() if not record.withheld}
    assert {record.duplicate_of for record in channel.records() if record.withheld} <= firsts


@pytest.mark.kill
@pytest.mark.timeout(600)
@pytest.mark.parametrize("collected", [0, 1, 10, 30, 50])
def test_a_run_beside_one_that_is_killed_collects_everything_once(channel, drive, collected):
    fill(drive)
    doomed, other = channel.start(), again(channel).start()
    wait_until(lambda: len(documents_of(channel.binder_folder)) >= collected, f"{collected} documents")
    doomed.kill()
    killed, ended = finished(doomed), finished(other)
    assert killed.code in (0, -signal.SIGKILL)
    assert ended.code == 0, ended.stderr
    check(channel, [ended])
    last = channel.collect()
    assert last.counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    check(channel, [ended, last])


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_runs_that_lose_their_state_while_others_go_on_collect_everything_once(channel, drive):
    """Three at once, and what they have saved goes while they run."""
    fill(drive)
    third = again(channel)
    third.state = channel.folder / "state-on-a-third-machine"
    processes = [each.start() for each in (channel, again(channel), third)]
    wait_until(lambda: len(documents_of(channel.binder_folder)) >= 20, "20 documents")
    shutil.rmtree(channel.binder_folder / "state", ignore_errors=True)
    ends = [finished(process) for process in processes]
    assert [ended.code for ended in ends] == [0, 0, 0], [ended.stderr for ended in ends]
    shutil.rmtree(channel.binder_folder / "state", ignore_errors=True)
    check(channel, ends)
    assert channel.collect().counts("result", "collected", "duplicates") == ("Succeeded", 0, 0)
    check(channel, ends)


def documents_of(binder: Path) -> list[Path]:
    return list((binder / "records").glob("*/*.json"))
