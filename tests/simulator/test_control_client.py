"""The client of the control API, where the way to the simulator is cut off for a while."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from simulator.client import ControlClient
from simulator.testing import Simulator


@contextlib.contextmanager
def way(simulator: Simulator, *, resets: int) -> Iterator[str]:
    """Lead to the simulator, but for the first connections, which are reset; yield the address of where it begins."""
    port = urlsplit(simulator.origin).port
    assert port is not None
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            for number in range(resets + 1):
                coming, _ = listening.accept()
                if number < resets:
                    coming.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    coming.close()
                    continue
                going = socket.create_connection(("127.0.0.1", port))
                for one, other in ((coming, going), (going, coming)):
                    threading.Thread(target=_copy, args=(one, other), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"https://localhost:{listening.getsockname()[1]}"
    finally:
        listening.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)


def test_connections_that_are_reset_are_tried_again_by_whoever_is_patient(simulator: Simulator) -> None:
    with way(simulator, resets=2) as origin:
        control = ControlClient(origin, simulator.ca_file, patience=20.0)
        assert control.create("/a.txt", "alpha")["name"] == "a.txt"
        control.close()


def test_whoever_is_not_is_told_at_once(simulator: Simulator) -> None:
    with way(simulator, resets=1) as origin, pytest.raises(ConnectionError):
        ControlClient(origin, simulator.ca_file).create("/a.txt", "alpha")
