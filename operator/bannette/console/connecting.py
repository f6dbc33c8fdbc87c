"""The connection of a channel's account: leading to the sign-in, checking it, and disconnecting."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bannette.connect import make_link
from bannette.console.channels import Opened, opened
from bannette.console.faults import Fault, Stopped
from bannette.console.visits import Reply, Visit, is_late, new_request, query_after, request_in
from bannette.resources import CHANNELS, CHECK_CONNECTION, DISCONNECT, DelegatedAccount
from bannette.resources.channel import MAX_REQUEST_LENGTH

# Somebody who is signed in opens it at once.
_LINK_LIFETIME: Final = timedelta(hours=1)


def show_connection(visit: Visit) -> Reply:
    """Show the way to the sign-in, as soon as the operator has prepared it."""
    channel = _configurable(visit)
    connected = channel.channel.status.condition("Connected")
    facts: dict[str, object] = {
        "saved": visit.query.get("saved") == "1",
        # The operator tells of an account only once it has made the Secret for its tokens.
        "prepared": connected is not None,
        "refreshes": connected is None,
        "late": is_late(visit),
        "account": _owner(channel),
    }
    return Reply("connect", channel.facts | facts)


def lead_to_connection(visit: Visit) -> Reply:
    """Lead to the channel's consent page, by a link that is made for the occasion."""
    channel = _configurable(visit).channel
    if not visit.cluster.may("configure", CHANNELS, channel.namespace, name=channel.name, fresh=True):
        raise Stopped(Fault.FORBIDDEN)
    expires = visit.office.now() + _LINK_LIFETIME
    link = make_link(visit.office.connect.public_url, channel, visit.keys, expires=expires)
    # A link leads to the same page in whatever language; this browser has chosen one.
    return Reply(location=f"{link}&lang={visit.language}")


def ask_for_check(visit: Visit) -> Reply:
    """Ask for a check of the connection."""
    return _asked(visit, opened(visit), CHECK_CONNECTION, "check")


def show_check(visit: Visit) -> Reply:
    """Show what came of a check."""
    channel, request = opened(visit), _request(visit)
    pages, connection = channel.channel.status.pages, channel.channel.status.connection
    check = pages.check if pages is not None else None
    mine = check if check is not None and check.request == request else None
    # The operator's word comes after the finding, and is what the channel's page shows.
    told = connection is not None and connection.last_handled_check == request
    replaced = not told and channel.channel.check_requested not in (None, request)
    facts: dict[str, object] = {
        "task": "check",
        "done": told,
        "replaced": replaced,
        "late": is_late(visit),
        "outcome": mine.outcome.value if mine is not None and mine.outcome is not None and told else "",
        "message": mine.message if mine is not None and told else "",
        "reason": (mine.reason or "") if mine is not None and told else "",
        "refreshes": not (told or replaced),
    }
    return Reply("task", channel.facts | facts)


def confirm_disconnect(visit: Visit) -> Reply:
    """Ask whether the account is really to be disconnected; or show that it was."""
    channel = _configurable(visit)
    if "request" not in visit.query:
        return Reply("disconnect", channel.facts | {"account": _owner(channel), "request": new_request(visit)})
    request, connection = _request(visit), channel.channel.status.connection
    told = connection is not None and connection.last_handled_disconnect == request
    replaced = not told and channel.channel.disconnect_requested not in (None, request)
    facts: dict[str, object] = {
        "task": "disconnect",
        "done": told,
        "replaced": replaced,
        "late": is_late(visit),
        "outcome": "",
        "message": "",
        "reason": "",
        "refreshes": not (told or replaced),
    }
    return Reply("task", channel.facts | facts)


def disconnect(visit: Visit) -> Reply:
    """Ask for the tokens to be removed."""
    channel = _configurable(visit)
    connection = channel.channel.status.connection
    handled = connection.last_handled_disconnect if connection is not None else None
    return _asked(visit, channel, DISCONNECT, "disconnect", handled=handled)


def _asked(visit: Visit, channel: Opened, annotation: str, page: str, *, handled: str | None = None) -> Reply:
    request = request_in(visit)
    if request != handled:
        visit.cluster.annotate(channel.channel.namespace, channel.channel.name, annotation, request)
    return Reply(location=f"{channel.path}/{page}?{query_after(visit, request=request)}")


def _request(visit: Visit) -> str:
    request = visit.query.get("request", "")
    if not 0 < len(request) <= MAX_REQUEST_LENGTH or not request.isprintable():
        raise Stopped(Fault.REQUEST)
    return request


def _configurable(visit: Visit) -> Opened:
    """Return a channel whose owner signs in, for somebody who may configure it. Raises: SignedOut, Stopped."""
    channel = opened(visit)
    if not channel.may_configure:
        raise Stopped(Fault.FORBIDDEN)
    if not isinstance(channel.channel.onedrive.account, DelegatedAccount):
        raise Stopped(Fault.NOT_FOUND)
    return channel


def _owner(channel: Opened) -> str:
    account = channel.channel.onedrive.account
    return account.login_hint if isinstance(account, DelegatedAccount) else account.user


PAGES: Final = (
    ("GET", "/channels/{namespace}/{name}/connect", show_connection),
    ("POST", "/channels/{namespace}/{name}/connect", lead_to_connection),
    ("GET", "/channels/{namespace}/{name}/check", show_check),
    ("POST", "/channels/{namespace}/{name}/check", ask_for_check),
    ("GET", "/channels/{namespace}/{name}/disconnect", confirm_disconnect),
    ("POST", "/channels/{namespace}/{name}/disconnect", disconnect),
)
