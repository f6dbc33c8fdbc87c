"""Processes whose clock is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path


def with_clock(offset: str) -> dict[str, str]:
    """Return the environment of a process whose clock is off by *offset* (``+2d``), its monotonic one apart."""
    subprocess.run(["requirements/system.sh", "libfaketime"], check=True)
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
