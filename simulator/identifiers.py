"""How ids look: those of work drives and those of personal drives.

An item's id is made from its number by a multiplication that can be undone, so that a drive of 100,000 items stores
no ids and needs no index from id to item.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from enum import StrEnum


class Flavour(StrEnum):
    """What kind of drive it is, as Graph's ``driveType`` says it."""

    WORK = "business"
    PERSONAL = "personal"
    LIBRARY = "documentLibrary"


_FACTOR = 0x9E3779B97F4A7C15F39CC0605CEDC835
_ID_BITS = 100
_PERSONAL_BITS = 128
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS = [high + low for high in _BASE32 for low in _BASE32]
_PAIR_VALUES = {pair: value for value, pair in enumerate(_PAIRS)}
_SHIFTS = range(_ID_BITS - 10, -1, -10)
_MIGRATED_ROOT = "sea8cc6beffdb43d7976fbc7da445c639"


def drive_id(flavour: Flavour, name: str) -> str:
    """Return the id of the drive that belongs to *name* (a user or a site): the same name always has the same id."""
    seed = hashlib.sha256(name.encode()).digest()
    if flavour is Flavour.PERSONAL:
        return "0" + seed[:8].hex()[1:]
    return "b!" + base64.urlsafe_b64encode(seed + seed[:16]).decode().rstrip("=")


class ItemIds:
    """The ids of one drive's items."""

    def __init__(self, flavour: Flavour, drive: str) -> None:
        self._personal = flavour is Flavour.PERSONAL
        self._drive = drive
        self._bits = _PERSONAL_BITS if self._personal else _ID_BITS
        self._inverse = pow(_FACTOR, -1, 1 << self._bits)
        self._space = uuid.uuid5(uuid.NAMESPACE_URL, drive)
        self._prefix = "01" + base64.b32encode(self._space.bytes).decode()[:12]

    def of(self, number: int) -> str:
        """Return the id of the item with this *number*; the root has number 0."""
        if self._personal:
            own = _MIGRATED_ROOT if number == 0 else f"s{self._mix(number):032x}"
            return f"{self._drive.upper()}!{own}"
        value = self._mix(number)
        return self._prefix + "".join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])

    def number(self, item_id: str) -> int | None:
        """Return the number of the item with this id, None for an id that no item of this drive can have.

        Personal ids may be spelled in any case and without leading zeros; work ids are case-sensitive.
        """
        if self._personal:
            drive, _, own = item_id.lower().partition("!")
            if drive.rjust(16, "0") != self._drive.lower():
                return None
            if own == _MIGRATED_ROOT:
                return 0
            if not re.fullmatch(r"s[0-9a-f]{32}", own):
                return None
            return self._unmix(int(own[1:], 16))
        own = item_id.removeprefix(self._prefix)
        if len(own) != _ID_BITS // 5 or not item_id.startswith(self._prefix):
            return None
        value = 0
        for start in range(0, len(own), 2):
            pair = _PAIR_VALUES.get(own[start : start + 2])
            if pair is None:
                return None
            value = value << 10 | pair
        return self._unmix(value)

    def tag(self, number: int, version: int) -> str:
        """Return an eTag or cTag body of an item."""
        if self._personal:
            return base64.b64encode(f"{self.of(number)}.{version}".encode()).decode().rstrip("=")
        return f'"{{{self.guid(number)}}},{version}"'

    def guid(self, number: int) -> str:
        digits = f"{self._space.int ^ number:032X}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _mix(self, number: int) -> int:
        return (number + 1) * _FACTOR % (1 << self._bits)

    def _unmix(self, value: int) -> int:
        return value * self._inverse % (1 << self._bits) - 1
