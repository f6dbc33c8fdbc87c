"""What kopf lists comes to it no faster than it is seen, and without what nobody reads.

kopf hands on a whole list at once, each object with its managedFields as dictionaries: ten thousand channels with their
histories would take 500 MB for a moment.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import aiohttp
import orjson

from bannette.resources import GROUP

_UNSEEN: Final = 200
_PATIENCE: Final = 5.0


class Pace:
    """Counts the objects that were listed and haven't been seen yet."""

    def __init__(self) -> None:
        self._unseen = 0
        self._room = asyncio.Event()

    def listed(self, count: int) -> None:
        self._unseen += count

    def seen(self) -> None:
        self._unseen = max(self._unseen - 1, 0)
        if self._unseen < _UNSEEN:
            self._room.set()

    async def room(self) -> None:
        """Wait until most of what was listed has been seen; not for ever, should kopf have lost count."""
        if self._unseen < _UNSEEN:
            return
        self._room.clear()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._room.wait()
        except TimeoutError:
            self._unseen = 0


def response_class(pace: Pace) -> type[aiohttp.ClientResponse]:
    """Return the class of the responses of kopf's session."""

    class PacedResponse(aiohttp.ClientResponse):
        async def json(self, **_: Any) -> Any:
            text = await self.read()
            if f"/{GROUP}/" not in self.url.path:
                return orjson.loads(text)
            await pace.room()
            page = orjson.loads(text)
            items = cast("list[dict[str, Any]]", page.get("items") or [])
            for item in items:
                item["metadata"].pop("managedFields", None)
            pace.listed(len(items))
            return page

    return PacedResponse
