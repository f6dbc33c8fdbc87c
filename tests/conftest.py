"""Fixtures for all tests: a simulated OneDrive, and a channel in a file that collects from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture
from tests.collector.local_channel import Ended, LocalChannel


@pytest.fixture
def channel(tmp_path: Path, simulator: Simulator) -> LocalChannel:
    """A channel of the simulator's empty drive; ``channel.write(…)`` changes it."""
    return LocalChannel(tmp_path, simulator)


@pytest.fixture
def collect(channel: LocalChannel) -> Callable[..., Ended]:
    """Does one run of the channel in this process; ``channel.command_ends`` does it by the real command."""
    return channel.collect
