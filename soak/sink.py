"""A program that is told of documents, badly: it fails now and then, and hears things twice."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: So many of a hundred events are refused for now, and after so many the connection breaks off without an answer.
_PUT_OFF, _BROKEN_OFF = 3, 2


class Sink:
    """Hears of documents.

    Args:
        is_collected: whether a document has its record.

    Attributes:
        heard: ids of the documents that it answered for. early: those that it heard of before they were collected.
    """

    def __init__(self, is_collected: Callable[[str], bool], chance: random.Random) -> None:
        self.heard: set[str] = set()
        self.early: set[str] = set()
        self.url = ""
        self._is_collected = is_collected
        self._chance = chance
        self._lock = threading.Lock()

    def hear(self, body: bytes) -> int | None:
        """Return the status to answer an event with; None: none at all."""
        document = str(json.loads(body)["id"])
        collected = self._is_collected(document)
        with self._lock:
            if not collected:
                self.early.add(document)
            luck = self._chance.randrange(100)
            if luck < _PUT_OFF:
                return 503
            if luck < _PUT_OFF + _BROKEN_OFF:
                return None
            self.heard.add(document)
            return 202


@contextmanager
def listening(is_collected: Callable[[str], bool], chance: random.Random) -> Iterator[Sink]:
    """Yield a sink of this machine."""
    sink = Sink(is_collected, chance)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = sink.hear(self.rfile.read(int(self.headers["Content-Length"])))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Whoever is killed hangs up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        sink.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield sink
        finally:
            server.shutdown()
