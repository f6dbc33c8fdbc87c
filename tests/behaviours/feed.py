"""A delta feed of small pages, a channel that follows it, and what runs ask of it: fixtures and helpers."""

from __future__ import annotations

import threading

import pytest

from tests.collector.local_channel import wait_until

WALK = ["folder", "drive"]


@pytest.fixture
def drive(simulator):
    """Pages of 4 items."""
    simulator.control.settings(page_size=4)
    return simulator.control


@pytest.fixture(params=WALK)
def watched(request, channel):
    """The channel, once of a folder and once of the whole drive."""
    channel.write(onedrive={"folder": "/Invoices" if request.param == "folder" else "/"})
    return channel


def fill(drive, count, *, start=0):
    for number in range(start, start + count):
        drive.create(f"/Invoices/{number % 3}/{number}.txt", f"document {number}")


def asked(drive):
    """How many requests to Graph and its content hosts there were since the last call."""
    counted = drive.counters()["requests"]
    drive.reset_counters()
    return {kind: count for kind, count in counted.items() if count and kind not in ("token", "discovery")}


def cursor(channel):
    return channel.saved_state()["position"]["walk"]["cursor"]


def collect_while(channel, drive, *, page, act):
    """Do a run, and *act* while it waits for the delta page of that number, counted from 0."""
    drive.add_faults({"name": "held", "kinds": ["delta"], "skip": page, "delay": 3600.0})
    drive.reset_counters()
    ended = []
    run = threading.Thread(target=lambda: ended.append(channel.collect()))
    run.start()
    wait_until(lambda: drive.count("delta") > page, f"page {page} of the feed to be asked for")
    act()
    drive.remove_faults("held")
    run.join()
    return ended[0]
