"""Reading raw mappings at the door: every complaint names the resource, the field's path, and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NoReturn, TypeVar

from bannette.errors import PersonNeeded
from bannette.resources.rules import Rule
from bannette.resources.times import parse_time

Choice = TypeVar("Choice", bound=StrEnum)
Parsed = TypeVar("Parsed")


class InvalidResource(PersonNeeded):
    """A resource that says something it can't mean.

    Attributes:
        path: the field, for example ``spec.schedule.time``; empty when it is the resource as a whole.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message, reason="InvalidResource")
        self.path = path


class Section:
    """An object within a resource, read member by member.

    When a section has been parsed, a *strict* one refuses members that nobody read: in a file a misspelt field would
    go unnoticed, since no API server has looked at it.
    """

    def __init__(
        self,
        members: Mapping[str, object],
        *,
        owner: str,
        within: tuple[Section, str] | None = None,
        strict: bool = False,
    ) -> None:
        self._members = members
        self.owner = owner
        self._within = within
        self._strict = strict
        self._read: set[str] = set()

    def invalid(self, name: str, message: str) -> InvalidResource:
        """Return the error for member *name* (empty: the section itself), to be raised by the caller."""
        path = self._path_of(name)
        return InvalidResource(": ".join(part for part in (self.owner, path, message) if part), path=path)

    def has(self, name: str) -> bool:
        """Tell whether the member is there; null is as good as absent, as it is for the API server."""
        return self._value(name) is not None

    def required(self, name: str, parse: Callable[[Section], Parsed]) -> Parsed:
        """Return what *parse* makes of the object *name*."""
        value = self._value(name)
        return self._missing(name) if value is None else self._parsed(name, value, parse)

    def optional(self, name: str, parse: Callable[[Section], Parsed]) -> Parsed | None:
        value = self._value(name)
        return None if value is None else self._parsed(name, value, parse)

    def defaulted(self, name: str, parse: Callable[[Section], Parsed]) -> Parsed:
        """Return what *parse* makes of the object *name*, or of an empty one if it's absent."""
        value = self._value(name)
        return self._parsed(name, {} if value is None else value, parse)

    def every(self, name: str, parse: Callable[[Section], Parsed]) -> tuple[Parsed, ...]:
        """Return what *parse* makes of each object of the list *name*."""
        return tuple(self._parsed(f"{name}[{index}]", item, parse) for index, item in enumerate(self._list(name)))

    def mapping(self, name: str) -> Mapping[str, object]:
        """Return the object *name* as it is, for what Kubernetes itself checks; an empty one if it's absent."""
        value = self._value(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.invalid(name, f"must be an object with fields, not {_kind(value)}")
        return value

    def mappings(self, name: str) -> tuple[Mapping[str, object], ...]:
        found = []
        for index, item in enumerate(self._list(name)):
            if not isinstance(item, Mapping):
                raise self.invalid(f"{name}[{index}]", f"must be an object with fields, not {_kind(item)}")
            found.append(item)
        return tuple(found)

    def text_map(self, name: str) -> Mapping[str, str]:
        return {key: self._as_text(f"{name}.{key}", value, ()) for key, value in self.mapping(name).items()}

    def text(self, name: str, *rules: Rule) -> str:
        text = self.optional_text(name, *rules)
        return self._missing(name) if text is None else text

    def optional_text(self, name: str, *rules: Rule) -> str | None:
        value = self._value(name)
        return None if value is None else self._as_text(name, value, rules)

    def texts(self, name: str, *rules: Rule) -> tuple[str, ...]:
        return tuple(self._as_text(f"{name}[{i}]", item, rules) for i, item in enumerate(self._list(name)))

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._value(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(name, f"must be true or false, not {_kind(value)}")
        return value

    def number(self, name: str, *, default: int, least: int = 0, most: int | None = None) -> int:
        value = self._value(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.invalid(name, f"must be a whole number, not {_kind(value)}")
        if value < least or (most is not None and value > most):
            raise self.invalid(name, f"must be at least {least}" if most is None else f"must be {least} to {most}")
        return value

    def choice(self, name: str, kind: type[Choice], *, default: Choice | None = None) -> Choice:
        text = self.optional_text(name)
        if text is None:
            return default if default is not None else self._missing(name)
        try:
            return kind(text)
        except ValueError:
            raise self.invalid(name, f"must be one of {', '.join(kind)}") from None

    def time(self, name: str) -> datetime:
        time = self.optional_time(name)
        return self._missing(name) if time is None else time

    def optional_time(self, name: str) -> datetime | None:
        text = self.optional_text(name)
        if text is None:
            return None
        try:
            return parse_time(text)
        except ValueError:
            raise self.invalid(name, 'must be a time such as "2026-11-24T05:30:00Z"') from None

    def finish(self) -> None:
        """Refuse members that are not known, if the section is strict."""
        unknown = sorted(self._members.keys() - self._read, key=str) if self._strict else []
        if unknown:
            close = difflib.get_close_matches(str(unknown[0]), self._read, n=1)
            known = f'did you mean "{close[0]}"?' if close else f"known here: {', '.join(sorted(self._read))}"
            raise self.invalid(str(unknown[0]), f"is not a field; {known}")

    def _value(self, name: str) -> object:
        if self._strict:
            self._read.add(name)
        return self._members.get(name)

    def _parsed(self, name: str, value: object, parse: Callable[[Section], Parsed]) -> Parsed:
        if not isinstance(value, Mapping):
            raise self.invalid(name, f"must be an object with fields, not {_kind(value)}")
        section = Section(value, owner=self.owner, within=(self, name), strict=self._strict)
        parsed = parse(section)
        section.finish()
        return parsed

    def _list(self, name: str) -> Sequence[object]:
        value = self._value(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self.invalid(name, f"must be a list, not {_kind(value)}")
        return value

    def _as_text(self, name: str, value: object, rules: Sequence[Rule]) -> str:
        if not isinstance(value, str):
            raise self.invalid(name, f"must be text, not {_kind(value)}: put it in quotes")
        for rule in rules:
            if not rule.accepts(value):
                raise self.invalid(name, rule.message)
        return value

    def _missing(self, name: str) -> NoReturn:
        raise self.invalid(name, "is missing")

    def _path_of(self, name: str) -> str:
        # Made only when there is something to say: most sections are as they should be.
        path = self._within[0]._path_of(self._within[1]) if self._within else ""
        return ".".join(part for part in (path, name) if part)


def present(**members: object) -> dict[str, object]:
    """Return *members* without those that are None: as YAML leaves out what is absent."""
    return {name: value for name, value in members.items() if value is not None}


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list | tuple) else "an object" if isinstance(value, Mapping) else "this"
