"""How far the opening of an inbox is, and whether it is to be asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bannette.console.inbox_reader import is_of_a_pod
from bannette.resources import INBOX_OPENED, INBOX_READER, InboxState, InboxStatus, parse_time

# Nobody there may be somebody who just goes; the operator looks at what was asked at once.
_PATIENCE: Final = timedelta(seconds=10)
_SILENT: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Opening:
    """What a page is to do about an inbox.

    Attributes:
        address: where to ask; empty: it isn't open.
        asks: it is to be asked for now.
        stage: ``opening``, ``waiting``, ``blocked``, ``closed`` or ``silent``: what is said meanwhile.
        message: why, in the operator's words.
    """

    address: str = ""
    asks: bool = False
    stage: str = "opening"
    message: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether it comes right by itself, so that the page is worth another look."""
        return self.stage != "closed"


def opening_of(
    body: Mapping[str, Any], digest: str, *, port: int, now: datetime, again: bool = False, lost: bool = False
) -> Opening:
    """Return what is to be done about the inbox of the Binder *body*, for whoever has the token with *digest*.

    Args:
        port: where pods listen that serve inboxes.
        again: somebody asks for it expressly, though it failed. lost: who should serve it doesn't answer.
    """
    annotations = body["metadata"].get("annotations") or {}
    opened, status = str(annotations.get(INBOX_OPENED, "")), InboxStatus.salvage(body)
    if annotations.get(INBOX_READER) != digest or not opened:
        return Opening(asks=True)
    age = _age(opened, now)
    ours = status is not None and status.reader == digest
    if status is None or not ours:
        waits = status is not None and status.state is InboxState.WAITING
        message = status.message if status is not None and waits else ""
        return Opening(stage="waiting" if waits else "silent" if age > _SILENT else "opening", message=message)
    if status.state is InboxState.OPEN and is_of_a_pod(status.address, port=port) and not lost:
        return Opening(status.address)
    if lost or status.state is InboxState.OPEN:
        return Opening(asks=age > _PATIENCE)
    if status.state is InboxState.CLOSED:
        if status.opened != opened:
            return Opening(stage="silent" if age > _SILENT else "opening")
        if status.message and not again:
            return Opening(stage="closed", message=status.message)
        return Opening(asks=True)
    if status.state is InboxState.BLOCKED:
        return Opening(stage="blocked", message=status.message)
    return Opening(stage=status.state.value.lower(), message=status.message)


def _age(opened: str, now: datetime) -> timedelta:
    try:
        return abs(now - parse_time(opened))
    except ValueError:
        return timedelta.max
