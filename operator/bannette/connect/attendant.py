"""What people ask of a channel's connection by annotations: that it be checked now, or removed.

The operator is told in the channel's ``status.pages``: it makes conditions, Events and acknowledgements of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bannette import logs
from bannette.connect.backlog import Backlog
from bannette.connect.case import Body, change_secret, token_secret
from bannette.connect.checks import Found, check
from bannette.connect.faults import Stopped
from bannette.connect.metrics import Metrics
from bannette.connect.visits import disconnected, disconnection_of, new_disconnection
from bannette.connect.watching import Watching
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.kube import Change, ClusterApi, Conflict, What, contended, pause_after
from bannette.resources import (
    CHANNELS,
    CHECK_CONNECTION,
    DISCONNECT,
    DISCONNECTED_ANNOTATION,
    Channel,
    CheckOutcome,
    ConnectionCheck,
    DelegatedAccount,
)
from bannette.resources.history import cut_message

logger = logging.getLogger(__name__)

_THREADS: Final = 4
# A check ends within a minute; one that doesn't is that of a replica that is gone.
_ABANDONED: Final = timedelta(seconds=120)
_SOON: Final = 0.5
_GRACE_SECONDS: Final = 5.0
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0

Key = tuple[str, str]


def check_due(channel: Channel, *, now: datetime) -> float | None:
    """Return in how many seconds the check that is asked for is to be made; None if there is nothing to do."""
    request, pages = channel.check_requested, channel.status.pages
    last = pages.check if pages is not None else None
    if request is None:
        return None
    if last is None or last.request != request:
        return 0.0
    if last.outcome is not None:
        return None
    return max((last.started_at + _ABANDONED - now).total_seconds(), 0.0)


def disconnect_due(channel: Channel) -> str | None:
    """Return the request to disconnect that isn't acknowledged yet."""
    request, connection = channel.disconnect_requested, channel.status.connection
    if not isinstance(channel.onedrive.account, DelegatedAccount):
        return None
    return None if connection is not None and connection.last_handled_disconnect == request else request


def tell_change(api: ClusterApi, channel: Channel, *, now: datetime) -> None:
    """Tell the operator that the channel's Secret has changed: it doesn't watch Secrets. It looks by itself, later.

    Args:
        api: of the channel's namespace.

    Raises: PersonNeeded, Transient: as for ``ClusterApi.patch_status``.
    """
    # To the microsecond: two changes within a second are two.
    api.patch_status(CHANNELS, channel.name, {"status": {"pages": {"changedAt": now.isoformat()}}})


