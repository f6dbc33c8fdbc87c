"""Receives the answer of Microsoft's sign-in page: the browser brings it to a port of this machine, once."""

from __future__ import annotations

import hmac
import html
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final
from urllib.parse import parse_qs, urlsplit

_LARGEST: Final = 64 * 1024
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_RECEIVED: Final = "Microsoft's answer has arrived. You can close this window: the terminal says how it ended."
_NOT_OURS: Final = "This isn't the answer that is waited for. Begin again in the terminal."


class _Server(ThreadingHTTPServer):
    """A thread for each connection: browsers open some in advance, on which nothing comes."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a browser that hangs up is no matter for the terminal."""


class Loopback:
    """Listens at a free port of the loopback address while the context is entered.

    Answers with another *state* than the expected one are refused, and waiting goes on.
    """

    def __init__(self) -> None:
        self._state = ""
        self._answer: dict[str, str] | None = None
        self._arrived = threading.Event()
        self._lock = threading.Lock()
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                self._receive(urlsplit(self.path).query)

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length) > _LARGEST:
                    self._say(400, _NOT_OURS)
                    return
                self._receive(self.rfile.read(int(length)).decode("utf-8", "replace"))

            def _receive(self, encoded: str) -> None:
                fields = {name: values[0] for name, values in parse_qs(encoded).items()}
                if urlsplit(self.path).path == "/" and loopback._take(fields):
                    self._say(200, _RECEIVED)
                else:
                    self._say(400, _NOT_OURS)

            def _say(self, status: int, text: str) -> None:
                body = f"<!doctype html><title>Bannette</title><p>{html.escape(text)}</p>".encode()
                self.send_response(status)
                for name, value in _HEADERS.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Nothing: the address may hold the code."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="loopback", daemon=True
        )

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the answer is to come: of a ``localhost`` URI Microsoft compares no port."""
        return f"http://localhost:{self._server.server_address[1]}"

    def expect(self, state: str) -> None:
        """Take the answer that has this *state*, and no other."""
        self._state = state

    def wait(self, seconds: float) -> Mapping[str, str] | None:
        """Return the answer; None if none has come within *seconds*."""
        self._arrived.wait(seconds)
        return self._answer

    def _take(self, fields: Mapping[str, str]) -> bool:
        with self._lock:
            known = bool(self._state) and hmac.compare_digest(fields.get("state", "").encode(), self._state.encode())
            if not known or self._answer is not None or not ({"code", "error"} & fields.keys()):
                return False
            self._answer = dict(fields)
        self._arrived.set()
        return True
