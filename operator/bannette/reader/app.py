"""The reader over HTTP: JSON, and the bytes of files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from bannette.binder import NotFound, Record, Store
from bannette.binder.layout import document_of_file, is_id
from bannette.binder.text_index import BEGIN, END, Hit
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.reader.catalogue import Catalogue
from bannette.reader.files import Served, disposition, media_type_of, requested_part
from bannette.reader.questions import BadQuestion, about_documents, about_runs

# In characters; a page shows no more, and the file has the rest.
_LONGEST_TEXT: Final = 200_000
_LONGEST_NAME: Final = 1000
_MOST_FILES: Final = 50
_STATUS: Final[Mapping[str, int]] = {"NoSuchDocument": 404, "AmbiguousId": 404, "NoSuchFile": 404}


class Reader:
    """Turns requests into questions to the catalogue, and its answers into HTTP."""

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue = catalogue
        self._store = store

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/documents", self._documents, methods=["GET"]),
                Route("/documents/{id}", self._document, methods=["GET"]),
                Route("/documents/{id}/files/{role}", self._file, methods=["GET"]),
                Route("/documents/{id}/done", self._done, methods=["POST"]),
                Route("/documents/{id}/undone", self._undone, methods=["POST"]),
                Route("/channels", self._channels, methods=["GET"]),
                Route("/runs", self._runs, methods=["GET"]),
                Route("/healthz", _healthy, methods=["GET"]),
            ],
            exception_handlers={BannetteError: _failed, BadQuestion: _refused, NotFound: _gone},  # type: ignore[dict-item]
        )

    async def _documents(self, request: Request) -> Response:
        about = about_documents(request.query_params)
        page = await run_in_threadpool(self._catalogue.page, about)
        return JSONResponse(
            {
                "documents": [_listed(hit) for hit in page.hits],
                "cursor": page.cursor,
                "waiting": page.waiting,
                "indexed": page.indexed,
                "total": page.total,
            }
        )

    async def _document(self, request: Request) -> Response:
        return await run_in_threadpool(self._shown, _id(request))

    def _shown(self, document: str) -> Response:
        record, waiting = self._catalogue.document(document)
        text = self._catalogue.text(record)
        return JSONResponse(
            {
                **_told(record, waiting=waiting),
                "text": text and text[:_LONGEST_TEXT],
                "textCut": len(text or "") > _LONGEST_TEXT,
            }
        )

    async def _file(self, request: Request) -> Response:
        known = request.method == "HEAD"
        role, headers = request.path_params["role"], request.headers
        return await run_in_threadpool(lambda: self._served(_id(request), role, headers, known_only=known))

    def _served(self, document: str, role: str, headers: Mapping[str, str], *, known_only: bool) -> Response:
        """Return a file, or with *known_only* what would be said of it; that reads none of it."""
        record, _ = self._catalogue.document(document)
        key = record.files.get(role)
        # What stands in a record isn't ours to trust: no other object is served by it.
        meta = self._store.head(key) if key is not None and document_of_file(key) is not None else None
        if key is None or meta is None:
            raise PersonNeeded(f"The document has no file {role!r}, or no more.", reason="NoSuchFile")
        tag = f'"{meta.size:x}-{meta.modified_at.timestamp():.6f}"'
        served = requested_part(headers, size=meta.size, tag=tag, parts=not known_only)
        said = {
            "Accept-Ranges": "bytes",
            "ETag": served.tag,
            "Content-Disposition": disposition(record, role, key),
            **({"Content-Range": served.range} if served.range else {}),
        }
        if not served.has_body:
            return Response(status_code=served.status, headers=said)
        said["Content-Length"] = str(served.end - served.start)
        kind = media_type_of(record, role)
        if known_only:
            return Response(status_code=served.status, headers=said, media_type=kind)
        return StreamingResponse(self._pieces(key, served), served.status, headers=said, media_type=kind)

    def _pieces(self, key: str, served: Served) -> Iterator[bytes]:
        if served.end > served.start:
            yield from self._store.pieces(key, start=served.start, end=served.end)

    async def _done(self, request: Request) -> Response:
        return await self._mark(request, waiting=False)

    async def _undone(self, request: Request) -> Response:
        return await self._mark(request, waiting=True)

    async def _mark(self, request: Request, *, waiting: bool) -> Response:
        record = await run_in_threadpool(lambda: self._catalogue.mark(_id(request), waiting=waiting))
        return JSONResponse(_told(record, waiting=waiting))

    async def _channels(self, request: Request) -> Response:
        return JSONResponse({"channels": await run_in_threadpool(self._catalogue.channels)})

    async def _runs(self, request: Request) -> Response:
        page = await run_in_threadpool(self._catalogue.runs, about_runs(request.query_params))
        return JSONResponse({"runs": page.runs, "cursor": page.cursor})


def _id(request: Request) -> str:
    document = str(request.path_params["id"])
    if not is_id(document):
        raise PersonNeeded("The id of a document has 32 hexadecimal digits.", reason="NoSuchDocument")
    return document


def _listed(hit: Hit) -> dict[str, object]:
    return {**_told(hit.record, waiting=hit.waiting), "excerpt": _parts(hit.excerpt)}


def _told(record: Record, *, waiting: bool) -> dict[str, object]:
    """Return what of a record is told: not where its files lie, but which there are."""
    members = record.to_dict()
    for untold in ("schema", "drive", "item", "run", "files"):
        del members[untold]
    # Longer than any that OneDrive gives: a page of forged ones would be too much for whoever asks.
    for long in ("name", "folder", "recipient", "mediaType"):
        members[long] = str(members[long])[:_LONGEST_NAME]
    return {**members, "files": sorted(record.files)[:_MOST_FILES], "waiting": waiting}


def _parts(excerpt: str) -> list[list[object]]:
    """Return *excerpt* in parts, each with whether it is what was searched for."""
    found: list[list[object]] = []
    for number, part in enumerate(excerpt.replace(END, BEGIN).split(BEGIN)):
        if part:
            found.append([part, number % 2 == 1])
    return found


async def _failed(request: Request, error: BannetteError) -> Response:
    status = 503 if isinstance(error, Transient) else _STATUS.get(error.reason, 409)
    return JSONResponse({"reason": error.reason, "message": str(error)}, status_code=status)


async def _refused(request: Request, error: BadQuestion) -> Response:
    return JSONResponse({"reason": "BadQuestion", "message": f"{error}."}, status_code=400)


async def _gone(request: Request, error: NotFound) -> Response:
    return JSONResponse({"reason": "NoSuchFile", "message": "The file is gone."}, status_code=404)


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("alive\n")
