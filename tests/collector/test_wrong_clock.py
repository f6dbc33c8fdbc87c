"""Runs on a node whose clock is wrong: they collect, and spoil nothing for those after them."""

from __future__ import annotations

import pytest

from tests.clocks import with_clock
from tests.collector.local_channel import LocalChannel

pytestmark = pytest.mark.kill


@pytest.mark.parametrize("offset", ["+2d", "-2d"], ids=["two-days-ahead", "two-days-behind"])
def test_a_run_by_a_wrong_clock_collects_and_costs_the_next_one_nothing(channel: LocalChannel, offset: str) -> None:
    drive = channel.simulator.control
    drive.create("/Invoices/a.txt", "alpha")
    assert channel.collect().counts("collected") == (1,)
    drive.create("/Invoices/b.txt", "bravo")
    assert channel.command_ends(environment=with_clock(offset)).counts("collected") == (1,)
    drive.create("/Invoices/c.txt", "charlie")
    ended = channel.collect()
    assert ended.counts("collected") == (1,)
    assert channel.names() == channel.inbox() == ["a.txt", "b.txt", "c.txt"]
    # Also where the one before has times that are yet to come.
    assert channel.status()["lastRun"]["id"] == ended.entry["id"]
