"""What kopf lists is looked at as it comes, page by page, and goes no further.

For each object that kopf is handed it makes a task, three loggers, and a memory that stays: of ten thousand channels,
4 s of CPU and 30 MB, for one call of a handler each. Its watches bring what changes afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import aiohttp
import orjson

from bannette.controller.api import Manifest
from bannette.controller.names import BINDER, CHANNEL, RECIPIENT, Kind

logger = logging.getLogger(__name__)

_LISTS: Final[Mapping[str, Kind]] = {f"{kind.kind}List": kind for kind in (CHANNEL, BINDER, RECIPIENT)}


def response_class(seen: Callable[[Kind, Manifest], None]) -> type[aiohttp.ClientResponse]:
    """Return the class of the responses of kopf's session.

    Args:
        seen: called with each custom resource of a list, without its managedFields.
    """

    class ListedResponse(aiohttp.ClientResponse):
        async def json(self, **_: Any) -> Any:
            page = orjson.loads(await self.read())
            kind = _LISTS.get(page.get("kind"))
            if kind is not None:
                for item in cast("list[Manifest] | None", page.get("items")) or ():
                    _hand_over(kind, item)
                page["items"] = []
            return page

    def _hand_over(kind: Kind, item: Manifest) -> None:
        cast("dict[str, object]", item["metadata"]).pop("managedFields", None)
        try:
            seen(kind, item)
        except Exception:
            # As in a handler of kopf's: what one object says must not end the watch of all.
            logger.exception("object.unreadable kind=%s", kind.kind)

    return ListedResponse
