"""Whether a channel's account can be read, tried now: its tokens are renewed, and its drive is asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bannette import logs
from bannette.accounts import ConnectionSecret, sign_in
from bannette.connect.case import secret_members
from bannette.errors import BannetteError, Transient
from bannette.kube import ClusterApi
from bannette.onedrive import Graph, Patience, endpoints_for, open_drive
from bannette.resources import SIGN_IN_LOST, ApplicationAccount, Channel, CheckOutcome, ConnectionVerdict

# Somebody waits for it: a service that takes longer is told of as such.
_PATIENCE: Final = Patience(connect=5.0, read=15.0, failures=2, throttles=2)
_LONGEST: Final = 40.0


@dataclass(frozen=True)
class Found:
    """What a check found.

    Attributes:
        connection: the id of the sign-in that was tried; None for an application, or if nobody has signed in.
    """

    outcome: CheckOutcome
    message: str
    reason: str | None = None
    connection: str | None = None

    def verdict(self, *, now: datetime) -> ConnectionVerdict | None:
        """Return what is known of the account from now on; None if the check tells nothing of its sign-in."""
        match self.outcome:
            case CheckOutcome.CONNECTED:
                return ConnectionVerdict(now, holds=True, connection=self.connection)
            case CheckOutcome.LOST:
                return ConnectionVerdict(
                    now, holds=False, connection=self.connection, reason=self.reason, message=self.message
                )
            case _:
                return None


def check(api: ClusterApi, channel: Channel, environ: Mapping[str, str]) -> Found:
    """Sign in as a run of *channel* does, and ask for the drive that it reads. Rotated tokens are kept.

    Args:
        api: of the channel's namespace.
    """
    account, connections = channel.onedrive.account, ConnectionSecret.of(api, channel)
    is_application, connection = isinstance(account, ApplicationAccount), None
    try:
        kept = None if is_application else connections.load()
        connection = kept.id if kept is not None else None
        members = secret_members(api.get("secrets", account.credentials_secret)) if account.credentials_secret else {}
    except BannetteError as error:
        # The cluster's word, not Microsoft's.
        return _not_checked(error)
    try:
        endpoints = endpoints_for(channel.onedrive.cloud.value, environ)
        tokens = sign_in(channel, endpoints, secret=members, connections=connections, environ=environ)
        # One that was given before may outlive what it stands for by an hour.
        tokens.token(force=True)
        graph = Graph(endpoints, tokens, deadline=time.monotonic() + _LONGEST, patience=_PATIENCE)
        user = account.user if isinstance(account, ApplicationAccount) else None
        open_drive(graph, user=user, drive_id=channel.onedrive.drive)
    except BannetteError as error:
        if isinstance(error, Transient):
            return _not_checked(error)
        outcome = CheckOutcome.LOST if error.reason in SIGN_IN_LOST else CheckOutcome.REFUSED
        return Found(outcome, logs.redact(str(error)), reason=error.reason, connection=connection)
    whose = account.user if isinstance(account, ApplicationAccount) else account.login_hint
    return Found(CheckOutcome.CONNECTED, f"The account {whose} can be read.", connection=connection)


def _not_checked(error: BannetteError) -> Found:
    said = logs.redact(str(error))
    return Found(CheckOutcome.NOT_CHECKED, f"The check couldn't be made: {said}", reason=error.reason)