class Attendant:
    """Does what is asked of channels; safe to share between threads."""

    def __init__(
        self,
        api: ClusterApi,
        environ: Mapping[str, str],
        *,
        metrics: Metrics | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._environ = environ
        self._metrics = metrics or Metrics()
        self._now = now
        self._backlog: Backlog[Key] = Backlog()
        self._threads: list[threading.Thread] = []
        self._failures: dict[Key, int] = {}
        # By channel: the check that was taken up here, until what it found is told.
        self._begun: dict[Key, ConnectionCheck] = {}
        # What it found, while that can't be told: Microsoft isn't asked once more.
        self._found: dict[Key, tuple[ConnectionCheck, Found]] = {}
        # By channel: its uid and the request that was acted upon, until the operator acknowledges it.
        self._disconnected: dict[Key, tuple[str, str]] = {}
        # Channels of which the operator couldn't be told that their Secrets changed.
        self._owed: set[Key] = set()

    def listen(self, watching: Watching) -> None:
        """Hear of channels; before ``start``."""
        watching.tell(CHANNELS, self._told)

    def start(self) -> None:
        for number in range(_THREADS):
            thread = threading.Thread(target=self._work, name=f"attendant-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def owe(self, namespace: str, name: str) -> None:
        """Tell the operator of a change of that channel's Secret, as soon as it can be told."""
        self._owed.add((namespace, name))
        self._backlog.add((namespace, name), after=_FIRST_WAIT)

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what has begun; another replica makes what is left."""
        self._backlog.close()
        deadline = time.monotonic() + _GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def is_healthy(self) -> bool:
        """Tell whether all threads live."""
        return all(thread.is_alive() for thread in self._threads)

    def attend(self, key: Key) -> float | None:
        """Do what is asked of the channel with that namespace and name; return after how many seconds to look again.

        Raises:
            PersonNeeded, Transient: it is to be tried again.
            Stopped: its Secret isn't made yet.
        """
        namespace, name = key
        api = self._api.within(namespace)
        try:
            body = api.get(CHANNELS, name)
        except PersonNeeded as error:
            if error.reason == "NotFound":
                self._forget(key)
                return None
            raise
        channel = Channel.parse(body)
        if channel.deleting:
            self._forget(key)
            return None
        if key in self._owed:
            # Before: what is owed meanwhile is another change.
            self._owed.discard(key)
            self._pay(api, channel, key)
        request = disconnect_due(channel)
        if request is not None and self._disconnected.get(key) != (channel.uid, request):
            if _disconnect(api, channel, request):
                self._metrics.disconnected("request")
                logs.event(logger, "connect.disconnected", channel=f"{namespace}/{name}", by="request")
            # Also of what was done before a restart: the operator hasn't acknowledged it.
            tell_change(api, channel, now=self._now())
            self._disconnected[key] = (channel.uid, request)
        due, begun = check_due(channel, now=self._now()), self._begun.get(key)
        if due is None:
            self._begun.pop(key, None)
            self._found.pop(key, None)
            return None
        if begun is None or begun.request != channel.check_requested or not _is_told(channel, begun):
            if due > 0:
                return due
            begun = self._begun[key] = ConnectionCheck(channel.check_requested or "", self._now())
            if not self._take_up(api, channel, body, begun):
                return _SOON
        done, found = self._found.get(key, (None, None))
        if found is None or done != begun:
            found = self._check(api, channel)
            self._found[key] = begun, found
        again = self._tell_found(api, channel, begun, found)
        del self._found[key]
        return again

    def _forget(self, key: Key) -> None:
        self._owed.discard(key)
        for kept in (self._begun, self._found, self._disconnected):
            kept.pop(key, None)

    def _pay(self, api: ClusterApi, channel: Channel, key: Key) -> None:
        try:
            tell_change(api, channel, now=self._now())
        except BannetteError:
            self._owed.add(key)
            raise

    def _take_up(self, api: ClusterApi, channel: Channel, body: Body, begun: ConnectionCheck) -> bool:
        """Tell others that the check has begun; False: the channel has changed, perhaps by that, its answer lost."""
        try:
            # In the version that was read: of two replicas one makes the check.
            claimed = api.patch_status(CHANNELS, channel.name, _said(begun, None), resource_version=_version(body))
        except Conflict:
            return False
        if not _is_told(Channel.parse(claimed), begun):
            # The API server drops what it doesn't know: the check would be made over and over.
            raise PersonNeeded(
                "The definition of CollectionChannels is of an earlier version, without status.pages: apply crds/ of "
                "this one.",
                reason="DefinitionsOutdated",
            )
        return True

    def _check(self, api: ClusterApi, channel: Channel) -> Found:
        try:
            found = check(api, channel, self._environ)
        except Exception as error:  # noqa: BLE001 - whatever a channel's account holds: it is told, and not tried again
            logs.crash(logger, "connect.check_bug", error)
            told = f"Unexpected {type(error).__name__}: this is a bug; the log of the pages says where it happened."
            found = Found(CheckOutcome.NOT_CHECKED, told, reason="UnexpectedError")
        self._metrics.checked(found.outcome)
        logs.event(
            logger,
            "connect.checked",
            channel=f"{channel.namespace}/{channel.name}",
            outcome=found.outcome.value,
            reason=found.reason,
        )
        return found

    def _tell_found(self, api: ClusterApi, channel: Channel, begun: ConnectionCheck, found: Found) -> float | None:
        def attempt() -> float | None:
            body = api.get(CHANNELS, channel.name)
            now = Channel.parse(body)
            if now.uid != channel.uid or not _is_told(now, begun):
                # It took so long that somebody else has taken it up, or another one.
                return _SOON
            said = _said(begun, found, now=self._now())
            api.patch_status(CHANNELS, channel.name, said, resource_version=_version(body))
            return None

        return contended(attempt, what=f'Channel "{channel.name}" of namespace "{api.namespace}"')

    def _told(self, plural: str, realm: str, change: Change) -> None:
        metadata = change.body.get("metadata")
        if change.what is not What.PRESENT or not isinstance(metadata, Mapping):
            return
        annotations = metadata.get("annotations")
        # Most channels have neither, and aren't looked at any further.
        if isinstance(annotations, Mapping) and (CHECK_CONNECTION in annotations or DISCONNECT in annotations):
            self._consider(change.body)

    def _consider(self, body: Body) -> None:
        try:
            channel = Channel.parse(body)
        except BannetteError:
            # The operator says what is wrong with it.
            return
        if disconnect_due(channel) is not None or check_due(channel, now=self._now()) is not None:
            self._backlog.add((channel.namespace, channel.name))

    def _work(self) -> None:
        while (key := self._backlog.take()) is not None:
            again = self._attempt(key)
            self._backlog.done(key)
            if again is not None:
                self._backlog.add(key, after=again)

    def _attempt(self, key: Key) -> float | None:
        try:
            again = self.attend(key)
        except (BannetteError, Stopped) as error:
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            asks = (error.retry_after or 0.0) if isinstance(error, Transient) else 0.0
            wait = min(max(pause_after(failures, first=_FIRST_WAIT, longest=_LONGEST_WAIT), asks), _LONGEST_WAIT)
            told = error.fault.text if isinstance(error, Stopped) else str(error)
            channel = "/".join(key)
            logs.event(logger, "connect.postponed", level=logging.WARNING, channel=channel, seconds=wait, message=told)
            return wait
        except Exception as error:  # noqa: BLE001 - the top of a worker
            # One channel, or its Secret, may hold what nobody foresaw; the others aren't to wait for it.
            logs.crash(logger, f"attendant.bug channel={'/'.join(key)}", error)
            return _LONGEST_WAIT
        self._failures.pop(key, None)
        return again


def _disconnect(api: ClusterApi, channel: Channel, request: str) -> bool:
    """Remove the tokens as *request* says, and note it beside them; tell whether that wasn't done already.

    Raises: Stopped, PersonNeeded, Transient.
    """

    by = new_disconnection()

    def change(secret: Body) -> tuple[Body, bool]:
        metadata = secret.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
        if isinstance(annotations, Mapping) and annotations.get(DISCONNECTED_ANNOTATION) == request:
            return secret, disconnection_of(secret) == by
        return disconnected(secret, by=by, annotations={DISCONNECTED_ANNOTATION: request}), True

    return change_secret(api, channel, token_secret(api, channel), change)[1]


def _said(begun: ConnectionCheck, found: Found | None, *, now: datetime | None = None) -> dict[str, object]:
    """Return the patch that says that a check has begun, or what it found."""
    check: dict[str, object] = {
        "request": begun.request,
        # To the microsecond: of replicas that begin within a second each knows its own.
        "startedAt": begun.started_at.isoformat(),
        "outcome": found.outcome.value if found else None,
        "reason": found.reason if found else None,
        "message": cut_message(found.message) if found else None,
    }
    pages: dict[str, object] = {"check": check}
    verdict = found.verdict(now=now) if found and now else None
    if verdict is not None:
        pages["verdict"] = dict.fromkeys(("connection", "reason", "message")) | verdict.to_dict()
    return {"status": {"pages": pages}}


def _is_told(channel: Channel, begun: ConnectionCheck) -> bool:
    """Tell whether the channel's last check is the one that has begun."""
    check = channel.status.pages.check if channel.status.pages is not None else None
    if check is None:
        return False
    return (check.request, check.started_at) == (begun.request, begun.started_at)


def _version(body: Body) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("resourceVersion")) if isinstance(metadata, Mapping) else ""
