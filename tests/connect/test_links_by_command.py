"""``bannette connect-service --link``, beside a service that knows which keys other replicas may not have yet."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bannette.connect import Settings, keys_beside
from tests.connect.office import NAME, NAMESPACE, PUBLIC, browser_of, kubectl_proxy, serving

OLD, NEW = "2026-11-01", "2026-12-01"


@pytest.mark.apiserver
def test_a_link_that_a_command_makes_is_opened_by_replicas_without_the_new_key(office, tmp_path):
    office.open(locale="en", company="Acme")
    behind = tmp_path / "behind"
    shutil.copytree(office.keys, behind)
    with (
        kubectl_proxy(office.server) as proxy,
        serving(office) as ahead,
        serving(office, keys=behind) as late,
    ):
        assert browser_of(office, ahead).open("/readyz").status == 200
        office.add_key(NEW)
        # The kubelet makes all files of a mounted Secret anew when one changes.
        for path in office.keys.iterdir():
            os.utime(path)
        page = browser_of(office, late).open(made_link(office, proxy, ahead))
    assert (page.status, page.heading) == (200, "Acme asks to collect documents from your OneDrive")


def made_link(office, proxy: str, port: int) -> str:
    """Return the link that the real command prints on the machine where a service listens on *port*."""
    environ = {
        **os.environ,
        "BANNETTE_PUBLIC_URL": PUBLIC,
        "BANNETTE_CONNECT_KEYS": str(office.keys),
        "BANNETTE_CONNECT_PORT": str(port),
        "BANNETTE_API_URL": proxy,
        # It is no way to one's own machine.
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": proxy.partition("//")[2],
    }
    command = [str(Path(sys.executable).with_name("bannette")), "connect-service", "--link", f"{NAMESPACE}/{NAME}"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path):
    for name, letter in ((OLD, "a"), (NEW, "b")):
        (tmp_path / name).write_text(letter * 32)
    return tmp_path


def test_without_a_service_the_newest_key_signs(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert keys_beside(Settings(PUBLIC, folder, "127.0.0.1", taken.getsockname()[1], {})).newest == NEW


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", b"\x00"],
    ids=["something else", "busy", "no HTTP"],
)
def test_what_answers_otherwise_changes_nothing(folder, answer):
    with answering(answer) as port:
        assert keys_beside(Settings(PUBLIC, folder, "0.0.0.0", port, {})).newest == NEW


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer one connection so; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)
        assert not thread.is_alive(), "nobody asked"
