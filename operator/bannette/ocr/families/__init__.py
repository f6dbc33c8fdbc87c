"""Families of formats: each is one module here, and a new module is found without being named anywhere.

A family module has ``MEDIA_TYPES``, the media types that it reads, ``GIVES``, what it makes of them, and
``read(request) -> Answer``, which raises NotRead for a document that it can't read. It is imported by the collector
too, to know the types; so the libraries that read documents are imported inside functions, here and in the modules that
a family uses.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from bannette.ocr.request import Answer, Request


class Family(Protocol):
    """What a family module has."""

    MEDIA_TYPES: frozenset[str]
    GIVES: tuple[str, ...]

    def read(self, request: Request) -> Answer:
        """Read the document of *request*; runs in the child."""
        ...


def find(media_type: str) -> str | None:
    """Return the name of the family that reads *media_type*, or None when none does."""
    return _by_media_type().get(media_type)


def named(name: str) -> Family:
    """Return the family of this name; no other one is imported."""
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))


def all_families() -> dict[str, Family]:
    """Return all families by the names of their modules, in their order."""
    return {name: named(name) for name in sorted(module.name for module in pkgutil.iter_modules(__path__))}


@cache
def _by_media_type() -> dict[str, str]:
    return {media_type: name for name, family in all_families().items() for media_type in family.MEDIA_TYPES}
