"""How the console is configured: by the environment of the service that it is part of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bannette.errors import PersonNeeded

_HEADER: Final = re.compile("[A-Za-z0-9-]{1,64}")
# What every request has, or what the sign-in itself is read from.
_TAKEN: Final = frozenset({"authorization", "cookie", "host", "content-type", "content-length", "sec-fetch-site"})


@dataclass(frozen=True)
class ConsoleSettings:
    """Settings of the console.

    Attributes:
        user_header, groups_header: in which a proxy in front names the person and their groups; empty: none does.
        namespaces: that the service serves; none: all.
        inbox_port: where pods listen that serve inboxes; no other port is asked.
    """

    user_header: str = ""
    groups_header: str = ""
    namespaces: tuple[str, ...] = ()
    inbox_port: int = 8377


def console_settings_of(environ: Mapping[str, str]) -> ConsoleSettings | None:
    """Return the console's settings; None if it isn't switched on.

    Raises:
        PersonNeeded: one isn't what it must be.
    """
    switch = environ.get("BANNETTE_CONSOLE", "").strip().lower()
    if switch in ("", "false"):
        return None
    if switch != "true":
        raise _invalid("BANNETTE_CONSOLE must be true or false")
    if environ.get("BANNETTE_API_URL", "").strip():
        # `kubectl proxy` may sign in by a certificate of its own, before any token that comes with a request.
        raise _invalid(
            "BANNETTE_CONSOLE can't be true with BANNETTE_API_URL: behind `kubectl proxy` everybody could be taken for "
            "the one who runs it"
        )
    user, groups = (_header(environ, f"BANNETTE_CONSOLE_{name}_HEADER") for name in ("USER", "GROUPS"))
    if groups and not user:
        raise _invalid("BANNETTE_CONSOLE_GROUPS_HEADER needs BANNETTE_CONSOLE_USER_HEADER: groups are somebody's")
    if groups and groups == user:
        raise _invalid("BANNETTE_CONSOLE_GROUPS_HEADER must be another header than BANNETTE_CONSOLE_USER_HEADER")
    namespaces = (name.strip() for name in environ.get("BANNETTE_NAMESPACES", "").split(","))
    return ConsoleSettings(user, groups, tuple(name for name in namespaces if name))


def _header(environ: Mapping[str, str], name: str) -> str:
    header = environ.get(name, "").strip().lower()
    if header and (not _HEADER.fullmatch(header) or header in _TAKEN):
        raise _invalid(f"{name} must be the name of a header that the proxy sets, for example X-Forwarded-User")
    return header


def _invalid(told: str) -> PersonNeeded:
    return PersonNeeded(f"{told}.", reason="InvalidSetting")
