"""The connect command of a channel whose account a person connects."""

from __future__ import annotations

import pytest

from tests.cli.connect_command import Connecting
from tests.collector.connected import delegate


@pytest.fixture
def connecting(channel, tmp_path, simulator):
    delegate(channel)
    simulator.control.create("/Invoices/a.txt", "alpha")
    simulator.control.settings(device_interval=1)
    return Connecting(channel, tmp_path)
