"""A person's account that was connected: what is kept of it, and which of two versions stays. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.authority import Certificate
from bannette.onedrive.endpoints import Endpoints


@dataclass(frozen=True, slots=True)
class Client:
    """The application under which people sign in; a public one has neither *secret* nor *certificate*."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    certificate: Certificate | None = None

    @property
    def confidential(self) -> bool:
        return self.secret is not None or self.certificate is not None


@dataclass(frozen=True, slots=True)
class Connection:
    """One sign-in of a person.

    Attributes:
        id: new at each sign-in.
        account: the name that the person signed in with.
        tokens: msal's serialized cache; it holds one account, which is the one that is read from then on.
    """

    id: str
    account: str
    connected_at: datetime
    tokens: str = field(repr=False)


class TokenStore(Protocol):
    """Where a channel's connection is kept."""

    @property
    def advice(self) -> str:
        """What a person does to connect the account, as an order: ``run `bannette connect -f FILE` ``."""

    def load(self) -> Connection | None:
        """Return the connection; None if no account is connected.

        Raises: PersonNeeded, Transient.
        """

    def save(self, held: Connection, tokens: str) -> Connection:
        """Keep *tokens*, which a refresh made of *held*, and return what is kept: another run's tokens, if newer.

        Raises:
            PersonNeeded: the connection was removed meanwhile, or nothing can be written.
            Transient: it was replaced by another one; the next run uses that.
        """


def files_scope(endpoints: Endpoints) -> str:
    """Return the only permission that is asked for, in the form in which personal accounts understand it."""
    return f"{endpoints.graph}/Files.Read"


def pinned_account(tokens: str) -> dict[str, str]:
    """Return the one account of *tokens* in msal's form; its ``home_account_id`` holds object id and tenant.

    Raises: ValueError: there isn't exactly one, or what stands beside it isn't msal's.
    """
    kinds = _cache(tokens).values()
    if not all(isinstance(kind, dict) and all(isinstance(one, dict) for one in kind.values()) for kind in kinds):
        raise ValueError("not a cache of msal's")
    accounts = {entry.get("home_account_id"): entry for entry in _entries(tokens, "Account")}
    if len(accounts) != 1 or not all(accounts):
        raise ValueError("not exactly one account")
    (account,) = accounts.values()
    return {str(name): str(value) for name, value in account.items()}


def same_account(one: Connection, other: Connection) -> bool:
    """Tell whether two connections are of one account: its object and tenant, not merely its name."""
    try:
        ids = {pinned_account(connection.tokens)["home_account_id"] for connection in (one, other)}
    except ValueError:
        # Of damaged tokens nothing is known but the name.
        return one.account.casefold() == other.account.casefold()
    return len(ids) == 1


def refreshed_at(tokens: str) -> int:
    """Return when the newest refresh token of *tokens* was given, in seconds since 1970; 0 if there is none."""
    times = (str(entry.get("last_modification_time") or "") for entry in _entries(tokens, "RefreshToken"))
    return max((int(time) for time in times if time.isdecimal()), default=0)


def settled(stored: Connection | None, held: Connection, tokens: str, *, advice: str) -> Connection:
    """Return what must be kept when a run that started from *held* has *tokens*, and *stored* is kept now.

    Raises: as ``TokenStore.save``.
    """
    if stored is None:
        raise PersonNeeded(
            f"The account was disconnected while the run went on. To connect it again, {advice}.", reason="NotConnected"
        )
    if stored.id != held.id:
        raise Transient(
            "The account was connected anew while the run went on: the next run uses the new connection.",
            reason="ConnectionReplaced",
        )
    # Microsoft leaves earlier refresh tokens valid: of two runs that refreshed at once, the later one's lives longer.
    if stored.tokens != held.tokens and refreshed_at(stored.tokens) >= refreshed_at(tokens):
        return stored
    return replace(stored, tokens=tokens)


def _entries(tokens: str, kind: str) -> Iterator[Mapping[str, object]]:
    """Yield the entries of a serialized cache; none of one that is damaged."""
    entries = _cache(tokens).get(kind)
    if isinstance(entries, dict):
        yield from (entry for entry in entries.values() if isinstance(entry, dict))


def _cache(tokens: str) -> Mapping[str, object]:
    """Return what a serialized cache holds, by kinds; nothing of one that is damaged."""
    try:
        cache = json.loads(tokens)
    except (ValueError, RecursionError):
        return {}
    return cache if isinstance(cache, dict) else {}
