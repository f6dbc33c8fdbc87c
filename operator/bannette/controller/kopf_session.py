"""What kopf lists and watches is looked at as it comes; what need not go further doesn't.

For each object of a list kopf makes a task, three loggers, and a memory that stays: of ten thousand channels, 4 s of
CPU and 30 MB, for one call of a handler each. An event of a watch costs it 0.4 ms, and each status that the operator
itself has written comes back as one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable, Container, Mapping
from typing import Any, Final, Protocol, Self, cast

import aiohttp
import orjson

from bannette.controller.api import Manifest, lines
from bannette.controller.names import BINDER, CHANNEL, RECIPIENT, Kind

logger = logging.getLogger(__name__)

_KINDS: Final[Mapping[str, Kind]] = {kind.kind: kind for kind in (CHANNEL, BINDER, RECIPIENT)}

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
# Credentials that are refused later than that were good.
_GOOD_SECONDS: Final = 60.0


class Listener(Protocol):
    """Whoever is told of custom resources before kopf is."""

    def listed(self, kind: Kind, body: Manifest) -> None:
        """Take in an object of a list, without its managedFields."""

    def all_listed(self, kind: Kind, namespace: str | None, uids: Container[str]) -> None:
        """Forget what a list has not: it went while nobody watched. *namespace* is None for the whole cluster."""

    def knows(self, kind: Kind, body: Manifest) -> bool:
        """Tell whether nothing is new in an object that is said to be there."""


class LoginPauses:
    """How long kopf is kept waiting for credentials: it asks for them when they are refused, and tries them at once.

    A token that isn't accepted any more would be sent five hundred times a second.
    """

    def __init__(self) -> None:
        self._given = -math.inf
        self._seconds = 0.0

    def next(self, now: float) -> float:
        """Return how many seconds to wait with credentials that are asked for at *now*, by a monotonic clock."""
        if now - self._given > _GOOD_SECONDS:
            self._seconds = 0.0
        else:
            self._seconds = min(max(2 * self._seconds, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._given = now + self._seconds
        return self._seconds


def response_class(listener: Listener) -> type[aiohttp.ClientResponse]:
    """Return the class of the responses of kopf's sessions; a list may begin in one and end in the next."""
    uids: dict[str, set[str]] = {}

    class HeardResponse(aiohttp.ClientResponse):
        async def json(self, **_: Any) -> Any:
            page = orjson.loads(await self.read())
            kind = _KINDS.get(str(page.get("kind")).removesuffix("List"))
            if kind is not None and "items" in page:
                if "continue" not in self.url.query:
                    uids[self.url.path] = set()
                for item in cast("list[Manifest] | None", page["items"]) or ():
                    uids[self.url.path].add(cast("dict[str, str]", item["metadata"])["uid"])
                    _hand_over(kind, item)
                if not page["metadata"].get("continue"):
                    listener.all_listed(kind, _namespace_in(self.url.path), uids.pop(self.url.path))
                page["items"] = []
            return page

        async def start(self, connection: Any) -> Self:
            await super().start(connection)
            if "watch" in self.url.query and self.status == 200:
                self.content = cast("aiohttp.StreamReader", _News(self.content, listener.knows))
            return self

    def _hand_over(kind: Kind, item: Manifest) -> None:
        cast("dict[str, object]", item["metadata"]).pop("managedFields", None)
        try:
            listener.listed(kind, item)
        except Exception:
            # As in a handler of kopf's: what one object says must not end the watch of all.
            logger.exception("object.unreadable kind=%s", kind.kind)

    return HeardResponse


def _namespace_in(path: str) -> str | None:
    # From the end: before it may be the path of a proxy.
    *_, namespaces, namespace, _ = path.split("/")
    return namespace if namespaces == "namespaces" else None


class _News:
    """The stream of a watch, in which a bookmark stands for each event that tells nothing new."""

    def __init__(self, content: aiohttp.StreamReader, knows: Callable[[Kind, Manifest], bool]) -> None:
        self._content = content
        self._knows = knows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, _: int) -> AsyncIterator[bytes]:
        async for line in lines(self._content):
            yield (self._bookmark(line) or line) + b"\n"

    def _bookmark(self, line: bytes) -> bytes | None:
        try:
            event = orjson.loads(line)
            body = event["object"]
            kind = _KINDS.get(body["kind"])
            if kind is None or event["type"] not in ("ADDED", "MODIFIED") or not self._knows(kind, body):
                return None
            metadata = {"resourceVersion": body["metadata"]["resourceVersion"]}
            return orjson.dumps({"type": "BOOKMARK", "object": {"kind": body["kind"], "metadata": metadata}})
        except (ValueError, LookupError, TypeError, AttributeError):
            # Whatever it is, it is kopf's to refuse.
            return None
