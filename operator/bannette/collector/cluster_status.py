"""The status of a channel in Kubernetes, patched by the run's pod."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from bannette import logs
from bannette.collector.interruption import Interruption
from bannette.collector.status import with_condition
from bannette.kube import ClusterApi, contended
from bannette.resources import BINDERS, CHANNELS, ChannelStatus, Condition, InvalidResource

logger = logging.getLogger(__name__)

PATIENCE: Final = 60.0
_POLL: Final = 5.0
_OURS: Final = ("activeRun", "lastRun", "checkpoint", "history")
Result = TypeVar("Result")


class ClusterStatus:
    """The status of the channel *name*.

    Args:
        patience: seconds for which another run's heartbeat may stand still before this run goes on.
    """

    def __init__(self, api: ClusterApi, *, name: str, patience: float = PATIENCE, poll: float = _POLL) -> None:
        self._api = api
        self._name = name
        self._patience = patience
        self._poll = poll
        self._binder: str | None = None
        self._binder_conditions: object = None

    def use_binder(self, name: str, body: Mapping[str, object]) -> None:
        """Count arrivals in the binder *name*, which is *body* at present."""
        self._binder = name
        self._binder_conditions = _binder_status(body).get("conditions")

    def wait_for_turn(self, run: str, interruption: Interruption) -> None:
        """Wait while another Job's heartbeat changes; clocks of other machines are never compared with this one's."""
        seen: tuple[str, datetime] | None = None
        since = time.monotonic()
        while (active := self.read().active_run) is not None and active.id != run:
            now = time.monotonic()
            if seen != (active.id, active.heartbeat):
                if seen is None:
                    logs.event(logger, "run.waiting", run=run, reason="AnotherRunIsActive", other=active.id)
                seen, since = (active.id, active.heartbeat), now
            elif now - since >= self._patience:
                return
            if interruption.wait(self._poll):
                return

    def read(self) -> ChannelStatus:
        return _status(self._api.get(CHANNELS, self._name))

    def update(self, change: Callable[[ChannelStatus], ChannelStatus]) -> ChannelStatus:
        return _retried(lambda: self._update_once(change))

    def _update_once(self, change: Callable[[ChannelStatus], ChannelStatus]) -> ChannelStatus:
        body = self._api.get(CHANNELS, self._name)
        before = _status(body)
        after = change(before)
        old, new = before.to_dict(), after.to_dict()
        # In a merge patch null removes.
        patch = {name: new.get(name) for name in _OURS if new.get(name) != old.get(name)}
        if patch:
            self._api.patch_status(CHANNELS, self._name, {"status": patch}, resource_version=_version(body))
        return after

    def count_arrivals(self, *, documents: int, size: int, at: datetime) -> None:
        if self._binder is not None:
            binder = self._binder
            # To a microsecond that no other run has: by it a count is known whose answer the API server lost.
            arrival = at.replace(microsecond=secrets.randbelow(1_000_000)).isoformat()
            _retried(lambda: self._count_once(binder, documents=documents, size=size, arrival=arrival))

    def _count_once(self, binder: str, *, documents: int, size: int, arrival: str) -> None:
        body = self._api.get(BINDERS, binder)
        status = _binder_status(body)
        if status.get("lastArrival") == arrival:
            return
        added = {
            "documents": _number(status, "documents") + documents,
            "bytes": _number(status, "bytes") + size,
            "lastArrival": arrival,
        }
        self._api.patch_status(BINDERS, binder, {"status": added}, resource_version=_version(body))

    def show_in_binder(self, kind: str, condition: Condition | None) -> None:
        binder = self._binder
        if binder is None or with_condition(self._binder_conditions, kind, condition, now=datetime.now(UTC)) is None:
            return
        _retried(lambda: self._show_once(binder, kind, condition))

    def _show_once(self, binder: str, kind: str, condition: Condition | None) -> None:
        body = self._api.get(BINDERS, binder)
        conditions = with_condition(_binder_status(body).get("conditions"), kind, condition, now=datetime.now(UTC))
        if conditions is not None:
            status = {"status": {"conditions": conditions}}
            self._api.patch_status(BINDERS, binder, status, resource_version=_version(body))

    def close(self) -> None:
        """The turn ends with activeRun."""


def _retried(attempt: Callable[[], Result]) -> Result:
    return contended(attempt, what="The status, of the channel or its binder,", reason="StatusConflict")


def _status(body: Mapping[str, object]) -> ChannelStatus:
    found = body.get("status")
    try:
        return ChannelStatus.parse(found if isinstance(found, Mapping) else {})
    except InvalidResource:
        # Somebody wrote what no version of Bannette writes: what matters is in the binder.
        logs.event(logger, "status.unreadable", level=logging.WARNING)
        return ChannelStatus()


def _binder_status(body: Mapping[str, object]) -> Mapping[str, object]:
    found = body.get("status")
    return found if isinstance(found, Mapping) else {}


def _version(body: Mapping[str, object]) -> str | None:
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, Mapping) else None
    return version if isinstance(version, str) else None


def _number(members: Mapping[str, object], name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) else 0
