"""What kopf lists is looked at as it comes, and costs it nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
from aiohttp import web

from bannette.controller.api import Manifest
from bannette.controller.listing import response_class
from bannette.controller.names import CHANNEL, Kind

CHANNELS = {
    "kind": "CollectionChannelList",
    "metadata": {"resourceVersion": "7", "continue": "next"},
    "items": [
        {"metadata": {"name": "odd", "managedFields": []}, "spec": 1},
        {"metadata": {"name": "even", "managedFields": [{"manager": "kubectl"}]}, "spec": {}},
    ],
}
KINDS = {"kind": "APIResourceList", "resources": [{"name": "collectionchannels"}]}


async def _asked(answer: object, seen: list[tuple[Kind, Manifest]]) -> Any:
    def take(kind: Kind, body: Manifest) -> None:
        if body["spec"] == 1:
            raise TypeError("a number has no members")
        seen.append((kind, body))

    async def serve(_: web.BaseRequest) -> web.Response:
        return web.json_response(answer)

    server = web.ServerRunner(web.Server(serve))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    host, port = server.addresses[0][:2]
    try:
        async with (
            aiohttp.ClientSession(response_class=response_class(take)) as session,
            session.get(f"http://{host}:{port}/") as response,
        ):
            return await response.json()
    finally:
        await server.cleanup()


def test_objects_of_a_list_are_seen_and_go_no_further_and_one_that_cannot_be_read_hides_no_other(caplog):
    seen: list[tuple[Kind, Manifest]] = []
    with caplog.at_level(logging.ERROR):
        page = asyncio.run(_asked(CHANNELS, seen))
    assert seen == [(CHANNEL, {"metadata": {"name": "even"}, "spec": {}})]
    assert page == {**CHANNELS, "items": []}
    assert [record.getMessage() for record in caplog.records] == ["object.unreadable kind=CollectionChannel"]


def test_other_answers_stay_as_they_are():
    assert asyncio.run(_asked(KINDS, [])) == KINDS
