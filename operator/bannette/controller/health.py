"""Whether the operator is alive, and whether it is of use. Pure, but for the clock that it is given."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from bannette.controller.names import Key

#: A request to the API server ends after a minute, so a reconcile that lasts this long hangs.
LONGEST_RECONCILE: Final = 600.0
#: Bookmarks come once a minute: a longer silence means that no stream is open.
LONGEST_SILENCE: Final = 180.0


class Health:
    """What the probes are told.

    Attributes:
        stands_by: another replica holds the Lease. started: all that channels need is listed.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at_work: dict[Key, float] = {}
        self._answered = clock()
        self.stands_by = False
        self.started = False

    def begins(self, key: Key) -> None:
        self._at_work[key] = self._clock()

    def ends(self, key: Key) -> None:
        self._at_work.pop(key, None)

    def answered(self) -> None:
        """The API server has said something."""
        self._answered = self._clock()

    def ailment(self) -> str | None:
        """Say what only a new process cures; None if nothing.

        An API server that can't be reached isn't: a new process wouldn't reach it either.
        """
        now = self._clock()
        for key, since in self._at_work.items():
            if now - since > LONGEST_RECONCILE:
                return f"The reconcile of {key} has hung for {now - since:.0f} s."
        return None

    def hindrance(self) -> str | None:
        """Say why channels aren't looked after now; None if they are, or another replica does it."""
        if not self.started and not self.stands_by:
            return "The channels and their children aren't all listed yet."
        silent = self._clock() - self._answered
        if silent > LONGEST_SILENCE:
            return f"The Kubernetes API server has said nothing for {silent:.0f} s."
        return self.ailment()
