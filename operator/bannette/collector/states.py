"""Saving how far a run has come, in the binder first, then in the status."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from bannette.binder import Binder, State
from bannette.collector.ledger import Ledger
from bannette.collector.scope import stored_position
from bannette.resources import Channel, Checkpoint

# How often, in seconds, while a run goes on.
SAVE_EVERY: Final = 60.0


class States:
    """The states of one channel during one run."""

    def __init__(self, binder: Binder, channel: Channel) -> None:
        self._binder = binder
        self._channel = channel
        self.loaded = binder.load_state(channel.uid)
        self._last = self.loaded
        self._due = time.monotonic() + SAVE_EVERY

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What the status says of the last state."""
        state = self._last
        if state is None:
            return None
        return Checkpoint(
            revision=state.revision,
            seen_items=state.seen_items,
            deferred_items=len(state.deferred),
            rejected_items=len(state.rejected),
            committed_at=state.committed_at,
        )

    def save_if_due(self, ledger: Ledger) -> bool:
        """Save now and then; whether it was done now.

        Raises:
            StateAdvanced: another run has gone further.
        """
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + SAVE_EVERY
        return self.save(ledger, day=None)

    def save(self, ledger: Ledger, *, day: str | None) -> bool:
        """Save what the ledger says, unless nothing is new; whether something was.

        Args:
            day: of a successful automatic run.

        Raises:
            StateAdvanced: another run has gone further.
        """
        standing, last = ledger.standing(), self._last
        state = State(
            revision=last.revision + 1 if last else 1,
            position=stored_position(self._channel.onedrive, standing.position),
            committed_at=datetime.now(UTC),
            deferred=standing.deferred,
            rejected=standing.rejected,
            last_automatic_day=day or (last.last_automatic_day if last else None),
            seen_items=standing.seen,
        )
        if last is not None and _content(state) == _content(last):
            return False
        self._binder.save_state(self._channel.uid, state)
        self._last = state
        return True


def _content(state: State) -> dict[str, object]:
    return {name: value for name, value in state.to_dict().items() if name not in ("revision", "committedAt")}
