"""A channel in a list: what is shown of it, what it is found by, and which comes first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bannette.resources import ChannelStatus, RunResult
from bannette.resources.needs import Need, need_of


class State(StrEnum):
    """How a channel is doing, in one word."""

    PERSON = "person"
    RUNNING = "running"
    SUSPENDED = "suspended"
    READY = "ready"
    WAITING = "waiting"


_ORDER: Final = {State.PERSON: 0, State.RUNNING: 1, State.WAITING: 2, State.READY: 3, State.SUSPENDED: 4}


@dataclass(frozen=True, slots=True)
class Summary:
    """A channel as lists show it.

    Attributes:
        account: the address that is signed in with, or whose drive an application reads.
        words: what it is found by, in lower case.
        new, total: documents of the last run, and items that were settled since the channel exists.
    """

    namespace: str
    name: str
    state: State
    need: Need | None
    account: str
    folder: str
    recipient: str
    binder: str
    connected: bool | None
    result: RunResult | None
    last_run: datetime | None
    next_run: datetime | None
    zone: str
    new: int | None
    total: int | None
    words: str


def summary_of(body: Mapping[str, Any]) -> Summary:
    """Return what lists show of the channel *body*, which the API server holds and may have a damaged status."""
    metadata, spec = body["metadata"], _mapping(body.get("spec"))
    onedrive, status = _mapping(spec.get("onedrive")), ChannelStatus.salvage(_mapping(body.get("status")))
    account = _mapping(onedrive.get("account"))
    address = _text(_mapping(account.get("delegated")), "loginHint") or _text(
        _mapping(account.get("application")), "user"
    )
    need, last = need_of(body), status.last_run
    connected, ready = status.condition("Connected"), status.condition("Ready")
    shown = Summary(
        namespace=metadata["namespace"],
        name=metadata["name"],
        state=_state(
            need=need is not None,
            running=status.active_run is not None,
            suspended=spec.get("suspend") is True,
            ready=ready is not None and ready.status == "True",
        ),
        need=need,
        account=address,
        folder=_text(onedrive, "folder") or "/",
        recipient=_text(_mapping(spec.get("recipient")), "name"),
        binder=_text(_mapping(spec.get("destination")), "binder"),
        connected=connected.status == "True" if connected is not None else None,
        result=last.result if last else None,
        last_run=last.started_at if last else None,
        next_run=status.schedule.next_run_time if status.schedule else None,
        zone=_text(_mapping(spec.get("schedule")), "timeZone") or "UTC",
        new=last.collected if last else None,
        total=status.checkpoint.seen_items if status.checkpoint else None,
        words="",
    )
    found_by = (shown.namespace, shown.name, address, shown.folder, shown.recipient, shown.binder)
    object.__setattr__(shown, "words", "\n".join(found_by).casefold())
    return shown


def selected(channels: Iterable[Summary], *, words: str, state: str) -> list[Summary]:
    """Return those of *channels* that have all *words* and are in *state* (empty: any), the most urgent first."""
    wanted = words.casefold().split()
    found = (one for one in channels if (not state or one.state == state) and all(word in one.words for word in wanted))
    return sorted(found, key=lambda one: (_ORDER[one.state], one.namespace, one.name))


def _state(*, need: bool, running: bool, suspended: bool, ready: bool) -> State:
    if suspended:
        return State.SUSPENDED
    if running:
        return State.RUNNING
    if need:
        return State.PERSON
    return State.READY if ready else State.WAITING


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
