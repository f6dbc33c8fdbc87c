"""What kopf lists and watches is looked at as it comes, and costs it nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from kopf._cogs.clients.api import iter_jsonlines

from bannette.controller.api import Manifest
from bannette.controller.kopf_session import LoginPauses, response_class
from bannette.controller.names import BINDER, CHANNEL, Kind

CHANNELS = {
    "kind": "CollectionChannelList",
    "metadata": {"resourceVersion": "7", "continue": "next"},
    "items": [
        {"metadata": {"name": "odd", "uid": "1", "managedFields": []}, "spec": 1},
        {"metadata": {"name": "even", "uid": "2", "managedFields": [{"manager": "kubectl"}]}, "spec": {}},
    ],
}
KINDS = {"kind": "APIResourceList", "resources": [{"name": "collectionchannels"}]}


class Listener:
    """Knows the channels' versions up to 10, and can't read a spec that is a number."""

    def __init__(self) -> None:
        self.seen: list[tuple[Kind, Manifest]] = []
        self.ended: list[tuple[Kind, str | None, set[str]]] = []

    def listed(self, kind: Kind, body: Manifest) -> None:
        if body["spec"] == 1:
            raise TypeError("a number has no members")
        self.seen.append((kind, body))

    def all_listed(self, kind: Kind, namespace: str | None, uids: Container[str]) -> None:
        assert isinstance(uids, set)
        self.ended.append((kind, namespace, uids))

    def knows(self, kind: Kind, body: Any) -> bool:
        return kind == CHANNEL and int(body["metadata"]["resourceVersion"]) <= 10


@asynccontextmanager
async def answered(
    text: bytes, responses: type[aiohttp.ClientResponse], *, status: int = 200, query: str = ""
) -> AsyncIterator[Any]:
    async def serve(_: web.BaseRequest) -> web.Response:
        return web.Response(body=text, status=status, content_type="application/json")

    server = web.ServerRunner(web.Server(serve))
    await server.setup()
    site = web.TCPSite(server, "127.0.0.1", 0)
    await site.start()
    host, port = server.addresses[0][:2]
    try:
        async with (
            aiohttp.ClientSession(response_class=responses) as session,
            session.get(f"http://{host}:{port}/{query}") as response,
        ):
            yield response
    finally:
        await server.cleanup()


def listed(answer: object, responses: type[aiohttp.ClientResponse], *, query: str = "") -> Any:
    async def story() -> Any:
        async with answered(json.dumps(answer).encode(), responses, query=query) as response:
            return await response.json()

    return asyncio.run(story())


def watched(*lines: bytes, status: int = 200, cut: bytes = b"") -> list[bytes]:
    """Return what kopf reads of a watch in which those lines come."""

    async def story() -> list[bytes]:
        text, responses = b"\n".join([*lines, cut]), response_class(Listener())
        async with answered(text, responses, status=status, query="?watch=true") as response:
            return [line async for line in iter_jsonlines(response.content)]

    return asyncio.run(story())


def event(change: str, version: int, kind: Kind = CHANNEL) -> bytes:
    metadata = {"name": "a", "resourceVersion": str(version)}
    return json.dumps({"type": change, "object": {"kind": kind.kind, "metadata": metadata, "spec": {}}}).encode()


def test_objects_of_a_list_are_seen_and_go_no_further_and_one_that_cannot_be_read_hides_no_other(caplog):
    listener = Listener()
    with caplog.at_level(logging.ERROR):
        page = listed(CHANNELS, response_class(listener))
    assert listener.seen == [(CHANNEL, {"metadata": {"name": "even", "uid": "2"}, "spec": {}})]
    assert page == {**CHANNELS, "items": []}
    assert [record.getMessage() for record in caplog.records] == ["object.unreadable kind=CollectionChannel"]


def test_other_answers_stay_as_they_are():
    assert listed(KINDS, response_class(Listener())) == KINDS


@pytest.mark.parametrize(
    ("path", "namespace"),
    [
        ("apis/bannette.io/v1alpha1/namespaces/acme/collectionchannels", "acme"),
        ("apis/bannette.io/v1alpha1/collectionchannels", None),
        ("clusters/namespaces/c-1/apis/bannette.io/v1alpha1/collectionchannels", None),
    ],
)
def test_at_the_end_of_a_list_all_that_it_had_is_told(path, namespace):
    """Its pages may come in several sessions: a token may end between two."""
    listener = Listener()
    responses = response_class(listener)
    listed(CHANNELS, responses, query=f"{path}?limit=2")
    assert listener.ended == []
    last = {**CHANNELS, "metadata": {}, "items": [{"metadata": {"name": "third", "uid": "3"}, "spec": {}}]}
    listed(last, responses, query=f"{path}?limit=2&continue=next")
    assert listener.ended == [(CHANNEL, namespace, {"1", "2", "3"})]


def test_an_event_that_tells_nothing_new_is_a_bookmark():
    news, known, other = event("MODIFIED", 11), event("MODIFIED", 10), event("MODIFIED", 9, BINDER)
    bookmark = {"type": "BOOKMARK", "object": {"kind": CHANNEL.kind, "metadata": {"resourceVersion": "10"}}}
    first, second, third = watched(news, known, other)
    assert first == news
    assert json.loads(second) == bookmark
    assert third == other


@pytest.mark.parametrize(
    "line",
    [
        event("DELETED", 9),
        b'{"type": "BOOKMARK", "object": {"kind": "CollectionChannel", "metadata": {"resourceVersion": "3"}}}',
        b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}',
        b'{"type": "MODIFIED", "object": {"kind": "CollectionChannel"}}',
        b'{"type": "MODIFIED", "object": {"kind": ["CollectionChannel"]}}',
        b'{"type": "MODIFIED", "object": 1}',
        b"[]",
        b"no JSON",
    ],
)
def test_what_else_a_watch_says_goes_on_as_it_came(line):
    assert watched(line) == [line]


def test_credentials_that_are_refused_again_and_again_are_tried_less_and_less_often():
    pauses, now, waits = LoginPauses(), 1000.0, []
    for _ in range(8):
        waits.append(pauses.next(now))
        now += waits[-1] + 0.01
    assert waits == [0, 1, 2, 4, 8, 16, 30, 30]
    # These were good for an hour.
    assert pauses.next(now + 3600) == 0


def test_a_refused_watch_goes_on_as_it_came():
    assert watched(event("MODIFIED", 10), status=410) == [event("MODIFIED", 10)]


def test_a_line_that_was_cut_off_is_left_out():
    assert watched(event("ADDED", 11), cut=event("MODIFIED", 12)[:20]) == [event("ADDED", 11)]


def test_an_event_of_two_megabytes_goes_on_whole():
    large = event("MODIFIED", 11)[:-1] + b', "more": "' + b"x" * 2_000_000 + b'"}'
    assert watched(large, event("ADDED", 12)) == [large, event("ADDED", 12)]
