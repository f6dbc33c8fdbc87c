"""Whether a channel's account is connected, by its Secret, its last run and its last check. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bannette.controller.conditions import CONNECTED, Verdict
from bannette.controller.prerequisites import Prerequisites, Presence, connected_account, is_signed_in
from bannette.controller.settings import Settings
from bannette.resources import (
    ACCOUNT_ANNOTATION,
    CONNECTION_ID_ANNOTATION,
    DISCONNECTED_ANNOTATION,
    SIGN_IN_LOST,
    UNUSED_ENDS,
    ApplicationAccount,
    Channel,
    ConditionStatus,
    ConnectionStatus,
    DelegatedAccount,
    PagesStatus,
    RunResult,
    format_time,
)
from bannette.resources.channel import MAX_REQUEST_LENGTH

# Who may write a status may write any time.
_LAST_USE: Final = datetime.max.replace(tzinfo=UTC) - UNUSED_ENDS
_LET_IN: Final = (RunResult.SUCCEEDED, RunResult.PARTIALLY_SUCCEEDED)


@dataclass(frozen=True)
class _Finding:
    """What a run or a check found of the account: without a reason, that it can be read."""

    at: datetime
    reason: str | None = None
    message: str = ""


@dataclass(frozen=True)
class Page:
    """The page where a channel's owner signs in, by a link; *mails*: links are sent to recipients."""

    address: str
    mails: bool


def page_of(channel: Channel, settings: Settings) -> Page | None:
    """Return the page of the channel, if pages are served and its account has an owner who signs in."""
    url = settings.connect_url
    if url is None or not isinstance(channel.onedrive.account, DelegatedAccount):
        return None
    return Page(f"{url}/c/{channel.namespace}/{channel.name}", settings.connect_mails)


def connection_verdict(channel: Channel, found: Prerequisites, *, page: Page | None) -> Verdict:
    """Return whether an account is connected.

    Args:
        page: where its owner signs in; None: only by a command.
    """
    account = channel.onedrive.account
    if any(one.reason == "CredentialsMissing" for one in found.missing) and isinstance(account, ApplicationAccount):
        message = f'The credentials in Secret "{account.credentials_secret}" are missing.'
        return _connected(False, "CredentialsMissing", message)
    if isinstance(account, DelegatedAccount) and not is_signed_in(channel, found.token):
        how = _way_in(channel, page, left=_was_disconnected(channel, account, found.token))
        return _connected(False, "NotSignedIn", f"{account.login_hint} isn't signed in: {how}")
    last = max(_findings(channel, found.token), key=lambda finding: finding.at, default=None)
    if last is not None and last.reason is not None:
        return _connected(False, last.reason, last.message)
    checked = _checked(channel, found.token)
    when = f" Last checked {format_time(checked.at)}." if checked is not None else ""
    if isinstance(account, ApplicationAccount):
        return _connected(True, "CredentialsPresent", f"The app signs in for {account.user} by itself.{when}")
    end = _end(channel, found.token, checked)
    return _connected(True, "SignedIn", f"{account.login_hint} has signed in.{when}{end}")


def connection_status(channel: Channel, found: Prerequisites, *, page: Page | None) -> ConnectionStatus:
    """Return what is to be said of the account."""
    old = channel.status.connection or ConnectionStatus()
    pages = channel.status.pages or PagesStatus()
    check = pages.check if pages.check is not None and pages.check.outcome is not None else None
    new = replace(
        old,
        page=page.address if page is not None else None,
        checked_at=pages.verdict.checked_at if pages.verdict is not None else old.checked_at,
        last_handled_check=check.request if check is not None else old.last_handled_check,
    )
    account = channel.onedrive.account
    if isinstance(account, ApplicationAccount):
        last = channel.status.last_run
        first_time = last.started_at if last is not None and last.result in _LET_IN else None
        return replace(new, account=account.user, connected_at=old.connected_at or first_time)
    token = found.token or Presence()
    signed_in, connected_at = connected_account(token)
    # A run's pod may write its Secret.
    disconnected = token.annotations.get(DISCONNECTED_ANNOTATION, "")[:MAX_REQUEST_LENGTH]
    return replace(
        new,
        account=signed_in or account.login_hint,
        # The account that is named now may never have been connected.
        connected_at=connected_at or (old.connected_at if old.speaks_of(account.login_hint) else None),
        last_handled_disconnect=disconnected or old.last_handled_disconnect,
    )


def _was_disconnected(channel: Channel, account: DelegatedAccount, token: Presence | None) -> bool:
    """Whether somebody had signed in, and the sign-in was removed: not one of an account that was named before."""
    connection = channel.status.connection
    if connection is None or connection.connected_at is None or not connection.speaks_of(account.login_hint):
        return False
    return not (token or Presence()).annotations.get(ACCOUNT_ANNOTATION)


def _way_in(channel: Channel, page: Page | None, *, left: bool) -> str:
    if page is None:
        return (
            "run `bannette connect -f FILE --manifest SECRET.yaml`, then "
            "`kubectl apply --server-side --force-conflicts -f SECRET.yaml`."
        )
    if page.mails and left:
        return (
            f'recipient "{channel.recipient}" is asked by mail to do so a day after it was disconnected, and gets the '
            f"link at once at {page.address}."
        )
    if page.mails:
        return f'recipient "{channel.recipient}" is asked by mail to do so, and gets the link again at {page.address}.'
    link = f"kubectl collection connect {channel.name} -n {channel.namespace} --link"
    return f"`{link}` makes a link to hand over, which opens {page.address}."


def _end(channel: Channel, token: Presence | None, checked: _Finding | None) -> str:
    """Return what a suspended channel is warned of: no run uses its sign-in, and Microsoft ends it for that."""
    _, connected_at = connected_account(token) if token is not None else (None, None)
    times = (channel.status.last_used, connected_at, checked.at if checked is not None else None)
    used = max((one for one in times if one is not None), default=None)
    if not channel.suspend or used is None or used > _LAST_USE:
        return ""
    check = f"kubectl collection check {channel.name} -n {channel.namespace}"
    return f" While no run uses that, it lasts until {used + UNUSED_ENDS:%Y-%m-%d}: `{check}` renews it."


def _findings(channel: Channel, token: Presence | None) -> Iterator[_Finding]:
    """Yield what the last run and the last check found, as far as they speak of the present sign-in."""
    # Of two that were made in the same second the first one counts: a check is asked for to see anew.
    checked = _checked(channel, token)
    if checked is not None:
        yield checked
    _, connected_at = connected_account(token) if token is not None else (None, None)
    last = channel.status.last_run
    if last is not None and (connected_at is None or connected_at <= last.started_at):
        if last.reason in SIGN_IN_LOST:
            yield _Finding(last.completed_at, last.reason, last.message)
        elif last.result in _LET_IN:
            # It may have gone on with a token that it got at its beginning.
            yield _Finding(last.started_at)


def _checked(channel: Channel, token: Presence | None) -> _Finding | None:
    verdict = channel.status.pages.verdict if channel.status.pages is not None else None
    if verdict is None:
        return None
    is_delegated = isinstance(channel.onedrive.account, DelegatedAccount)
    present = token.annotations.get(CONNECTION_ID_ANNOTATION) if is_delegated and token is not None else None
    if verdict.connection != present:
        return None
    return _Finding(verdict.checked_at, None if verdict.holds else verdict.reason or "ConnectionLost", verdict.message)


def _connected(is_connected: bool, reason: str, message: str) -> Verdict:
    return Verdict(CONNECTED, ConditionStatus.TRUE if is_connected else ConditionStatus.FALSE, reason, message)
