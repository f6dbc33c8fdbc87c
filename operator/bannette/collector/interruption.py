"""SIGTERM and SIGINT: the run ends within seconds, with what it has settled so far."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime

from bannette.collector.handover import Halt
from bannette.errors import Transient

_LOOK_EVERY = 0.1  # seconds


class Interruption:
    """Whether somebody asked the run to end.

    The signal's handler only sets a flag: it runs in the main thread between any two steps, where taking a lock that
    this thread holds would stop the process for ever.
    """

    def __init__(self) -> None:
        self.requested = False

    def install(self) -> None:
        """Listen to the signals; in the main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request)

    def wait(self, seconds: float) -> bool:
        """Return after *seconds*, or as soon as the run shall end; whether it shall."""
        until = time.monotonic() + seconds
        while not self.requested and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY))
        return self.requested

    def check(self) -> None:
        """Raise the error of a run that shall end, if it shall."""
        if self.requested:
            raise interrupted()

    def _request(self, number: int, frame: object) -> None:
        self.requested = True


def interrupted() -> Transient:
    return Transient(
        "The run was told to end before it was done; the next one goes on from here.", reason="Interrupted"
    )


class RunClock:
    """The machine's clock for OneDrive's retries; its waiting ends with the run."""

    def __init__(self, halt: Halt) -> None:
        self._halt = halt

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Transient: the run ends.
        """
        if self._halt.wait(seconds):
            raise interrupted()
