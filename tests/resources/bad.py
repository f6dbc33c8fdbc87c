"""What a resource that must be refused is, what the refusal says, and the texts that several kinds share.

`says` is the API server's complaint about the field, word for word. `Channel.parse` and its like complain about the
same field in the same words, or in those of `parse` where the server's structural check has a language of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.resources.samples import REMOVED


@dataclass(frozen=True)
class Bad:
    """A good resource with *changes* that make it bad."""

    name: str
    resource: Mapping[str, Any]
    changes: Mapping[str, object]
    field: str
    says: str
    parse: str


def wrong(
    resource: Mapping[str, Any], name: str, field: str, value: object, text: str, *, within: str | None = None
) -> Bad:
    """A text that breaks a rule; *within* is the part of the resource that is put in its place, for items of lists."""
    at, put = (field, value) if within is None else (within, _nested(field, within, value))
    return Bad(
        name, resource, {at: put}, field, f"Invalid value: {json.dumps(value, ensure_ascii=False)}: {text}", text
    )


def wrong_as_a_whole(resource: Mapping[str, Any], name: str, field: str, put: Mapping[str, object], text: str) -> Bad:
    """A section or the whole resource that breaks a rule: the server doesn't repeat it."""
    return Bad(name, resource, put, field, f"Invalid value: {text}", text)


def misshapen(resource: Mapping[str, Any], name: str, field: str, value: object, says: str, parse: str) -> Bad:
    """A value of another type, out of range, or absent."""
    return Bad(name, resource, {field: value}, field, says, parse)


def missing(resource: Mapping[str, Any], name: str, field: str) -> Bad:
    return misshapen(resource, name, field, REMOVED, "Required value", "is missing")


def _nested(field: str, within: str, value: object) -> object:
    put = value
    for part in reversed(field.removeprefix(within).replace("[0]", ".[0]").strip(".").split(".")):
        put = [put] if part == "[0]" else {part: put}
    return put


A_REFERENCE = 'write the metadata.name of an object in this namespace: lower-case letters, digits, "-" and "."'
AN_EMAIL = 'write one e-mail address and nothing else, for example "marie@acme.example"'
A_LINE = "write one line of text without blanks at its ends"
