"""The Kubernetes API by plain dictionaries: model objects cost three seconds of CPU per thousand channels."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from bannette.controller.access import Access
from bannette.controller.names import MANAGER
from bannette.errors import BannetteError, PersonNeeded, Transient

Manifest = dict[str, object]
Seen = Callable[[str, str, int], None]

CHUNK: Final = 200
_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, sock_connect=10)
# Bookmarks come once a minute; a stream that is silent for longer is dead.
_WATCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=90)
_WATCH_SECONDS: Final = 600
_JSON: Final = "application/json"
# https://pkg.go.dev/k8s.io/apimachinery/pkg/apis/meta/v1#StatusReason, of answers that are refusals
_REASONS: Final = frozenset(
    {
        "AlreadyExists",
        "BadRequest",
        "Conflict",
        "Forbidden",
        "Invalid",
        "MethodNotAllowed",
        "NotAcceptable",
        "NotFound",
        "RequestEntityTooLarge",
        "Unauthorized",
        "UnsupportedMediaType",
    }
)
_WRITTEN: Final = urlencode({"fieldManager": MANAGER})
_APPLIED: Final = urlencode({"fieldManager": MANAGER, "force": "true"})
# No object has it: etcd's own count begins there.
_NO_VERSION: Final = "1"
# As kubectl asks for: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
_TABLE: Final = "application/json;as=Table;g=meta.k8s.io;v=v1"


class Conflict(BannetteError):
    """The object isn't what it was when it was read, or exists already: read it again, and decide again."""


class Gone(BannetteError):
    """The version to watch from is too old: list again."""


class Refused(PersonNeeded):
    """The API server refuses a request: rights, quota, admission, or an object that it doesn't understand."""


class NamespaceTerminating(BannetteError):
    """Nothing can be made there any more."""


