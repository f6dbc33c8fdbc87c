"""Visits to Microsoft's page that somebody began and hasn't come back from: kept in the channel's token Secret.

So they survive a restart, every replica knows them, and each is good for one answer, of the browser that began it. One
that was taken leaves a mark until it would have expired: whoever took it knows by that, though the API server's answer
is lost.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bannette.accounts import connection_in, with_connection, without_connection
from bannette.connect.case import Body
from bannette.connect.faults import Fault, Stopped
from bannette.onedrive import Connection, Visit, same_account
from bannette.resources import DISCONNECTION_ANNOTATION
from bannette.web.sealing import Keys

LIFETIME: Final = timedelta(minutes=15)
# A browser keeps its part longer than the visit is good for: so a late answer can be told from a foreign one.
COOKIE_SECONDS: Final = 3600
_KEY: Final = "pending-visits"
# Of one channel: whoever begins again and again replaces their own.
_MOST: Final = 5
_PURPOSE: Final = "visit"
_TAKEN: Final = "taken"
_SINCE: Final = "since"
# Within which Microsoft answers, or never does.
_UNDER_WAY: Final = 20.0


@dataclass(frozen=True)
class BrowserPart:
    """What the browser keeps of a visit, sealed in a cookie.

    Attributes:
        channel: uid of the channel.
        link_expires: when the link expires that led to the visit, in seconds since 1970.
        secret: what the token Secret keeps the hash of.
        disconnection: the account's last one, as the visit began; see `disconnection_of`.
    """

    namespace: str
    name: str
    channel: str
    language: str
    link_expires: int
    secret: str = field(repr=False)
    disconnection: str

    @property
    def connection_id(self) -> str:
        """The id of the connection that the visit makes: so it is known, whoever asks, whether it was made."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"bannette:visit/{_hash(self.secret)}"))

    def sealed(self, keys: Keys) -> str:
        return keys.seal(
            _PURPOSE,
            {
                "namespace": self.namespace,
                "name": self.name,
                "channel": self.channel,
                "language": self.language,
                "expires": self.link_expires,
                "secret": self.secret,
                "disconnection": self.disconnection,
            },
        )

    @classmethod
    def opened(cls, text: str, keys: Keys) -> BrowserPart | None:
        members = keys.open(_PURPOSE, text)
        if members is None:
            return None
        return cls(
            namespace=str(members["namespace"]),
            name=str(members["name"]),
            channel=str(members["channel"]),
            language=str(members["language"]),
            link_expires=int(str(members["expires"])),
            secret=str(members["secret"]),
            # One that a service of before began has none.
            disconnection=str(members.get("disconnection") or ""),
        )


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def cookie_name(state: str) -> str:
    """Return the name of the cookie of the visit with this state: several may be under way in one browser."""
    return f"__Host-visit-{_hash(state)[:16]}"


def with_visit(secret: Body, visit: Visit, *, browser: str, now: datetime) -> Body:
    """Return the token Secret with *visit* in it, and without those that are too old or too many.

    Args:
        browser: the secret of the browser that goes to Microsoft.
    """
    flow = {name: value for name, value in visit.flow.items() if name != "auth_uri"}
    begun = {"flow": flow, "browser": _hash(browser), "expires": int((now + LIFETIME).timestamp())}
    fresh = {state: one for state, one in _pending(secret).items() if _expires(one) > now.timestamp()}
    # It may be there already, the API server's answer lost.
    fresh.pop(_hash(visit.state), None)
    newest = sorted(fresh, key=lambda state: (_TAKEN not in fresh[state], _expires(fresh[state])))[-(_MOST - 1) :]
    return _with_pending(secret, {**{state: fresh[state] for state in newest}, _hash(visit.state): begun})


def taking(state: str, part: BrowserPart, *, now: datetime) -> Callable[[Body], tuple[Body, Visit]]:
    """Return what takes the visit of *state*, once: it makes the token Secret without it, and that visit.

    It may be used again on a later version of the Secret, as long as nobody else took the visit.

    Args:
        part: what the browser kept of it.

    Raises (the function that is returned):
        Stopped: it isn't there any more, is too old, another browser began it, or the account was disconnected since.
    """
    mark = secrets.token_hex(8)
    taken: list[dict[str, Any]] = []

    def take(secret: Body) -> tuple[Body, Visit]:
        refuse_disconnected(secret, part)
        pending = _pending(secret)
        begun = pending.get(_hash(state))
        if begun is None:
            raise Stopped(Fault.VISIT_USED)
        if not hmac.compare_digest(str(begun.get("browser")), _hash(part.secret)):
            raise Stopped(Fault.VISIT_FOREIGN)
        if taken and begun.get(_TAKEN) == mark:
            return secret, Visit("", taken[0])
        if _TAKEN in begun:
            raise Stopped(Fault.VISIT_USED)
        flow = begun.get("flow")
        if not isinstance(flow, dict) or _expires(begun) <= now.timestamp():
            raise Stopped(Fault.VISIT_EXPIRED)
        taken[:] = [flow]
        kept = {"browser": begun["browser"], "expires": begun["expires"]}
        pending[_hash(state)] = {**kept, _TAKEN: mark, _SINCE: now.timestamp()}
        return _with_pending(secret, pending), Visit("", flow)

    return take


