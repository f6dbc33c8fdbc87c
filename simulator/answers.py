"""Answers over HTTP: JSON, Graph's errors, and what faults make of an answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from simulator.content import CHUNK, Content
from simulator.faults import Fault

_garbled = itertools.count()


class Refusal(Exception):
    """An error that is answered in Graph's words."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def as_json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    try:
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a fault put there.
        raw = json.dumps(body, separators=(",", ":")).encode()
    return web.Response(
        body=raw,
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def graph_error(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error as Graph words it; the most specific code is inside when there is one."""
    inner: dict[str, object] = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()),
        "request-id": str(uuid.uuid4()),
        "client-request-id": str(uuid.uuid4()),
    }
    outer, _, specific = code.partition("/")
    if specific:
        inner["code"] = specific
    return as_json({"error": {"code": outer, "message": message, "innerError": inner}}, status=status, headers=headers)


def sign_in_error(status: int, error: str, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an error of the token endpoint from ``error`` or ``error/number``."""
    word, _, number = error.partition("/")
    body: dict[str, object] = {
        "error": word,
        "error_description": f"AADSTS{number or '90033'}: Simulated. Trace ID: {uuid.uuid4()}",
        "error_codes": [int(number or "90033")],
    }
    return as_json(body, status=status, headers=headers)


class Places:
    """What the words in braces in a fault's texts stand for."""

    def __init__(self, *, origin: str, download_origin: str, target: str, root: str) -> None:
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        self._values = {
            "{origin}": origin,
            "{url}": origin + target,
            "{download}": download_origin + target,
            "{root}": root,
            "{fresh}": f"{root}/delta?token=" if root else "",
            "{soon}": soon,
            "{new}": secrets.token_hex(17),
        }

    def fill(self, text: str) -> str:
        for name, value in self._values.items():
            text = text.replace(name, value)
        return text


def instead(fault: Fault, places: Places, *, sign_in: bool) -> web.Response | None:
    """Return what a fault answers in place of the answer, None if it lets the answer be made."""
    if fault.status is None:
        return None
    headers = {name: places.fill(value) for name, value in fault.headers.items()}
    if fault.code is not None:
        if sign_in:
            return sign_in_error(fault.status, fault.code, headers=headers)
        return graph_error(fault.status, fault.code, "Simulated fault.", headers=headers)
    content_type = headers.pop("Content-Type", "text/html")
    body = places.fill(fault.body) if fault.body is not None else ""
    return web.Response(text=body, status=fault.status, headers=headers, content_type=content_type)


async def send_content(
    request: web.BaseRequest,
    content: Content,
    *,
    start: int,
    stop: int,
    status: int,
    headers: dict[str, str],
    fault: Fault,
) -> tuple[web.StreamResponse, int]:
    """Send bytes of a content as *fault* says (one without effects: as they are); return how many were sent."""
    headers["Connection"] = "close" if fault.cut_at is not None else "keep-alive"
    answer = web.StreamResponse(status=status, headers=headers)
    if fault.gzip:
        answer.enable_compression(web.ContentCoding.gzip)
    elif fault.chunked:
        answer.enable_chunked_encoding()
    else:
        answer.content_length = stop - start
    await answer.prepare(request)
    sent = 0
    end = stop if fault.cut_at is None else min(stop, start + fault.cut_at)
    step = CHUNK if fault.bytes_per_second is None else max(1, fault.bytes_per_second // 10)
    while start < end:
        part = content.read(start, min(start + step, end))
        if fault.garble and sent == 0:
            part = bytes([(part[0] + 1 + next(_garbled) % 255) % 256]) + part[1:]
        try:
            await answer.write(part)
        except ConnectionResetError:
            # Whoever asked has gone.
            break
        start += len(part)
        sent += len(part)
        if fault.bytes_per_second is not None:
            await asyncio.sleep(len(part) / fault.bytes_per_second)
    if start < end:
        return answer, sent
    if end < stop:
        await asyncio.sleep(fault.stall or 0.05)
        abort(request)
        return answer, sent
    with suppress(ConnectionResetError):
        await answer.write_eof()
    return answer, sent


def abort(request: web.BaseRequest) -> None:
    """Close the connection under the answer, as a broken network does."""
    if request.transport is not None:
        request.transport.abort()
