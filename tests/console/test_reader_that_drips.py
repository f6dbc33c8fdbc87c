"""A reader is a pod of the tenant's: whatever it does, nobody waits for it without end."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from bannette.console import ConsoleSettings
from bannette.console.faults import Stopped
from bannette.console.inbox_reader import NobodyThere, Reader
from devcluster.processes import free_ports
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import Served, own_address

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@contextmanager
def dripping(first: bytes, *, seconds: float = 20.0, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Answer with *first*, then with one byte now and then; yield the address."""
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)
            connection.sendall(first)
            until = time.monotonic() + seconds
            while time.monotonic() < until and not ended.wait(0.05):
                connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    with socket.create_server((host, port), backlog=200) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"{host}:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", HEAD], ids=["nothing", "a header", "a body"])
def test_an_answer_that_drips_is_given_up(first):
    began = time.monotonic()
    with dripping(first) as address, pytest.raises((NobodyThere, Stopped)):
        Reader(address, "token", seconds=0.5).channels()
    assert time.monotonic() - began < 5


def test_a_file_that_drips_comes_as_it_drips_so_that_who_goes_is_noticed():
    with dripping(HEAD) as address:
        file = Reader(address, "token", seconds=0.5).file("0" * 32, "original", {})
        began = time.monotonic()
        assert next(iter(file.pieces)).strip(b"x") == b""
        assert time.monotonic() - began < 5


def test_a_file_that_ends_too_early_is_an_error():
    with dripping(HEAD, seconds=0.2) as address, pytest.raises(Exception, match="IncompleteRead"):
        list(Reader(address, "token").file("0" * 32, "original", {}).pieces)


def test_an_answer_that_is_nested_without_end_is_none():
    deep = b"[" * 100_000
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(deep)}\r\n\r\n".encode()
    with dripping(head + deep) as address, pytest.raises(Stopped):
        Reader(address, "token").channels()


@pytest.mark.apiserver
@pytest.mark.parametrize("page", ["", f"/documents/{'0' * 32}/files/original"])
def test_a_company_whose_reader_says_nothing_keeps_no_page_of_others_waiting(cluster, api, keys, tmp_path, page):
    (inbox_port,) = free_ports(1)
    company = Served(cluster, keys, tmp_path, port=inbox_port)
    token = company.company.token("clerk")
    with (
        serving(api, keys, ConsoleSettings(inbox_port=inbox_port)) as port,
        dripping(b"", host=own_address(), port=inbox_port) as address,
    ):
        signed_in(browser_at(cluster, port), token, company.url())
        company.answers("Open", address=address)

        def visit() -> None:
            browser = browser_at(cluster, port)
            browser.headers["Authorization"] = f"Bearer {token}"
            with suppress(OSError, http.client.HTTPException):
                browser.open(company.url(page))

        visitors = [threading.Thread(target=visit, daemon=True) for _ in range(60)]
        for visitor in visitors:
            visitor.start()
        time.sleep(1)
        began = time.monotonic()
        other = browser_at(cluster, port)
        other.headers["Authorization"] = f"Bearer {token}"
        assert other.open("/console/channels").status == 200
        assert time.monotonic() - began < 5
        assert all(visitor.is_alive() for visitor in visitors)
