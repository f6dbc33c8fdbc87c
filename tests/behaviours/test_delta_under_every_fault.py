"""Every named fault of the simulated OneDrive, during a run that follows the feed: nothing lost, nothing twice."""

from __future__ import annotations

import random

import pytest

from simulator.catalogue import FAULTS
from simulator.faults import Request

# The fault, and where it is held instead: these make a run wait for minutes.
TOO_SLOW = {
    "sign-in slow": "the sign-in's time limit",
    "stalled": "the time limit of a download",
    "header drips": "the time limit of a run",
    "body header drips": "the time limit of a run",
}
DONE, PERSON, LATER = 0, 2, 3
WALK = {Request.DELTA, Request.CHILDREN}
# Only the time limit of an answer, or that of a run, ends these.
DRIPPING = {"json drips", "body drips"}
UNENDING = {"items made up without end", "throttled for hours"}
# Files that this fault takes out of OneDrive: they are dropped and counted.
TAKES_AWAY = {"item gone"}

CASES = [
    pytest.param(
        name,
        folder,
        id=f"{name}, {'whole drive' if folder == '/' else 'folder'}",
        marks=[pytest.mark.skip(reason=f"held by the tests of {TOO_SLOW[name]}")] if name in TOO_SLOW else [],
    )
    for name, fault in FAULTS.items()
    for folder in (["/Invoices", "/"] if WALK & set(fault.kinds) else ["/Invoices"])
]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries that don't wait for long, in runs that don't last long."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)
    # A body of 10 GB finds no room.
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", 1_000_000_000)
    monkeypatch.setattr("bannette.collector.run._LONGEST", 60.0)


@pytest.fixture
def drive(simulator):
    simulator.control.settings(page_size=2)
    return simulator.control


def begin(drive):
    for number in range(4):
        drive.create(f"/Invoices/{number}.txt", f"document {number}")
    drive.create("/Invoices/2025/old.txt", "oscar")
    for number in range(3):
        drive.create(f"/Private/Moved/{number}/m{number}.txt", f"moved {number}")


def change(drive):
    """Change the drive in all ways that a run must follow."""
    for number in range(4, 9):
        drive.create(f"/Invoices/2026/Q{number}/{number}.txt", f"document {number}")
    drive.move("/Private/Moved", "/Invoices")
    drive.create("/Invoices/copy.txt", "document 0")
    drive.create("/Private/other.txt", "private")
    drive.edit("/Invoices/1.txt", "document 1, corrected")
    drive.rename("/Invoices/2.txt", "two.txt")
    drive.move("/Invoices/3.txt", "/Invoices/2026")
    drive.delete("/Invoices/2025")
    short = drive.create("/Invoices/short.txt", "short-lived")
    drive.delete(short["id"])


def mixed(seed):
    """Return some faults that come and go by chance."""
    chance = random.Random(seed)
    names = sorted(set(FAULTS) - set(TOO_SLOW) - UNENDING - DRIPPING - TAKES_AWAY)
    likely = {name: chance.choice([0.05, 0.2, 0.5]) for name in chance.sample(names, 8)}
    # What tells a run to wait for a second would make it wait for most of a minute.
    likely |= {name: min(likely[name], 0.1) for name in likely if "Retry-After" in FAULTS[name].headers}
    return [
        {"like": name, "times": None, "skip": 0, "probability": probability, "seed": seed}
        for name, probability in likely.items()
    ]


def visible(channel):
    state = channel.saved_state()
    return {item["item"]: item["reason"] for kind in ("deferred", "rejected") for item in state[kind]}


@pytest.mark.behaviour(41, 68)
@pytest.mark.parametrize(("fault", "folder"), CASES)
def test_a_run_under_this_fault_loses_nothing_and_gives_nothing_twice(
    channel, collect, drive, fault, folder, caplog, monkeypatch
):
    channel.write(onedrive={"folder": folder})
    begin(drive)
    assert collect().code == DONE
    before = {record.item for record in channel.records()}
    change(drive)
    if Request.CONTENT in FAULTS[fault].kinds:
        drive.add_faults("no download url")
    drive.add_faults(fault)
    with monkeypatch.context() as patch:
        if fault in DRIPPING:
            patch.setattr("bannette.onedrive.graph._LONGEST_ANSWER", 0.3)
            patch.setattr("bannette.onedrive.transfer._SLOW_SECONDS", 0.3)
        if fault in UNENDING:
            patch.setattr("bannette.collector.run._LONGEST", 2.0)
        troubled = collect()
    assert troubled.code in (DONE, PERSON, LATER)
    assert "run.crashed" not in caplog.text
    assert troubled.entry["reason"]
    assert troubled.entry["message"]
    if troubled.code == DONE:
        pending = visible(channel)
        assert troubled.counts("deferred", "rejected") == (
            len(channel.saved_state()["deferred"]),
            len(channel.saved_state()["rejected"]),
        )
        assert all(pending.values())
    dropped = channel.report(troubled)["dropped"]
    drive.remove_faults()
    missing = check(channel, drive, folder, before)
    assert len(missing) == (dropped if fault in TAKES_AWAY else 0)


@pytest.mark.behaviour(41, 68)
@pytest.mark.parametrize("folder", ["/Invoices", "/"])
@pytest.mark.parametrize("seed", range(6))
def test_runs_under_many_faults_at_once_lose_nothing_and_give_nothing_twice(
    channel, collect, drive, seed, folder, caplog
):
    channel.write(onedrive={"folder": folder})
    begin(drive)
    drive.add_faults(*mixed(seed))
    codes = [collect().code]
    change(drive)
    codes += [collect().code for _ in range(2)]
    assert set(codes) <= {DONE, PERSON, LATER}
    assert "run.crashed" not in caplog.text
    before = {record.item for record in channel.records()}
    drive.remove_faults()
    assert check(channel, drive, folder, before) == set()


def check(channel, drive, folder, before):
    """Check the binder after one more run, and return the files in scope that are neither collected nor visible."""
    assert channel.collect().code == DONE
    files = {item["id"] for item in drive.tree(folder) if item["kind"] == "file"}
    records = channel.records()
    collected = {record.item for record in records}
    assert len(records) == len(collected)
    pending = visible(channel)
    # What isn't there any more was collected before it went; nothing else is in the binder.
    assert collected - files <= before
    assert not collected & set(pending)
    delivered = [channel.original(entry.record) for entry in channel.binder().inbox()]
    assert len(delivered) == len(set(delivered))
    again = channel.collect()
    assert (again.code, *again.counts("collected", "duplicates")) == (DONE, 0, 0)
    return files - collected - set(pending)
