"""Small texts that only this service can have made: a JSON object and its HMAC-SHA-256. Pure.

Several keys may be valid at once: the newest one that others know, too, seals, all of them open, so that keys can be
changed without a break.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

# Longer than anything that is sealed here: what a stranger sends isn't decoded at any length.
_LONGEST: Final = 2048


@dataclass(frozen=True)
class Keys:
    """HMAC keys by their ids; the last id in the order of names seals.

    Attributes:
        fresh: ids of those that other replicas may not have yet: they open, and seal only if there are no others.
    """

    by_id: Mapping[str, bytes] = field(repr=False)
    fresh: frozenset[str] = frozenset()

    @property
    def newest(self) -> str:
        return max(self.by_id.keys() - self.fresh or self.by_id)

    def seal(self, purpose: str, members: Mapping[str, object]) -> str:
        """Return *members* as a text for URLs and cookies; one that is made for a *purpose* opens for that one only."""
        key_id = self.newest
        payload = json.dumps({**members, "key": key_id}, separators=(",", ":")).encode()
        return f"{_encode(payload)}.{_encode(self._mac(key_id, purpose, payload))}"

    def open(self, purpose: str, text: str) -> dict[str, object] | None:
        """Return the members that *text* was made of; None if it isn't one that this service made for *purpose*."""
        if len(text) > _LONGEST or not text.isascii():
            return None
        encoded, _, mac = text.partition(".")
        try:
            payload, given = _decode(encoded), _decode(mac)
            members = json.loads(payload)
        except (ValueError, binascii.Error, RecursionError):
            return None
        key_id = members.get("key") if isinstance(members, dict) else None
        if not isinstance(key_id, str) or key_id not in self.by_id:
            return None
        return dict(members) if hmac.compare_digest(given, self._mac(key_id, purpose, payload)) else None

    def _mac(self, key_id: str, purpose: str, payload: bytes) -> bytes:
        return hmac.digest(self.by_id[key_id], f"{purpose}\n".encode() + payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
