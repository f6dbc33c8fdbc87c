"""Fixtures for all tests: a simulated OneDrive, and a channel in a file that collects from it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture
from tests.collector.local_channel import Ended, LocalChannel

# How long an example takes, or is made, says how busy the machine is. What takes too long has pytest's timeout.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Let processes that tests start be interrupted, also when a shell runs the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the modules that may take longest, when several run side by side: else all wait for one at the end."""
    if hasattr(config, "workerinput"):
        usual, may_take = float(config.getini("timeout")), dict[Path, float]()
        for item in items:
            timeout = item.get_closest_marker("timeout")
            may_take[item.path] = max(may_take.get(item.path, 0.0), timeout.args[0] if timeout else usual)
        items.sort(key=lambda item: -may_take[item.path])


@pytest.fixture
def channel(tmp_path: Path, simulator: Simulator) -> LocalChannel:
    """A channel of the simulator's empty drive; ``channel.write(…)`` changes it."""
    return LocalChannel(tmp_path, simulator)


@pytest.fixture
def collect(channel: LocalChannel) -> Callable[..., Ended]:
    """Does one run of the channel in this process; ``channel.command_ends`` does it by the real command."""
    return channel.collect
