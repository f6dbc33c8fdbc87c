"""A sign-in by token, as the browser keeps it: encrypted, in one cookie or several. Pure.

So it survives a restart, every replica knows it, and the service stores nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bannette.console.people import Person
from bannette.web.encryption import decrypt, encrypt
from bannette.web.sealing import Keys

LONGEST: Final = timedelta(hours=8)
COOKIE: Final = "__Host-console"
# Browsers keep 4,096 characters of a cookie with its name and attributes.
_PART: Final = 3600
_MOST_PARTS: Final = 4
#: The longest token that fits, however badly it can be compressed.
LONGEST_TOKEN: Final = 10_000
_PURPOSE: Final = "console-session"


@dataclass(frozen=True)
class Session:
    """A person's sign-in by token."""

    name: str
    token: str = field(repr=False)
    expires: datetime

    @property
    def person(self) -> Person:
        return Person(self.name, token=self.token)

    def cookies(self, keys: Keys) -> dict[str, str]:
        """Return the cookies that hold it, by name."""
        said = {"name": self.name, "token": self.token, "expires": int(self.expires.timestamp())}
        text = encrypt(keys, _PURPOSE, zlib.compress(json.dumps(said).encode()))
        parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
        return {_cookie_name(number): part for number, part in enumerate(parts)}


def new_session(name: str, token: str, *, now: datetime) -> Session:
    """Return a sign-in that ends when the *token* does, but at most 8 hours from *now*."""
    latest = now + LONGEST
    ends = _expiry(token)
    return Session(name, token, min(ends, latest) if ends is not None else latest)


def session_in(cookies: Mapping[str, str], keys: Keys, *, now: datetime) -> Session | None:
    """Return the sign-in that *cookies* hold; None if there is none, it is over, or its key is gone."""
    text = "".join(cookies.get(_cookie_name(number), "") for number in range(_MOST_PARTS))
    data = decrypt(keys, _PURPOSE, text) if text else None
    if data is None:
        return None
    # Nobody else can have made it.
    said = json.loads(zlib.decompress(data))
    session = Session(said["name"], said["token"], datetime.fromtimestamp(said["expires"], UTC))
    return session if now < session.expires else None


def session_cookies(cookies: Mapping[str, str]) -> list[str]:
    """Return the names of those of *cookies* that hold a sign-in."""
    names = (_cookie_name(number) for number in range(_MOST_PARTS))
    return [name for name in names if name in cookies]


def _cookie_name(number: int) -> str:
    return f"{COOKIE}-{number}" if number else COOKIE


def _expiry(token: str) -> datetime | None:
    """Return when a JWT expires; None if it doesn't say. Whether it is one at all is the API server's to say."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = said.get("exp") if isinstance(said, dict) else None
        return datetime.fromtimestamp(expires, UTC) if isinstance(expires, int | float) else None
    except (ValueError, OverflowError, OSError, RecursionError, binascii.Error):
        return None
