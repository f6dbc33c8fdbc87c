"""How a run reports while it goes on and when it ends; two implementations, in a file and in Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from bannette.collector.interruption import Interruption
from bannette.collector.ledger import Counts
from bannette.collector.order import Order
from bannette.resources import (
    ActiveRun,
    ChannelStatus,
    Checkpoint,
    Condition,
    HistoryEntry,
    drop_condition,
    set_condition,
    upsert_history,
)


class RunStatus(Protocol):
    """The status of one channel, and the counters of its binder."""

    def wait_for_turn(self, run: str, interruption: Interruption) -> None:
        """Return when no other run of the channel is going on, as far as that can be told, or this one shall end.

        It saves double work; nothing depends on it.
        """

    def read(self) -> ChannelStatus:
        """Return the status as it is now."""

    def update(self, change: Callable[[ChannelStatus], ChannelStatus]) -> ChannelStatus:
        """Replace what a run may write (activeRun, lastRun, checkpoint, history) by what *change* makes of it.

        *change* is called again when somebody else wrote meanwhile.
        """

    def count_arrivals(self, *, documents: int, size: int, at: datetime) -> None:
        """Add to the binder's counters; *size* in bytes."""

    def show_in_binder(self, kind: str, condition: Condition | None) -> None:
        """Let the binder's status have *condition*, None: none of the type *kind*. What is so already isn't written."""

    def close(self) -> None:
        """Let the next run have its turn."""


def began(status: ChannelStatus, order: Order) -> ChannelStatus:
    return replace(status, active_run=active(order, at=order.started_at))


def goes_on(status: ChannelStatus, order: Order, counts: Counts, *, failed: int, at: datetime) -> ChannelStatus:
    """Return *status* with a new heartbeat; unchanged if another run took over, or this one has ended."""
    if status.active_run is None or status.active_run.id != order.id:
        return status
    return replace(status, active_run=active(order, at=at, counts=counts, failed=failed))


def saved(status: ChannelStatus, checkpoint: Checkpoint) -> ChannelStatus:
    return replace(status, checkpoint=checkpoint)


def ended(status: ChannelStatus, entry: HistoryEntry, checkpoint: Checkpoint | None, *, limit: int) -> ChannelStatus:
    """Return *status* with the run in its history; another run that is going on stays the active one."""
    newer = status.active_run is not None and status.active_run.id != entry.id
    last = status.last_run
    # One that is to start after this one's end had a clock that was ahead.
    overtaken = last is not None and entry.started_at < last.started_at <= entry.completed_at
    return replace(
        status,
        active_run=status.active_run if newer else None,
        last_run=last if overtaken else entry,
        checkpoint=checkpoint or status.checkpoint,
        history=upsert_history(status.history, entry, limit=limit),
    )


def with_condition(
    said: object, kind: str, condition: Condition | None, *, now: datetime
) -> list[dict[str, object]] | None:
    """Return the conditions *said* with *condition* as the one of type *kind*, or without one; None: it is so already.

    What no version of Bannette writes is left out.
    """
    before = ChannelStatus.salvage({"conditions": said}).conditions
    after = drop_condition(before, kind) if condition is None else set_condition(before, condition, now)
    return None if after == before else [one.to_dict() for one in after]


def active(order: Order, *, at: datetime, counts: Counts | None = None, failed: int = 0) -> ActiveRun:
    return ActiveRun(
        id=order.id,
        trigger=order.trigger,
        job=order.job,
        started_at=order.started_at,
        heartbeat=at,
        discovered=counts.discovered if counts else 0,
        collected=counts.collected if counts else 0,
        failed=failed,
    )
