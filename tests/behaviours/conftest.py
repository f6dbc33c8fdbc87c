from __future__ import annotations

import pytest


@pytest.fixture
def hasty(monkeypatch):
    """Let runs of this process wait hundredths of a second between attempts, where they would wait for seconds."""
    monkeypatch.setattr("bannette.onedrive.throttle._FIRST_BACKOFF", 0.01)
