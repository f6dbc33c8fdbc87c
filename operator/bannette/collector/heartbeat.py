"""Says every few seconds in the channel's status that the run goes on, and how far it is."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from bannette import logs
from bannette.collector.ledger import Ledger
from bannette.collector.order import Order
from bannette.collector.status import RunStatus, goes_on
from bannette.errors import BannetteError

logger = logging.getLogger(__name__)

EVERY: Final = 12.0  # seconds
_JOIN: Final = 10.0


class Heartbeat:
    """Beats while the context is entered. A beat that fails is only logged: nothing depends on it."""

    def __init__(self, status: RunStatus, order: Order, ledger: Ledger) -> None:
        self._status = status
        self._order = order
        self._ledger = ledger
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_JOIN)

    def _beat(self) -> None:
        while not self._ended.wait(EVERY):
            try:
                self._status.update(
                    lambda now: goes_on(
                        now, self._order, self._ledger.counts, failed=self._ledger.failed, at=datetime.now(UTC)
                    )
                )
            except BannetteError as error:
                logs.event(logger, "status.unwritable", level=logging.WARNING, reason=error.reason)