class KubernetesApi:
    """One connection pool to one API server.

    Args:
        seen: told of each answer: method, path, and status; 0 when there was none. Of a stream also of each piece.
    """

    def __init__(self, access: Access, *, seen: Seen = lambda method, path, code: None) -> None:
        self.server = access.server
        self._access = access
        self._seen = seen
        self._session = aiohttp.ClientSession(connector=self._connector(), trust_env=False, read_bufsize=2**21)

    async def close(self) -> None:
        await self._session.close()

    async def session(self, response_class: type[aiohttp.ClientResponse]) -> aiohttp.ClientSession:
        """Return a new session with the present credentials, for a library that has its own way to refresh them."""
        return aiohttp.ClientSession(
            connector=self._connector(),
            headers=await self._headers(),
            middlewares=(self._go_the_way,),
            response_class=response_class,
            trust_env=False,
        )

    async def _go_the_way(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # A session knows nothing of these; our own requests name them one by one.
        way = self._access.way
        request.server_hostname = way.get("server_hostname", request.server_hostname)
        if "proxy" in way:
            request.update_proxy(URL(way["proxy"]), None, way.get("proxy_headers"))
        return await handler(request)

    def _connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(limit=0, ssl=self._access.tls)

    async def get(self, path: str) -> Manifest | None:
        """Return one object; None if it doesn't exist."""
        try:
            return await self._json("GET", path)
        except _NotFound:
            return None

    async def pages(self, path: str, *, selector: str) -> AsyncIterator[tuple[list[Manifest], str]]:
        """Yield all objects that have these labels, chunk by chunk, each with the version to watch from."""
        async for page in self._pages(path, {"labelSelector": selector}, accept=_JSON):
            metadata = cast("dict[str, str]", page.get("metadata") or {})
            yield cast("list[Manifest] | None", page.get("items")) or [], metadata.get("resourceVersion", "0")

    async def names(self, path: str) -> frozenset[str]:
        """Return the names of all objects, whatever their labels."""
        names = set[str]()
        async for page in self._pages(path, {"includeObject": "None"}, accept=_TABLE):
            columns = [column["name"] for column in cast("list[dict[str, str]]", page["columnDefinitions"])]
            at = columns.index("Name")
            names |= {str(row["cells"][at]) for row in cast("list[dict[str, list[object]]]", page.get("rows") or [])}
        return frozenset(names)

    async def _pages(self, path: str, query: Mapping[str, str], *, accept: str) -> AsyncIterator[Manifest]:
        asked = {**query, "limit": str(CHUNK)}
        while True:
            page = await self._json("GET", path, query=urlencode(asked), accept=accept)
            yield page
            metadata = cast("dict[str, str]", page.get("metadata") or {})
            if not metadata.get("continue"):
                return
            asked["continue"] = metadata["continue"]

    async def version(self, path: str) -> str:
        """Return the version that a collection has now."""
        page = await self._json("GET", path, query="limit=1")
        return cast("dict[str, str]", page.get("metadata") or {}).get("resourceVersion", "")

    async def list(self, path: str, *, selector: str) -> list[Manifest]:
        """Return all objects that have these labels."""
        return [item async for items, _ in self.pages(path, selector=selector) for item in items]

    async def watch(self, path: str, *, selector: str, since: str) -> AsyncIterator[tuple[str, Manifest]]:
        """Yield (ADDED, MODIFIED, DELETED or BOOKMARK, object) until the server ends the stream.

        Raises:
            Gone: *since* is too old.
        """
        query = urlencode(
            {
                "labelSelector": selector,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "resourceVersion": since,
                "timeoutSeconds": str(_WATCH_SECONDS),
            }
        )
        response = await self._request("GET", path, query=query, timeout=_WATCH_TIMEOUT)
        try:
            async for line in lines(response.content):
                self._seen("WATCH", path, response.status)
                event = _object(line)
                if "type" not in event or not isinstance(event.get("object"), dict):
                    raise _no_answer()
                if event["type"] == "ERROR":
                    if event["object"].get("code") == 410:
                        raise Gone("The version to watch from is too old.", reason="Gone")
                    raise Transient(f"The watch ended: {event['object'].get('reason')}", reason="WatchEnded")
                yield event["type"], event["object"]
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error
        finally:
            response.close()

    async def apply(self, path: str, manifest: Mapping[str, object], *, uid: str | None) -> Manifest:
        """Make the object with that uid have these fields, whoever else set them; without one, make it.

        It is a server-side apply in either case: what a POST makes has a second manager, whom a field that is dropped
        from the manifest later would still belong to.

        Raises:
            Conflict: there is no such object, or another one of its name; or one, where there should be none.

        Source: https://github.com/fabric8io/kubernetes-client/discussions/5984, of the version that no object has.
        """
        metadata = cast("Manifest", manifest["metadata"])
        only_if: Manifest = {"resourceVersion": _NO_VERSION} if uid is None else {"uid": uid}
        body = {**manifest, "metadata": metadata | only_if}
        return await self._json("PATCH", path, query=_APPLIED, body=body, content_type="application/apply-patch+yaml")

    async def create(self, path: str, manifest: Mapping[str, object]) -> Manifest:
        """Create an object. *path* is the collection's.

        Raises:
            Conflict: one of that name exists.
        """
        return await self._json("POST", path, query=_WRITTEN, body=manifest)

    async def merge(self, path: str, patch: Mapping[str, object]) -> Manifest | None:
        """Merge *patch* into an object and return it; None if it doesn't exist (any more).

        Raises:
            Conflict: the patch names a metadata.uid or metadata.resourceVersion that isn't the object's.
        """
        try:
            return await self._json(
                "PATCH", path, query=_WRITTEN, body=patch, content_type="application/merge-patch+json"
            )
        except _NotFound:
            return None

    async def replace(self, path: str, manifest: Mapping[str, object]) -> Manifest:
        """Replace an object of the version that *manifest* names.

        Raises:
            Conflict: it has another version.
        """
        return await self._json("PUT", path, body=manifest)

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete the object with that uid, and in the background what it owns; it may be gone already."""
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._json("DELETE", path, body=body)
        except (_NotFound, Conflict):
            return

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: Mapping[str, object] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Manifest:
        response = await self._request(method, path, query=query, body=body, content_type=content_type, accept=accept)
        try:
            return _object(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(error) from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: Mapping[str, object] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        timeout: aiohttp.ClientTimeout = _TIMEOUT,  # noqa: ASYNC109 - it is aiohttp's own
    ) -> aiohttp.ClientResponse:
        # Names have nothing to quote, and queries are quoted: yarl needn't look.
        url = URL(f"{self.server}{path}?{query}" if query else f"{self.server}{path}", encoded=True)
        headers = {**await self._headers(), "Accept": accept, "Content-Type": content_type}
        data = None if body is None else orjson.dumps(body)
        try:
            response = await self._session.request(
                method, url, headers=headers, data=data, timeout=timeout, **self._access.way
            )
            self._seen(method, path, response.status)
            if response.status < 400:
                return response
            text = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._seen(method, path, 0)
            raise _unreachable(error) from error
        raise _error(response, text)

    async def _headers(self) -> dict[str, str]:
        authorization = await self._access.authorization()
        # Compressing costs both sides more than the bytes on a cluster's own network.
        plain = {"User-Agent": "bannette", "Accept-Encoding": "identity"}
        return {"Authorization": authorization, **plain} if authorization else plain


class _NotFound(BannetteError):
    pass


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a stream as they come, without their ends; not empty ones, nor a last one that has no end."""
    # Not readline(): it refuses lines beyond its buffer, and an object may have 1.5 MB.
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if line:
                yield line


def _unreachable(error: Exception) -> Transient:
    why = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = f"its certificate isn't accepted: {getattr(error.certificate_error, 'verify_message', why)}"
    return Transient(f"The Kubernetes API server can't be reached ({why}).", reason="ApiUnavailable")


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except ValueError as error:
        raise _no_answer() from error
    if not isinstance(found, dict):
        raise _no_answer()
    return found


def _no_answer() -> Transient:
    return Transient(
        "Something between the operator and the Kubernetes API server answers in its place, and not as it does.",
        reason="ApiUnavailable",
    )


def _error(response: aiohttp.ClientResponse, text: bytes) -> BannetteError:
    try:
        status = _object(text)
    except Transient:
        status = {}
    message = str(status.get("message") or response.reason)
    causes = (status.get("details") or {}).get("causes") or ()
    is_terminating = any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    if response.status == 404 and not is_terminating:
        return _NotFound(message, reason="NotFound")
    if is_terminating:
        return NamespaceTerminating(message, reason="NamespaceTerminating")
    if response.status == 410:
        return Gone(message, reason="Gone")
    if response.status == 409:
        return Conflict(message, reason=_reason(status, "Conflict"))
    if response.status == 422 and any(cause.get("field") == "metadata.uid" for cause in causes):
        # Of a patch that names a uid the API server thinks that it wants to change it.
        return Conflict(message, reason="Conflict")
    if response.status == 429 or response.status >= 500:
        waits = response.headers.get("Retry-After", "")
        return Transient(
            f"The Kubernetes API server answered {response.status}: {message}",
            reason="ApiUnavailable",
            retry_after=float(waits) if waits.isdecimal() else None,
        )
    return Refused(message, reason=_reason(status, "Refused"))


def _reason(status: Mapping[str, Any], otherwise: str) -> str:
    # A webhook may say anything, and each reason is a series of a metric.
    reason = status.get("reason")
    return reason if isinstance(reason, str) and reason in _REASONS else otherwise
