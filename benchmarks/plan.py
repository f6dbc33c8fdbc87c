"""How much is measured."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Attributes:
    pairs: runs of each thing that is compared. items: in the drive that is walked as a whole.
    """

    pairs: int = 5
    items: int = 1_000_000


_STARTED = time.monotonic()


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(f"[{time.monotonic() - _STARTED:6.0f} s] {text}", flush=True)
