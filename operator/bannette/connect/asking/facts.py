"""What is kept of a channel to know whether its recipient is written to. Pure; little, since there may be thousands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from bannette.resources import (
    Channel,
    Cloud,
    ConditionStatus,
    DelegatedAccount,
    HistoryEntry,
    InvalidResource,
    RunResult,
    Standing,
    Trigger,
    parse_time,
)

# Runs that a digest may still be about.
_KEPT: Final = timedelta(days=3)
# Who may write a status may write any time; to one that is later nothing could be added.
_LATEST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=4000)
# Reasons that whoever runs Bannette can mend, and a sign-in can't.
_OF_THE_INSTALLATION: Final = frozenset(
    {
        "ApplicationDisabled",
        "ApplicationNotFound",
        "AuthorityNotFound",
        "CertificateInvalid",
        "ClientIdMissing",
        "ClientSecretExpired",
        "ClientSecretInvalid",
        "CredentialsMissing",
        "CredentialsNotAllowed",
        "ScopeInvalid",
        "SignInFailed",
        "TenantNeeded",
        "TenantNotFound",
        "WrongKindOfAccount",
        "WrongPlatform",
    }
)


@dataclass(frozen=True, slots=True)
class Run:
    """What a run that ended came to."""

    at: datetime
    failed: bool
    collected: int
    duplicates: int
    deferred: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Connection:
    """How the account of a channel is connected.

    Attributes:
        since: when the channel was made (Never), the connection lost (Lost), or last used (Connected).
        reason: of the loss.
        left: somebody had signed in, and somebody removed that.
    """

    standing: Standing
    since: datetime
    reason: str | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Failing:
    """Runs fail: since when, and why the last one did."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """A channel.

    Attributes:
        account: whose OneDrive it is.
        application: that reads it; empty if none is named.
        connection: None if nobody can be asked for it: an application's, one that isn't looked at yet, or one that no
            sign-in could make now.
        delegated: its owner signs in.
        first: the run after the first sign-in, if it brought what there was, and isn't long ago.
        runs: those of the last days.
        worked_at: when a run last didn't fail, as far as is known.
    """

    namespace: str
    name: str
    uid: str
    recipient: str
    binder: str
    account: str
    application: str
    cloud: Cloud
    folder: str
    zone: str
    suspended: bool
    delegated: bool
    connection: Connection | None
    first: Run | None
    runs: tuple[Run, ...]
    failing: Failing | None
    worked_at: datetime | None


def facts_of(
    body: Mapping[str, object], *, before: ChannelFacts | None, application: str, now: datetime
) -> ChannelFacts | None:
    """Return what is kept of a channel; None if it isn't acceptable, or goes.

    Args:
        before: what was kept until now: the history forgets when failures began.
        application: the one of the installation, for channels that name none; empty if there is none.
    """
    try:
        channel = Channel.parse(body)
    except InvalidResource:
        return None
    if channel.deleting:
        return None
    if before is not None and before.uid != channel.uid:
        before = None
    account = channel.onedrive.account
    history = [one for one in channel.status.history if one.result is not RunResult.SKIPPED]
    delegated = isinstance(account, DelegatedAccount)
    whose = account.login_hint if isinstance(account, DelegatedAccount) else account.user
    application = account.client_id or application
    first = next(
        (one for one in history if one.trigger is Trigger.INITIAL and one.result is not RunResult.FAILED), None
    )
    return ChannelFacts(
        namespace=sys.intern(channel.namespace),
        name=channel.name,
        uid=channel.uid,
        recipient=sys.intern(channel.recipient),
        binder=sys.intern(channel.binder),
        account=whose,
        application=sys.intern(application),
        cloud=channel.onedrive.cloud,
        folder=sys.intern(channel.onedrive.folder),
        zone=sys.intern(channel.schedule.time_zone),
        suspended=channel.suspend,
        delegated=delegated,
        connection=_connection(channel, whose, _created(body)) if delegated and application else None,
        first=_run(first) if first is not None and first.completed_at > now - _KEPT else None,
        runs=tuple(_run(one) for one in history if one.completed_at > now - _KEPT),
        failing=_failing(history, before),
        worked_at=_worked_at(history) or (before.worked_at if before is not None else None),
    )


def _connection(channel: Channel, account: str, created: datetime) -> Connection | None:
    said, met = channel.status.condition("Connected"), channel.status.condition("PrerequisitesMet")
    if said is None or said.status is ConditionStatus.UNKNOWN:
        return None
    if said.status is ConditionStatus.TRUE:
        return Connection(Standing.CONNECTED, channel.status.last_used or said.last_transition_time or created)
    # Whoever signed in now would wait for somebody to mend what lacks.
    if met is not None and met.status is ConditionStatus.FALSE:
        return None
    since = said.last_transition_time or created
    if said.reason == "NotSignedIn":
        connection = channel.status.connection
        if connection is None or connection.connected_at is None or not connection.speaks_of(account):
            return Connection(Standing.NEVER, created)
        # A connection may have been lost long before it was removed.
        changed = channel.status.pages.changed_at if channel.status.pages is not None else None
        removed = max(since, changed.replace(microsecond=0)) if changed is not None else since
        return Connection(Standing.NEVER, removed, left=True)
    if said.reason in _OF_THE_INSTALLATION:
        return None
    known = channel.status.connection
    if known is not None and known.connected_at is not None and known.speaks_of(account):
        # Of a sign-in that was lost before the operator could say that it held, the condition is older.
        since = max(since, known.connected_at)
    return Connection(Standing.LOST, since, said.reason)


def _failing(history: Sequence[HistoryEntry], before: ChannelFacts | None) -> Failing | None:
    failed = list(takewhile(lambda one: one.result is RunResult.FAILED, history))
    if not failed:
        return None
    since = min(failed[-1].started_at, _LATEST)
    if len(failed) == len(history) and before is not None and before.failing is not None:
        since = min(since, before.failing.since)
    return Failing(since, failed[0].reason)


def _worked_at(history: Sequence[HistoryEntry]) -> datetime | None:
    return next((one.completed_at for one in history if one.result is not RunResult.FAILED), None)


def _run(entry: HistoryEntry) -> Run:
    return Run(
        at=min(entry.completed_at, _LATEST),
        failed=entry.result is RunResult.FAILED,
        collected=entry.collected,
        duplicates=entry.duplicates,
        deferred=entry.deferred,
        rejected=entry.rejected,
    )


def _created(body: Mapping[str, object]) -> datetime:
    metadata = body.get("metadata")
    text = metadata.get("creationTimestamp") if isinstance(metadata, Mapping) else None
    try:
        return parse_time(str(text))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
