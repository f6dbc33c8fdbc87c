"""One HTTPS server for everything: sign-in, Graph, the download host, the control API."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
import uuid
import weakref
from collections.abc import Sequence
from urllib.parse import quote

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from simulator import addresses, downloads, graph, hostile
from simulator.accounts import Grant
from simulator.answers import Places, Refusal, abort, as_json, graph_error, instead, send_content
from simulator.authorize import authorize
from simulator.content import CHUNK, Generated
from simulator.control import Control
from simulator.drive import Drive, Item
from simulator.faults import Fault, Request, merged
from simulator.rendering import media_type
from simulator.signin import SignInError
from simulator.world import World

_SIGN_IN = re.compile(
    r"^/(?P<tenant>[^/]+)(?:/(?:oauth2/)?v2\.0)?/"
    r"(?P<what>\.well-known/openid-configuration|discovery/instance|token|authorize|devicecode)$"
)
_SIGN_IN_KINDS = {
    ".well-known/openid-configuration": Request.DISCOVERY,
    "discovery/instance": Request.INSTANCE,
    "token": Request.TOKEN,
    "authorize": Request.AUTHORIZE,
    "devicecode": Request.DEVICE_CODE,
}
_LARGEST_BODY = 64 * 1024 * 1024
_AS_IT_IS = Fault(name="none")


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make a request whose body may be a document."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_BODY)


class Server:
    """Answers requests about a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._control = Control(world)
        self._runner: web.ServerRunner | None = None
        self._connections = weakref.WeakSet[asyncio.Transport]()

    async def start(self, listeners: Sequence[tuple[str, int, ssl.SSLContext]]) -> list[int]:
        """Listen at these hosts and ports; return the ports, also those that the system chose for 0."""
        self._runner = web.ServerRunner(
            # An answer that stands still ends when whoever asked for it has gone.
            web.Server(
                self._handle,
                request_factory=_request,
                handler_cancellation=True,
                access_log=None,
                keepalive_timeout=75,
            ),
            shutdown_timeout=1,
        )
        await self._runner.setup()
        ports = []
        for host, port, context in listeners:
            site = web.TCPSite(self._runner, host, port, ssl_context=context, backlog=1024)
            await site.start()
            ports.append(self._runner.addresses[-1][1])
        return ports

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        path, _, query = target.partition("?")
        if path == "/healthz":
            return web.Response(text="ok\n")
        if path.startswith("/control/"):
            return await self._control.handle(request, path)
        call = _Exchange(self._world, request, path, query)
        return await call.run(connects=self._is_first(request))

    def _is_first(self, request: web.BaseRequest) -> bool:
        """Say whether it is the first request of its connection."""
        transport = request.transport
        if transport is None or transport in self._connections:
            return False
        self._connections.add(transport)
        return True


