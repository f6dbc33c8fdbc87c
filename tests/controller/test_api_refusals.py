"""What an API server that refuses or can't be believed comes to: an error that says why, by words that are known."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme
from aiohttp import web

from bannette.controller.access import Access
from bannette.controller.api import Conflict, KubernetesApi, Refused
from bannette.errors import BannetteError, Transient


@asynccontextmanager
async def api_at(
    status: int, body: object, *, named: str = "127.0.0.1", trusted: bool = True
) -> AsyncIterator[KubernetesApi]:
    """Yield the client of a server that answers so, whose certificate is for *named*."""

    async def serve(_: web.BaseRequest) -> web.Response:
        return web.Response(text=json.dumps(body) + "\n", status=status, content_type="application/json")

    authority = trustme.CA()
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(named).configure_cert(own)
    trust = ssl.create_default_context()
    (authority if trusted else trustme.CA()).configure_trust(trust)
    server = web.ServerRunner(web.Server(serve))
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0, ssl_context=own).start()

    async def authorization() -> None:
        return None

    api = KubernetesApi(Access(f"https://127.0.0.1:{server.addresses[0][1]}", trust, authorization))
    try:
        yield api
    finally:
        await api.close()
        await server.cleanup()


def error_of(status: int, body: object, **how: object) -> BannetteError:
    async def story() -> BannetteError:
        async with api_at(status, body, **how) as api:  # type: ignore[arg-type]
            with pytest.raises(BannetteError) as caught:
                await api.create("/api/v1/namespaces/acme/secrets", {})
        return caught.value

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("status", "reason", "error", "told"),
    [
        (403, "Forbidden", Refused, "Forbidden"),
        (422, "Invalid", Refused, "Invalid"),
        (400, "a word that a webhook made up", Refused, "Refused"),
        (403, None, Refused, "Refused"),
        (400, ["Forbidden"], Refused, "Refused"),
        (409, "AlreadyExists", Conflict, "AlreadyExists"),
        (409, "a word that a webhook made up", Conflict, "Conflict"),
    ],
)
def test_a_refusal_has_one_of_the_reasons_that_api_servers_give(status, reason, error, told):
    caught = error_of(status, {"kind": "Status", "message": "No: too large.", "reason": reason})
    assert (type(caught), caught.reason, str(caught)) == (error, told, "No: too large.")


@pytest.mark.parametrize(("field", "error"), [("metadata.uid", Conflict), ("spec.schedule", Refused)])
def test_a_patch_that_names_another_uid_is_a_conflict_and_calls_for_nobody(field, error):
    causes = [{"reason": "FieldValueInvalid", "field": field}]
    assert type(error_of(422, {"reason": "Invalid", "message": "No.", "details": {"causes": causes}})) is error


@pytest.mark.parametrize("said", [[], "Sign in.", {"type": "ADDED"}, {"object": {}}, {"type": "ADDED", "object": 1}])
def test_a_watch_of_which_something_else_tells_is_tried_again(said):
    async def story() -> BannetteError:
        async with api_at(200, said) as api:
            with pytest.raises(BannetteError) as caught:
                async for _ in api.watch("/api/v1/secrets", selector="", since="1"):
                    pass
        return caught.value

    assert isinstance(asyncio.run(story()), Transient)


@pytest.mark.parametrize("said", [[], "Sign in.", 7])
@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_is_no_object_is_tried_again(status, said):
    assert isinstance(error_of(status, said), Transient)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"trusted": False}, "unable to get local issuer certificate"),
        ({"named": "elsewhere.example"}, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
    ],
    ids=["another-authority", "another-name"],
)
def test_a_certificate_that_is_not_accepted_is_told_with_the_reason(how, why):
    caught = error_of(200, {}, **how)
    assert isinstance(caught, Transient)
    assert str(caught).startswith("The Kubernetes API server can't be reached (its certificate isn't accepted: ")
    assert why.rstrip(".") in str(caught)
