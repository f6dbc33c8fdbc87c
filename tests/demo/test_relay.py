"""What leads into the cluster waits for what it leads to."""

from __future__ import annotations

import socket
import threading

import pytest

from demo.front import Relay
from devcluster.processes import free_ports


def echo(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.sendall(connection.recv(100).upper())


def test_who_connects_before_somebody_listens_is_passed_on_when_somebody_does() -> None:
    (port,) = free_ports(1)
    with (
        Relay([port], patience=60).running() as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=60) as visitor,
    ):
        visitor.sendall(b"said before")
        # Nobody has heard it yet.
        visitor.settimeout(0.3)
        with pytest.raises(TimeoutError):
            visitor.recv(100)
        with socket.create_server(("127.0.0.1", port)) as listening:
            threading.Thread(target=echo, args=(listening,)).start()
            visitor.settimeout(60)
            assert visitor.recv(100) == b"SAID BEFORE"


def test_without_patience_who_connects_is_sent_away() -> None:
    (port,) = free_ports(1)
    with (
        Relay([port]).running() as relay,
        socket.create_connection(("127.0.0.1", relay.port), timeout=60) as visitor,
    ):
        assert visitor.recv(100) == b""
