"""Who asks: by a token of Kubernetes, or as a proxy in front says. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from bannette.console.faults import Fault, Stopped
from bannette.console.settings import ConsoleSettings

_LONGEST: Final = 256
_MOST_GROUPS: Final = 500
# Of Kubernetes' own: no proxy has a reason to name them, and whoever is in system:masters may do everything.
_OWN: Final = "system:"
AUTHENTICATED: Final = "system:authenticated"


class Headers(Protocol):
    """The headers of a request, which may hold one several times."""

    def getlist(self, name: str) -> Sequence[str]: ...


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        token: with which all their requests are made; empty: the service acts for them, once it asked whether they may.
    """

    name: str
    groups: tuple[str, ...] = ()
    token: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """What tells this person from others, and nothing about the token."""
        said = "\n".join((self.name, *self.groups)) if not self.token else f"\n\n{self.token}"
        return hashlib.sha256(said.encode()).hexdigest()


def named_by_proxy(headers: Headers, settings: ConsoleSettings) -> Person | None:
    """Return the person whom the proxy in front names; None if none does, or none is to be believed.

    Raises: Stopped: what the headers say can't be a person of a company.
    """
    if not settings.user_header:
        return None
    names = headers.getlist(settings.user_header)
    if not names:
        return None
    if len(names) > 1:
        # One of the two may be the visitor's own.
        raise Stopped(Fault.HEADERS)
    name = _text(names[0])
    lines = headers.getlist(settings.groups_header) if settings.groups_header else ()
    groups = [group for line in lines for part in line.split(",") if (group := _text(part, empty=True))]
    if name.startswith(_OWN) or len(groups) > _MOST_GROUPS:
        raise Stopped(Fault.HEADERS)
    kept = (group for group in groups if not group.startswith(_OWN))
    return Person(name, (*dict.fromkeys(kept), AUTHENTICATED))


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the token of an Authorization header; empty if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _text(header: str, *, empty: bool = False) -> str:
    try:
        # Headers are bytes; proxies write names of people in UTF-8.
        text = header.encode("latin-1").decode().strip()
    except UnicodeError:
        raise Stopped(Fault.HEADERS) from None
    if len(text) > _LONGEST or not text.isprintable() or not (text or empty):
        raise Stopped(Fault.HEADERS)
    return text
