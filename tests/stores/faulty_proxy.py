"""Stands between Bannette and a real store, and does what networks and stores do on bad days."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, quote, urlsplit

from tests.stores.services import S3_KEY, S3_SECRET

_OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}


@dataclass(frozen=True)
class Request:
    """What the proxy was asked; *number* counts from 1."""

    number: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @property
    def creates(self) -> bool:
        return self.headers.get("if-none-match") == "*"

    @property
    def key(self) -> str:
        """Without the bucket."""
        return self.path.removeprefix("/").partition("/")[2]


class Fault(Enum):
    DROP = auto()  # the connection ends before the store hears of the request
    DROP_ANSWER = auto()  # the store does it, and the connection ends before the answer
    FAIL_AFTER = auto()  # the store does it, and the answer is 500
    STALL = auto()  # nothing comes until the proxy ends
    UNCONDITIONAL = auto()  # the store never sees If-None-Match


@dataclass(frozen=True)
class Answer:
    """What is said in place of the store."""

    status: int
    code: str = "Fault"


Decide = Callable[[Request], Fault | Answer | None]


class FaultyProxy:
    """Forwards to the service at *upstream*, but for what ``fault`` says of a request.

    Attributes:
        requests: all that were made.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.fault: Decide = lambda request: None
        self.requests: list[Request] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                    if self.raw_requestline and self.parse_request():
                        proxy._handle(self)
                    else:
                        self.close_connection = True
                except OSError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultyProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        path, _, query = handler.path.partition("?")
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            request = Request(len(self.requests) + 1, handler.command, path, query, headers)
            self.requests.append(request)
        match self.fault(request):
            case Fault.DROP:
                _drop(handler)
            case Fault.STALL:
                self._ended.wait()
                _drop(handler)
            case Answer(status=status, code=code):
                _answer(handler, status, _error(code))
            case Fault.DROP_ANSWER:
                self._forward(request, body)
                _drop(handler)
            case Fault.FAIL_AFTER:
                self._forward(request, body)
                _answer(handler, 500, _error("InternalError"))
            case Fault.UNCONDITIONAL:
                kept = {name: value for name, value in headers.items() if name != "if-none-match"}
                stripped = Request(request.number, request.method, path, query, _signed(request, kept))
                self._relay(handler, stripped, body)
            case _:
                self._relay(handler, request, body)

    def _relay(self, handler: BaseHTTPRequestHandler, request: Request, body: bytes) -> None:
        status, headers, answer = self._forward(request, body)
        handler.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_A_CONNECTION:
                handler.send_header(name, value)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(answer)))
        if status != 204:
            handler.send_header("Content-Length", length if request.method == "HEAD" else str(len(answer)))
        handler.end_headers()
        if request.method != "HEAD":
            handler.wfile.write(answer)

    def _forward(self, request: Request, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            target = f"{request.path}?{request.query}" if request.query else request.path
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in _OF_A_CONNECTION:
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def _drop(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response_only(status)
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def _error(code: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>-</Message></Error>'.encode()


def _signed(request: Request, headers: Mapping[str, str]) -> dict[str, str]:
    """*headers* with a signature for them alone.

    Source: AWS, Signature Version 4.
    """
    names = sorted(name for name in headers if name in ("host", "range") or name.startswith("x-amz-"))
    stamp, day = headers["x-amz-date"], headers["x-amz-date"][:8]
    pairs = sorted((quote(a, safe="-_.~"), quote(b, safe="-_.~")) for a, b in parse_qsl(request.query, True))
    canonical = "\n".join(
        [
            request.method,
            request.path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{headers[name].strip()}" for name in names),
            "",
            ";".join(names),
            headers["x-amz-content-sha256"],
        ]
    )
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{S3_SECRET}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    given = f"Credential={S3_KEY}/{scope}, SignedHeaders={';'.join(names)}, Signature={key.hex()}"
    return {**headers, "authorization": f"AWS4-HMAC-SHA256 {given}"}
