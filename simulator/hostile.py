"""Answers that no honest service gives: without end, far too large, far too slow. Written below HTTP's library."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from enum import StrEnum

from aiohttp import web

_MUCH = 256 * 1024
_HUGE = 500_000_000
_BOMB = 4_000_000_000
_CLAIMED = 10 * 1024**3
_DEEP = 2_000_000
_PAUSE = 0.05


class Hostile(StrEnum):
    """What is wrong with an answer."""

    HUGE = "huge"
    """A JSON object of 500 MB."""
    DENSE = "dense"
    """The largest number of JSON objects in few bytes, without end."""
    BOMB = "bomb"
    """4 GB of JSON in 4 MB of gzip."""
    DEEP = "deep"
    """A million JSON lists, each in the one before."""
    DRIP = "drip"
    """JSON, a byte now and then, without end."""
    HEADERS = "headers"
    """Headers without end."""
    HEADER_DRIP = "headerDrip"
    """One header, a byte now and then, without end."""
    CLAIMED = "claimed"
    """10 GB by Content-Length, of which little comes."""
    ENDLESS = "endless"
    """10 GB by Content-Length, all of which comes."""


async def send(request: web.BaseRequest, kind: Hostile) -> None:
    """Send such an answer, until the client has enough of it, and close the connection."""
    transport = request.transport
    if transport is None or not isinstance(transport, asyncio.Transport):
        return
    slow = kind in (Hostile.DRIP, Hostile.HEADER_DRIP)
    try:
        for piece in _pieces(kind):
            await _drained(transport, _MUCH)
            if transport.is_closing():
                return
            transport.write(piece)
            await asyncio.sleep(_PAUSE if slow else 0)
        await _drained(transport, 0)
    finally:
        transport.abort()


async def _drained(transport: asyncio.Transport, most: int) -> None:
    # A transport tells its protocol alone, which is the library's.
    while not transport.is_closing() and transport.get_write_buffer_size() > most:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def _pieces(kind: Hostile) -> Iterator[bytes]:
    match kind:
        case Hostile.HUGE:
            yield _head("Transfer-Encoding: chunked")
            yield _chunk(b'{"value":[')
            item = b'{"id":"01HUGE","name":"%s","file":{}},' % (b"x" * 200)
            many = item * (_MUCH // len(item))
            for _ in range(_HUGE // len(many)):
                yield _chunk(many)
            yield _chunk(item[:-1] + b'],"@odata.deltaLink":"https://localhost/"}') + _chunk(b"")
        case Hostile.DENSE:
            yield _head("Transfer-Encoding: chunked")
            yield _chunk(b'{"value":[{}')
            while True:
                yield _chunk(b",{}" * (_MUCH // 3))
        case Hostile.BOMB:
            yield _head("Transfer-Encoding: chunked", "Content-Encoding: gzip")
            pack = zlib.compressobj(9, zlib.DEFLATED, 31)
            yield _chunk(pack.compress(b'{"value":[') + pack.flush(zlib.Z_SYNC_FLUSH))
            blanks = b" " * (4 * 1024 * 1024)
            for _ in range(_BOMB // len(blanks)):
                yield _chunk(pack.compress(blanks) + pack.flush(zlib.Z_SYNC_FLUSH))
            yield _chunk(pack.compress(b"]}") + pack.flush()) + _chunk(b"")
        case Hostile.DEEP:
            yield _head(f"Content-Length: {10 + _DEEP}") + b'{"value":' + b"[" * (_DEEP // 2) + b"]" * (_DEEP // 2)
            yield b"}"
        case Hostile.DRIP:
            yield _head("Transfer-Encoding: chunked") + _chunk(b'{"value":[')
            while True:
                yield _chunk(b" ")
        case Hostile.HEADERS:
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            while True:
                yield b"X-Flood: %s\r\n" % (b"x" * 1000) * 100
        case Hostile.HEADER_DRIP:
            yield b"HTTP/1.1 200 OK\r\nX-Drip: "
            while True:
                yield b"x"
        case Hostile.CLAIMED:
            yield _head(f"Content-Length: {_CLAIMED}") + b'{"value":[' + b" " * 1000
        case Hostile.ENDLESS:
            yield _head(f"Content-Length: {_CLAIMED}")
            for _ in range(_CLAIMED // _MUCH):
                yield b" " * _MUCH


def _head(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *headers, "", ""]).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
