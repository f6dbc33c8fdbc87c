"""What leads into the cluster waits for what it leads to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from demo.front import Relay


@pytest.fixture
def behind() -> Iterator[socket.socket]:
    """Has a port, and doesn't listen yet: who connects is refused."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        yield made


def shout_back(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(connection.recv(100).upper())


def test_who_connects_before_somebody_listens_is_passed_on_when_somebody_does(behind: socket.socket) -> None:
    with (
        Relay([behind.getsockname()[1]], patience=60).running() as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=60) as visitor,
    ):
        visitor.sendall(b"said before")
        visitor.settimeout(0.3)
        with pytest.raises(TimeoutError):
            visitor.recv(100)
        behind.listen()
        answering = threading.Thread(target=shout_back, args=(behind,))
        answering.start()
        visitor.settimeout(60)
        assert visitor.recv(100) == b"SAID BEFORE"
        answering.join(60)


def test_it_ends_without_a_word_while_somebody_is_connected(
    behind: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    behind.listen()
    with contextlib.ExitStack() as connected:
        with Relay([behind.getsockname()[1]]).running() as relay:
            visitor = connected.enter_context(socket.create_connection(("127.0.0.1", relay.port), timeout=60))
            visitor.sendall(b"here")
            connection = connected.enter_context(behind.accept()[0])
            assert connection.recv(100) == b"here"
        assert visitor.recv(100) == b""
    assert caplog.text == ""


def test_without_patience_who_connects_is_sent_away(behind: socket.socket) -> None:
    with (
        Relay([behind.getsockname()[1]]).running() as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=60) as visitor,
    ):
        assert visitor.recv(100) == b""
