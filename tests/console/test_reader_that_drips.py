"""A reader is a pod of the tenant's: whatever it does, nobody waits for it without end."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from bannette.console import ConsoleSettings
from bannette.console.faults import Stopped
from bannette.console.inbox_reader import NobodyThere, Reader
from bannette.console.threads import _EACH
from devcluster.processes import free_ports
from tests.connect.office import PUBLIC
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import Served, own_address

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


# Of seconds for which it drips; and how soon who waits no longer than that is through on a busy machine.
DRIPS, SOON = 90.0, 45.0


@contextmanager
def dripping(
    first: bytes,
    *,
    seconds: float = DRIPS,
    host: str = "127.0.0.1",
    port: int = 0,
    heard: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """Answer with *first*, then with one byte now and then; yield the address.

    Args:
        heard: called when somebody has asked.
    """
    ended = threading.Event()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)
            heard()
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
            thread.join(30)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", HEAD], ids=["nothing", "a header", "a body"])
def test_an_answer_that_drips_is_given_up(first):
    began = time.monotonic()
    with dripping(first) as address, pytest.raises((NobodyThere, Stopped)):
        Reader(address, "token", seconds=0.5).channels()
    assert time.monotonic() - began < SOON


def test_a_file_that_drips_comes_as_it_drips_so_that_who_goes_is_noticed():
    with dripping(HEAD) as address:
        file = Reader(address, "token", seconds=10.0).file("0" * 32, "original", {})
        began = time.monotonic()
        assert next(iter(file.pieces)).strip(b"x") == b""
        assert time.monotonic() - began < SOON


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
    asked, at_reader = threading.Semaphore(0), threading.Semaphore(0)
    with (
        serving(api, keys, ConsoleSettings(inbox_port=inbox_port)) as port,
        dripping(b"", host=own_address(), port=inbox_port, heard=at_reader.release) as address,
    ):
        signed_in(browser_at(cluster, port), token, company.url())
        company.answers("Open", address=address)

        def visit() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DRIPS)
            with suppress(OSError, http.client.HTTPException), closing(connection):
                headers = {"Host": urlsplit(PUBLIC).netloc, "Authorization": f"Bearer {token}"}
                connection.request("GET", company.url(page), headers=headers)
                asked.release()
                connection.getresponse()

        visitors = [threading.Thread(target=visit, daemon=True) for _ in range(60)]
        for visitor in visitors:
            visitor.start()
        assert all(asked.acquire(timeout=60) for _ in visitors)
        # So many as may wait for readers of a namespace.
        assert all(at_reader.acquire(timeout=60) for _ in range(_EACH))
        other = browser_at(cluster, port)
        other.headers["Authorization"] = f"Bearer {token}"
        assert other.open("/console/channels").status == 200
        assert all(visitor.is_alive() for visitor in visitors), "it had to wait for them"
