"""The ways to an API server that a kubeconfig may name: our own requests go them, and so do kopf's."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import aiohttp
import trustme
from aiohttp import web

from bannette.controller.access import Access
from bannette.controller.api import KubernetesApi

PATH = "/api/v1/namespaces"


async def answered(server: str, way: dict[str, Any], trust: ssl.SSLContext) -> tuple[object, object]:
    """Return what our own request and one of kopf's session get from *server*."""

    async def authorization() -> None:
        return None

    api = KubernetesApi(Access(server, trust, authorization, way))
    try:
        own = await api.get(PATH)
        async with await api.session(aiohttp.ClientResponse) as session, session.get(server + PATH) as response:
            return own, await response.json()
    finally:
        await api.close()


def asked(server: str, way: dict[str, Any], *, named: str | None = None) -> tuple[object, object]:
    """Return what both get when *server* and *way* are of a server that tells what it was asked.

    Args:
        named: whom its certificate is for; None: it speaks HTTP.
    """

    async def serve(request: web.BaseRequest) -> web.Response:
        return web.json_response({"host": request.headers["Host"], "path": request.path})

    async def story() -> tuple[object, object]:
        trust, own = ssl.create_default_context(), None
        if named is not None:
            authority, own = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert(named).configure_cert(own)
            authority.configure_trust(trust)
        runner = web.ServerRunner(web.Server(serve))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own).start()
        here = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            there = server.format(here=here)
            return await answered(there, {name: text.format(here=here) for name, text in way.items()}, trust)
        finally:
            await runner.cleanup()

    return asyncio.run(story())


def test_a_server_whose_certificate_is_for_another_name_is_asked_by_that_name() -> None:
    way = {"server_hostname": "kubernetes.example"}
    own, kopfs = asked("https://{here}", way, named="kubernetes.example")
    assert own == kopfs
    assert PATH in str(own)


def test_a_server_behind_a_proxy_is_asked_through_it() -> None:
    told = {"host": "kubernetes.example", "path": PATH}
    assert asked("http://kubernetes.example", {"proxy": "http://{here}"}) == (told, told)


def test_a_server_is_asked_below_its_path() -> None:
    own, kopfs = asked("http://{here}/k8s/clusters/c-1", {})
    assert own == kopfs
    assert f"/k8s/clusters/c-1{PATH}" in str(own)