def without_visit(secret: Body, state: str) -> Body:
    """Return the token Secret without what is left of the visit of *state*."""
    return _with_pending(secret, {one: begun for one, begun in _pending(secret).items() if one != _hash(state)})


def is_under_way(secret: Body, state: str, part: BrowserPart, *, now: datetime) -> bool:
    """Tell whether the visit of *state*, of that very browser, was taken just now, and may yet connect the account."""
    begun = _pending(secret).get(_hash(state), {})
    since = begun.get(_SINCE)
    is_own = hmac.compare_digest(str(begun.get("browser")), _hash(part.secret))
    return is_own and isinstance(since, int | float) and abs(now.timestamp() - since) < _UNDER_WAY


def has_connected(secret: Body, part: BrowserPart) -> bool:
    """Tell whether the account is connected by the visit that *part* is the browser's part of."""
    connection = connection_in(secret)
    return connection is not None and connection.id == part.connection_id


def connected(secret: Body, connection: Connection, part: BrowserPart, state: str, *, hint: str) -> Body:
    """Return the token Secret with the *connection* that the visit made, unless it is of another person than before.

    Args:
        hint: the account that the channel names.

    Raises: Stopped.
    """
    # While Microsoft was asked for the tokens.
    refuse_disconnected(secret, part)
    # Kept already, the API server's answer lost; a run may have renewed its tokens since.
    if has_connected(secret, part):
        return secret
    before = connection_in(secret)
    # An account that was made anew under the same name has other documents, and other people may read it.
    is_of_name = before is not None and before.account.casefold() == hint.casefold()
    if before is not None and is_of_name and not same_account(before, connection):
        raise Stopped(Fault.OTHER_PERSON)
    return with_connection(without_visit(secret, state), connection)


def new_disconnection() -> str:
    """Return what tells a disconnection from all others."""
    return secrets.token_hex(8)


def disconnected(secret: Body, *, by: str, annotations: Mapping[str, str] | None = None) -> Body:
    """Return the token Secret without tokens and visits, so that no visit of before brings the account back.

    Whoever signed in after that disconnection stays: it is done once, though the API server's answer was lost.

    Args:
        by: what tells the disconnection from others.
        annotations: what is to be noted beside.
    """
    if disconnection_of(secret) == by:
        return secret
    bare = _with_pending(without_connection(secret), {})
    noted = {**_annotations(bare), **(annotations or {}), DISCONNECTION_ANNOTATION: by}
    metadata = bare.get("metadata")
    return {**bare, "metadata": {**(metadata if isinstance(metadata, Mapping) else {}), "annotations": noted}}


def disconnection_of(secret: Body) -> str:
    """Return what tells the account's last disconnection from others; empty if there was none."""
    return str(_annotations(secret).get(DISCONNECTION_ANNOTATION) or "")


def refuse_disconnected(secret: Body, part: BrowserPart) -> None:
    """Refuse a visit that began before the account's last disconnection.

    Raises: Stopped.
    """
    if disconnection_of(secret) != part.disconnection:
        raise Stopped(Fault.DISCONNECTED)


def _annotations(secret: Body) -> Mapping[str, object]:
    metadata = secret.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _pending(secret: Body) -> dict[str, dict[str, Any]]:
    """Return the visits by the hashes of their states; none of what is damaged."""
    data = secret.get("data")
    encoded = data.get(_KEY) if isinstance(data, Mapping) else None
    try:
        found = json.loads(base64.b64decode(str(encoded or ""), validate=True) or b"{}")
    except (binascii.Error, ValueError):
        return {}
    return {state: one for state, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def _with_pending(secret: Body, pending: Mapping[str, object]) -> Body:
    data = secret.get("data")
    kept = {name: value for name, value in data.items() if name != _KEY} if isinstance(data, Mapping) else {}
    if pending:
        kept[_KEY] = base64.b64encode(json.dumps(pending).encode()).decode()
    return {**secret, "data": kept}


def _expires(begun: Mapping[str, Any]) -> float:
    expires = begun.get("expires")
    return float(expires) if isinstance(expires, int | float) else 0.0


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
