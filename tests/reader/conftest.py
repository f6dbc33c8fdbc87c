"""A reader in a process of its own, over a binder in a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
import requests

from bannette.binder import Binder, StorePath, open_store
from devcluster.processes import free_ports
from tests.binder.binder_documents import make_document, open_binder
from tests.collector.local_channel import BANNETTE

TOKEN = "a token of this test"
SECONDS = 60.0


@dataclass
class Served:
    """A running reader, as who has its token sees it."""

    url: str
    process: subprocess.Popen[bytes]
    session: requests.Session
    output: IO[bytes]

    def get(self, path: str, **options: object) -> requests.Response:
        return self.session.get(self.url + path, timeout=SECONDS, **options)  # type: ignore[arg-type]

    def head(self, path: str, **options: object) -> requests.Response:
        return self.session.head(self.url + path, timeout=SECONDS, **options)  # type: ignore[arg-type]

    def post(self, path: str) -> requests.Response:
        return self.session.post(self.url + path, timeout=SECONDS)

    def log(self) -> str:
        """What it has said so far."""
        self.output.seek(0)
        return self.output.read().decode()

    def listens(self) -> bool:
        """Wait until it listens; False: another process took its port meanwhile."""
        until = time.monotonic() + SECONDS
        while True:
            try:
                self.get("/healthz")
            except requests.ConnectionError:
                if self.process.poll() is not None:
                    assert "address already in use" in self.log(), self.log()
                    return False
                assert time.monotonic() < until, "the reader doesn't listen"
                time.sleep(0.02)
            else:
                return True

    def names(self, query: str = "") -> list[str]:
        """The names of the first page's documents, once all of the binder is indexed."""
        until = time.monotonic() + SECONDS
        while True:
            answer = self.get(f"/documents?{query}").json()
            if answer["indexed"] and answer["indexed"] == answer["total"]:
                return [one["name"] for one in answer["documents"]]
            assert time.monotonic() < until, f"not all is indexed: {answer['indexed']} of {answer['total']}"
            time.sleep(0.05)


def eventually(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until, f"in {SECONDS} s it doesn't come to pass that {what}"
        time.sleep(0.1)


@contextmanager
def serving(folder: Path, *options: str, token: str = TOKEN) -> Iterator[Served]:
    environment = {**os.environ, "BANNETTE_INBOX_READER": hashlib.sha256(token.encode()).hexdigest()}
    command = [BANNETTE, "inbox", "serve", "--binder", str(folder), *options]
    # To a file: whoever has said as much as a pipe holds would wait for a reader that isn't there.
    with tempfile.TemporaryFile() as output, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for port in free_ports(3):
            process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], env=environment, stderr=output)
            try:
                served = Served(f"http://127.0.0.1:{port}", process, session, output)
                if served.listens():
                    yield served
                    return
            finally:
                process.terminate()
                process.wait(SECONDS)
        raise AssertionError(served.log())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "binder"
    place.mkdir()
    return place


@pytest.fixture
def binder(folder: Path) -> Binder:
    return open_binder(open_store(StorePath(folder)))


@pytest.fixture
def add(tmp_path: Path, binder: Binder) -> Callable[..., str]:
    """Collects a document, and returns its id."""

    def collect(item: str, content: bytes = b"", **changes: object) -> str:
        new = make_document(tmp_path / "scratch", item, content or item.encode(), **{"name": item, **changes})
        return binder.commit(new).record.id

    return collect


@pytest.fixture
def start(binder: Binder, folder: Path) -> Iterator[Callable[[], Served]]:
    """Starts a reader of what the binder has by then."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(serving(folder))


@pytest.fixture
def reader(start: Callable[[], Served]) -> Served:
    return start()
