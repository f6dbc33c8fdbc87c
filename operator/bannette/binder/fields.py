"""Reading the JSON objects of a binder, and the times in them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bannette.errors import PersonNeeded


class Unreadable(PersonNeeded):
    """An object in the binder isn't what its key says: damaged, or written by a later version."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(
            f"{what} in the binder can't be read ({problem}): restore it from a backup, or upgrade Bannette if a later "
            "version wrote it.",
            reason="BinderUnreadable",
        )


def _finite(text: str) -> float:
    """Return the number that *text* is. Raises: ValueError: it is none that JSON has, or too large."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


_DECODER: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
_HALF_A_PAIR: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class Fields:
    """The members of one JSON object, by type."""

    def __init__(self, members: Mapping[str, object], what: str) -> None:
        self.members = members
        self._what = what

    @classmethod
    def of_json(cls, data: bytes, what: str) -> Fields:
        try:
            members = _DECODER.decode(data.decode())
            if _HALF_A_PAIR.search(data):
                # JSON may have it, and nothing that a text is written to.
                members = json.loads(json.dumps(members, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise Unreadable(what, "not JSON") from None
        if not isinstance(members, dict):
            raise Unreadable(what, "not a JSON object")
        return cls(members, what)

    def schema(self, expected: str) -> None:
        if self.members.get("schema") != expected:
            raise Unreadable(self._what, f"schema is not {expected}")

    def text(self, name: str) -> str:
        value = self.members.get(name)
        if not isinstance(value, str):
            raise Unreadable(self._what, f"{name} is not a string")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.members.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        value = self.members.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unreadable(self._what, f"{name} is not an integer")
        return value

    def optional_integer(self, name: str) -> int | None:
        return None if self.members.get(name) is None else self.integer(name)

    def optional_number(self, name: str) -> float | None:
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Unreadable(self._what, f"{name} is not a number")
        return float(value)

    def truth(self, name: str) -> bool:
        value = self.members.get(name)
        if not isinstance(value, bool):
            raise Unreadable(self._what, f"{name} is not true or false")
        return value

    def time(self, name: str) -> datetime:
        text = self.text(name)
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable(self._what, f"{name} is not a time") from None
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    def optional_time(self, name: str) -> datetime | None:
        return None if self.members.get(name) is None else self.time(name)

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(item if isinstance(item, str) else self._not_texts(name) for item in self.items(name))

    def items(self, name: str) -> tuple[object, ...]:
        value = self.members.get(name, [])
        if not isinstance(value, list):
            raise Unreadable(self._what, f"{name} is not a list")
        return tuple(value)

    def mapping(self, name: str) -> Mapping[str, object]:
        value = self.members.get(name)
        if not isinstance(value, dict):
            raise Unreadable(self._what, f"{name} is not an object")
        return value

    def optional_mapping(self, name: str) -> Mapping[str, object] | None:
        return None if self.members.get(name) is None else self.mapping(name)

    def inside(self, name: str) -> Fields:
        return Fields(self.mapping(name), self._what)

    def each(self, name: str) -> tuple[Fields, ...]:
        return tuple(
            Fields(item, self._what) if isinstance(item, dict) else self._not_objects(name) for item in self.items(name)
        )

    def text_mapping(self, name: str) -> dict[str, str]:
        inner = self.inside(name)
        return {key: inner.text(key) for key in self.mapping(name)}

    def numbers_by_number(self, name: str) -> dict[int, int]:
        """Return an object whose names are numbers, as its values are; empty without one."""
        members = self.optional_mapping(name) or {}
        if not all(key.isdecimal() for key in members):
            raise Unreadable(self._what, f"{name} has a name that is no number")
        inner = Fields(members, self._what)
        return {int(key): inner.integer(key) for key in members}

    def _not_texts(self, name: str) -> str:
        raise Unreadable(self._what, f"{name} is not a list of strings")

    def _not_objects(self, name: str) -> Fields:
        raise Unreadable(self._what, f"{name} is not a list of objects")


def json_bytes(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode() + b"\n"


def time_text(time: datetime) -> str:
    """RFC 3339 in UTC, with a Z."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def optional_time_text(time: datetime | None) -> str | None:
    return None if time is None else time_text(time)
