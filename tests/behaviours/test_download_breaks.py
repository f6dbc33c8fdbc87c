"""Downloads that break off, stand still or drip, and content that changes while it is fetched."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from bannette.onedrive import Patience
from simulator.content import CHUNK, Generated

SIZE = 2 * CHUNK + 1000
CUTS = [0, 1, 159, 160, 161, 4095, 65_535, 65_536, 262_144, CHUNK - 1, CHUNK, CHUNK + 1, SIZE - 1]


@pytest.fixture
def drive(simulator):
    return simulator.control


def content(seed: int, size: int = SIZE) -> bytes:
    return Generated(seed, size).read(0, size)


def assert_collected(channel, *, seeds: range) -> None:
    got = {record.name: channel.original(record) for record in channel.records()}
    assert got == {f"{seed}.tif": content(seed) for seed in seeds}
    assert all(record.verified for record in channel.records())


@pytest.mark.behaviour(55)
@pytest.mark.parametrize("extra", [{}, {"chunked": True}, {"gzip": True}], ids=["as it is", "chunked", "gzipped"])
def test_a_download_that_is_cut_anywhere_is_completed(channel, collect, hasty, drive, extra):
    for seed, cut_at in enumerate(CUTS):
        drive.create(f"/Invoices/{seed}.tif", generate=(seed, SIZE))
        drive.add_faults({"like": "connection cut", "item": f"*/{seed}.tif", "cut_at": cut_at, **extra})
    drive.reset_counters()
    assert collect().counts("result", "collected") == ("Succeeded", len(CUTS))
    assert_collected(channel, seeds=range(len(CUTS)))
    assert drive.count("download") == 2 * len(CUTS)
    if not extra:
        # Resumed, not begun anew: what the closed connections still held is all that was sent twice.
        assert drive.counters()["bytesSent"] < 1.2 * SIZE * len(CUTS)


@pytest.mark.behaviour(55)
def test_a_download_that_breaks_off_again_and_again_is_resumed_while_it_advances(channel, collect, hasty, drive):
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.add_faults({"like": "connection cut always", "cut_at": 200_000})
    drive.reset_counters()
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert_collected(channel, seeds=range(1))
    assert 4 <= drive.count("download") <= 6


@pytest.mark.behaviour(55)
@pytest.mark.parametrize("cut_at", [0, 1000])
def test_a_download_that_does_not_get_on_is_put_off_and_others_are_collected(channel, collect, hasty, drive, cut_at):
    for seed in range(3):
        drive.create(f"/Invoices/{seed}.tif", generate=(seed, SIZE))
    drive.add_faults({"like": "connection cut always", "cut_at": cut_at, "item": "*/0.tif"})
    drive.reset_counters()
    ended = collect()
    assert ended.code == 0
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 2, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "DownloadBroken"
    assert drive.count("download") == 6 + 2
    drive.remove_faults()
    drive.reset_counters()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert_collected(channel, seeds=range(3))
    assert drive.count("download") == 1


@pytest.mark.behaviour(55)
@pytest.mark.parametrize("fault", ["stalled", "stalled half-way"])
def test_a_download_that_stands_still_is_given_up_and_resumed(channel, collect, hasty, drive, monkeypatch, fault):
    monkeypatch.setattr("bannette.onedrive.graph.Patience", partial(Patience, read=1.0))
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.add_faults({"like": fault, "times": 2})
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert_collected(channel, seeds=range(1))
    assert drive.count("download") >= 3


@pytest.mark.behaviour(55)
def test_a_download_that_stands_still_for_ever_is_put_off(channel, collect, hasty, drive, monkeypatch):
    monkeypatch.setattr("bannette.onedrive.graph.Patience", partial(Patience, read=0.5))
    for seed in range(2):
        drive.create(f"/Invoices/{seed}.tif", generate=(seed, SIZE))
    drive.add_faults({"like": "stalled half-way", "times": None, "item": "*/0.tif"})
    assert collect().counts("collected", "deferred") == (1, 1)
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert_collected(channel, seeds=range(2))


@pytest.mark.behaviour(55)
def test_a_download_that_drips_is_given_up_and_resumed(channel, collect, hasty, drive, monkeypatch):
    monkeypatch.setattr("bannette.onedrive.transfer._SLOW_SECONDS", 0.3)
    monkeypatch.setattr("bannette.onedrive.transfer._SLOW_BYTES", 100_000)
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.add_faults("slow")
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert_collected(channel, seeds=range(1))
    # A busy machine may be slow for a moment, too.
    assert drive.count("download") >= 2


@pytest.mark.behaviour(55)
def test_a_download_that_takes_hours_is_put_off(channel, collect, drive, monkeypatch):
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.create("/Invoices/1.tif", generate=(1, 1000))
    drive.add_faults({"like": "slow", "item": "*/0.tif", "times": None})
    with monkeypatch.context() as patch:
        # By name, the package's function of this name would be found.
        patch.setattr(sys.modules["bannette.onedrive.download"], "_LONGEST", 3.0)
        ended = collect()
    assert (ended.code, *ended.counts("collected", "deferred")) == (0, 1, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "DownloadTooSlow"
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    got = {record.name: channel.original(record) for record in channel.records()}
    assert got == {"0.tif": content(0), "1.tif": content(1, 1000)}


@pytest.mark.behaviour(55)
def test_a_day_on_which_every_third_download_breaks_costs_no_document(channel, collect, hasty, drive):
    for seed in range(30):
        drive.create(f"/Invoices/{seed}.tif", generate=(seed, SIZE))
    chance = {"probability": 0.35, "times": None}
    drive.add_faults(
        {"like": "connection cut", "seed": 1, "cut_at": 300_000, **chance},
        {"like": "connection refused", "seed": 2, **chance, "probability": 0.1},
        {"like": "url expired", "seed": 3, **chance, "probability": 0.05},
    )
    assert collect().code == 0
    drive.remove_faults()
    collect()
    assert_collected(channel, seeds=range(30))


@pytest.mark.behaviour(56)
@pytest.mark.parametrize("second", ["range ignored", "wrong content range", "range not satisfiable"])
@pytest.mark.parametrize("hash_known", [True, False], ids=["with a hash", "without"])
def test_what_does_not_continue_a_download_begins_it_anew(channel, collect, hasty, drive, second, hash_known):
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.add_faults("connection cut", {"like": second, "skip": 1, "times": 1})
    if not hash_known:
        drive.add_faults("no hash")
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    assert_collected(channel, seeds=range(1))


@pytest.mark.behaviour(56)
def test_ranges_that_are_never_served_right_put_the_document_off(channel, collect, hasty, drive):
    drive.create("/Invoices/0.tif", generate=(0, SIZE))
    drive.add_faults("connection cut always", {"like": "range not satisfiable", "times": None, "skip": 1})
    assert collect().counts("collected", "deferred") == (0, 1)
    assert drive.count("download") <= 8
    drive.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert_collected(channel, seeds=range(1))


@pytest.mark.behaviour(57)
@pytest.mark.parametrize("size", [SIZE, SIZE // 2, SIZE * 2], ids=["as long", "shorter", "longer"])
@pytest.mark.parametrize(
    "faults",
    [
        [{"like": "no download url"}, {"like": "edited before a download"}],
        [{"like": "edited after a download", "cut_at": 100_000}],
        [{"like": "connection cut"}, {"like": "edited before a download"}],
        [{"like": "connection cut"}, {"name": "edited", "kinds": ["item"]}],
    ],
    ids=["before the download", "at the break", "before the rest", "after the metadata"],
)
@pytest.mark.parametrize("hash_known", [True, False], ids=["with a hash", "without"])
def test_content_that_is_replaced_meanwhile_is_one_version(channel, collect, hasty, drive, faults, size, hash_known):
    drive.create("/Invoices/a.tif", generate=(0, SIZE))
    last = {**faults[-1], "edit": [1, size], "item": "*/a.tif"}
    drive.add_faults(*faults[:-1], last)
    if not hash_known:
        drive.add_faults("no hash")
    assert collect().counts("result", "collected") == ("Succeeded", 1)
    (record,) = channel.records()
    assert channel.original(record) == content(1, size)
    assert (record.size, record.verified) == (size, True)
    # The feed tells of the edit, which was collected.
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 0, 0)
    if hash_known:
        assert channel.report(ended)["changedSinceCollected"] == 0