class _Exchange:
    """One request from its arrival to its answer."""

    def __init__(self, world: World, request: web.BaseRequest, path: str, query: str) -> None:
        self._world = world
        self._request = request
        self._path = path
        self._query = query
        self._address: addresses.Address | None = None
        self._sign_in: re.Match[str] | None = None
        self.kind = self._classify()

    def _classify(self) -> Request:
        if self._path.startswith(downloads.PREFIX):
            return Request.DOWNLOAD
        self._sign_in = _SIGN_IN.match(self._path)
        if self._sign_in is not None:
            return _SIGN_IN_KINDS[self._sign_in["what"]]
        self._address = addresses.parse(self._path)
        return graph.kind_of(self._address) if self._address is not None else Request.OTHER

    async def run(self, *, connects: bool) -> web.StreamResponse:
        counters = self._world.counters
        headers = self._request.headers
        counters.arrived(
            self.kind,
            at=time.monotonic(),
            user_agent=headers.get("User-Agent"),
            with_token="token" in self._query or "token" in self._path,
            connects=connects,
        )
        record: dict[str, object] = {
            "kind": self.kind.value,
            "method": self._request.method,
            "target": self._request.raw_path,
        }
        counters.recent.append(record)
        status, retry_after = 499, None
        try:
            answer = await self._answer()
            if self._address is not None:
                answer.headers.setdefault("request-id", str(uuid.uuid4()))
            status, retry_after = answer.status, answer.headers.get("Retry-After")
            return answer
        finally:
            record["status"] = status
            counters.answered(self.kind, at=time.monotonic(), status=status, retry_after=retry_after)

    async def _answer(self) -> web.StreamResponse:
        try:
            if self.kind is Request.DOWNLOAD:
                return await self._download()
            if self._sign_in is not None:
                return await self._answer_sign_in(self._sign_in["tenant"])
            if self._address is not None:
                return await self._answer_graph(self._address)
        except Refusal as refusal:
            return graph_error(refusal.status, refusal.code, str(refusal), headers=refusal.headers)
        return graph_error(404, "UnknownError", "The simulator has nothing here.")

    async def _met(self, faults: list[Fault], drive: Drive | None = None) -> web.StreamResponse | None:
        """Let the faults act that come before an answer; return what they answer instead."""
        for fault in merged(faults):
            if fault.delay:
                await self._world.faults.delayed(fault)
            if fault.hostile is not None:
                await hostile.send(self._request, fault.hostile)
                return web.Response(status=444)
            if fault.abort:
                abort(self._request)
                return web.Response(status=444)
            answer = instead(fault, self._places(drive), sign_in=self._sign_in is not None)
            if answer is not None:
                return answer
        return None

    def _places(self, drive: Drive | None) -> Places:
        world = self._world
        return Places(
            origin=world.public_url,
            download_origin=world.download_url,
            target=self._request.raw_path,
            root=graph.root_link(world, drive) if drive is not None else "",
        )

    async def _answer_graph(self, address: addresses.Address) -> web.StreamResponse:
        world = self._world
        refusal: Refusal | None = None
        grant: Grant | None = None
        drive: Drive | None = None
        item: Item | None = None
        try:
            grant = graph.authorised(world, self._request.headers.get("Authorization"))
            drive = graph.drive_of(world, address, grant)
            item = graph.item_of(drive, address) if address.inside else None
        except Refusal as error:
            refusal = error
        names: tuple[str, ...] = ()
        if drive is not None and item is not None and world.faults.active:
            names = (item.path, drive.ids.of(item.number))
        faults = world.faults.of_request(self.kind, target=self._request.raw_path, item=names)
        if faults:
            answer = await self._met(faults, drive)
            if answer is not None:
                return answer
        if refusal is not None or grant is None or drive is None:
            raise refusal or Refusal(500, "generalException", "Unexpected.")
        call = graph.Call(
            address=address,
            target=self._request.raw_path,
            query=graph.parse_query(self._query),
            grant=grant,
            faults=tuple(faults),
            places=self._places(drive),
        )
        answered = graph.answer(world, drive, item, call)
        for fault in faults:
            answered.headers.update(fault.headers)
        if item is not None:
            self._edit(drive, item, faults)
        return answered

    def _edit(self, drive: Drive, item: Item, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.edit is not None:
                drive.edit(item, Generated(*fault.edit), at=self._world.now())

    async def _download(self) -> web.StreamResponse:
        world, request = self._world, self._request
        try:
            drive, item = downloads.opened(world, request.raw_path)
        except downloads.BadUrl as error:
            return web.Response(status=world.settings.expired_status, text=f"{error}\n")
        names = (item.path, drive.ids.of(item.number)) if world.faults.active else ()
        faults = world.faults.of_request(self.kind, target=self._request.raw_path, item=names)
        answer = await self._met(faults) if faults else None
        if answer is not None:
            return answer
        if "Authorization" in request.headers:
            world.counters.authorization_at_download += 1
            return web.Response(status=401, text="A pre-authenticated URL takes no Authorization.\n")
        if item.deleted or item.content is None:
            raise Refusal(404, "itemNotFound", "The resource could not be found.")
        try:
            return await self._send(drive, item, faults)
        finally:
            self._edit(drive, item, faults)

    async def _send(self, drive: Drive, item: Item, faults: list[Fault]) -> web.StreamResponse:
        content = item.content
        if content is None or "malware" in (item.facets or {}):
            headers = {"X-Virus-Infected": "EICAR"}
            raise Refusal(403, "malwareDetected/virusSuspicious", "Malware detected", headers=headers)
        fault = faults[0] if faults else _AS_IT_IS
        size = content.size
        headers = {
            "Content-Type": media_type(item.name),
            "ETag": f'"{drive.ids.guid(item.number)},{item.content_version}"',
            "Accept-Ranges": "bytes",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(item.name, safe='')}",
        }
        if fault.replace is not None:
            return web.Response(text=fault.replace, content_type="text/html")
        try:
            span = None if fault.ignore_range else downloads.span_of(self._request.headers.get("Range"), size)
        except downloads.Unsatisfiable:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
        start, stop, status = (span.start, span.stop, 206) if span is not None else (0, size, 200)
        if span is not None:
            headers["Content-Range"] = fault.content_range or f"bytes {start}-{stop - 1}/{size}"
        counters = self._world.counters
        if fault is _AS_IT_IS and stop - start <= CHUNK:
            counters.bytes_sent += stop - start
            return web.Response(body=content.read(start, stop), status=status, headers=headers)
        answer, sent = await send_content(
            self._request, content, start=start, stop=stop, status=status, headers=headers, fault=fault
        )
        counters.bytes_sent += sent
        return answer

    async def _answer_sign_in(self, tenant: str) -> web.StreamResponse:
        world, request = self._world, self._request
        faults = world.faults.of_request(self.kind, target=self._request.raw_path, item=())
        answer = await self._met(faults) if faults else None
        if answer is not None:
            return answer
        query = graph.parse_query(self._query)
        match self.kind:
            case Request.DISCOVERY:
                return self._discovery(tenant)
            case Request.INSTANCE:
                link = f"{world.public_url}/common/v2.0/.well-known/openid-configuration"
                return as_json({"tenant_discovery_endpoint": link, "api-version": "1.1", "metadata": []})
            case Request.AUTHORIZE:
                form = graph.parse_query((await request.read()).decode()) if request.method == "POST" else {}
                return authorize(world, {**query, **form})
        form = graph.parse_query((await request.read()).decode())
        try:
            return self._give(tenant, form)
        except SignInError as error:
            return as_json(error.to_dict(), status=error.status)

    def _discovery(self, tenant: str) -> web.Response:
        world = self._world
        if not world.sign_in.known_tenant(tenant):
            return as_json(SignInError("invalid_tenant", 90002, f"Tenant '{tenant}' not found.").to_dict(), status=400)
        base = f"{world.public_url}/{tenant}"
        own = "{tenantid}" if tenant in {"common", "organizations"} else tenant
        return as_json(
            {
                "issuer": f"{world.public_url}/{own}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "form_post"],
            }
        )

    def _give(self, tenant: str, form: dict[str, str]) -> web.Response:
        world = self._world
        if self.kind is Request.DEVICE_CODE:
            application = world.applications.get(form.get("client_id", ""))
            if application is None:
                raise SignInError("unauthorized_client", 700016, "Application was not found in the directory.")
            page = f"{world.public_url}/device"
            interval = world.settings.device_interval
            return as_json(
                world.sign_in.give_device_code(application, form.get("scope", ""), page=page, interval=interval)
            )
        endpoint = f"{world.public_url}/{tenant}/oauth2/v2.0/token"
        world.sign_in.token_seconds = world.settings.token_seconds
        world.sign_in.refresh_seconds = world.settings.refresh_seconds
        world.sign_in.bare_scopes = world.settings.bare_scopes
        origin = self._request.headers.get("Origin", "")
        return as_json(world.sign_in.token(tenant, form, endpoint=endpoint, origin=origin))
