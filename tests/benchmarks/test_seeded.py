"""A binder that is filled as if a generated drive had been collected."""

from __future__ import annotations

from pathlib import Path

from benchmarks.seeded import seed
from simulator.testing import Simulator
from tests.collector.local_channel import LocalChannel


def test_a_run_takes_a_seeded_binder_for_one_that_has_everything(tmp_path: Path):
    with Simulator("generate:7x20kB/3") as simulator:
        channel = LocalChannel(tmp_path, simulator)
        channel.write(onedrive={"folder": "/"})
        drive = str(simulator.control.item("/")["drive"])
        seed(channel.binder_folder, drive=drive, files=7, per_folder=3)
        ended = channel.collect()
    assert ended.counts("alreadySeen", "collected") == (7, 0)
