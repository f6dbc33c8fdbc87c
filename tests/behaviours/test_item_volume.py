"""Very large documents, and very many: memory and scratch space stay bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from simulator.content import Generated, chunks
from tests.collector.local_channel import LocalChannel

# A slow machine takes minutes for as much.
pytestmark = pytest.mark.timeout(900)

MB = 1_000_000
# Runs a command and says, after its output, how it ended and how many kB of memory it took at most.
MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
sys.stdout.buffer.write(ended.stdout.splitlines()[-1] + b"\\n")
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.fixture
def drive(simulator):
    simulator.control.folder("/Invoices")
    return simulator.control


def measured_run(channel: LocalChannel) -> tuple[dict, float]:
    """Do one run by the real command; return its entry and the most memory that it took, in MB."""
    command = [sys.executable, "-c", MEASURE, *channel.command()]
    output = subprocess.run(
        command, stdout=subprocess.PIPE, env=channel.environment, check=True, timeout=800
    ).stdout.splitlines()
    return json.loads(output[0]), int(output[1]) / 1024


@pytest.fixture
def scratch(channel):
    """The largest sum of sizes that the files of the scratch folder were seen to have."""
    seen = [0]
    stop = threading.Event()

    def watch():
        while not stop.wait(0.001):
            total = 0
            # Files and folders go while they are looked at.
            for folder, _, files in os.walk(channel.state / "scratch"):
                for file in files:
                    with suppress(FileNotFoundError):
                        total += Path(folder, file).stat().st_size
            seen[0] = max(seen[0], total)

    thread = threading.Thread(target=watch)
    thread.start()
    yield lambda: seen[0]
    stop.set()
    thread.join()


@pytest.mark.behaviour(65)
def test_a_large_document_takes_no_more_memory_than_a_small_one(channel, drive):
    drive.create("/Invoices/small.tif", generate=(1, 1000))
    entry, small = measured_run(channel)
    assert (entry["result"], entry["collected"]) == ("Succeeded", 1)
    size = 300 * MB
    drive.create("/Invoices/large.tif", generate=(2, size))
    entry, large = measured_run(channel)
    assert (entry["result"], entry["collected"], entry["bytes"]) == ("Succeeded", 1, size)
    record = channel.records()[0]
    digest = sha256()
    for piece in chunks(Generated(2, size), 0, size):
        digest.update(piece)
    assert (record.name, record.size, record.sha256, record.verified) == ("large.tif", size, digest.hexdigest(), True)
    assert (channel.binder_folder / record.files["original"]).stat().st_size == size
    assert large < small + 50
    assert large < 150


@pytest.mark.behaviour(65)
def test_many_documents_take_no_more_memory_than_a_few(channel, drive):
    memory = []
    for first, count in ((0, 100), (100, 1000)):
        for number in range(first, first + count):
            drive.create(f"/Invoices/{number % 20}/{number}.txt", generate=(number, 2000))
        entry, peak = measured_run(channel)
        assert (entry["result"], entry["collected"]) == ("Succeeded", count)
        memory.append(peak)
    few, many = memory
    assert many < few + 20
    assert drive.counters()["mostDownloadsAtOnce"] <= 16


@pytest.mark.behaviour(65)
def test_the_scratch_folder_holds_no_more_than_it_may(channel, collect, drive, scratch, monkeypatch):
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", 2 * MB)
    for number in range(40):
        drive.create(f"/Invoices/{number}.tif", generate=(number, 500_000))
    drive.create("/Invoices/too large.tif", generate=(99, 2 * MB + 1))
    drive.create("/Invoices/just.tif", generate=(100, 2 * MB))
    drive.reset_counters()
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 41, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "TooLargeForScratch"
    assert 0 < scratch() <= 2 * MB
    assert drive.counters()["bytesSent"] == 40 * 500_000 + 2 * MB


@pytest.mark.behaviour(59, 65)
@pytest.mark.parametrize("how", [{}, {"chunked": True}, {"gzip": True}], ids=["told", "chunked", "gzipped"])
def test_a_document_that_is_larger_than_it_says_takes_no_more_than_there_is(
    channel, collect, drive, scratch, monkeypatch, how
):
    monkeypatch.setattr("bannette.collector.capacity._MOST_SCRATCH", 2 * MB)
    drive.create("/Invoices/a.tif", generate=(1, 1_500_000))
    drive.create("/Invoices/huge.tif", generate=(2, 40 * MB))
    drive.create("/Invoices/small.tif", generate=(3, 1000))
    drive.add_faults({"like": "wrong size", "item": "*/huge.tif"}, {"like": "wrong size", "item": "*/small.tif"})
    if how:
        drive.add_faults({"name": "how", "kinds": ["download"], "times": None, **how})
    ended = collect()
    assert ended.counts("collected", "deferred") == (2, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "TooLargeForScratch"
    assert scratch() <= 2 * MB
    assert {record.name: channel.original(record) for record in channel.records()} == {
        "a.tif": Generated(1, 1_500_000).read(0, 1_500_000),
        "small.tif": Generated(3, 1000).read(0, 1000),
    }
    monkeypatch.undo()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)


@pytest.mark.behaviour(65)
def test_a_document_that_can_not_be_held_is_put_off_unread(channel, collect, drive):
    drive.create("/Invoices/a.txt", "alpha")
    drive.create("/Invoices/huge.tif", generate=(2, 10_000 * MB))
    drive.reset_counters()
    ended = collect()
    assert (ended.code, ended.entry["collected"], ended.entry["deferred"]) == (0, 1, 1)
    assert channel.report(ended)["deferredItems"][0]["reason"] == "TooLargeForScratch"
    assert drive.counters()["bytesSent"] == 5
