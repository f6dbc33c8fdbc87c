"""The port on which ``bannette connect`` waits for the browser."""

from __future__ import annotations

import re
import socket
import struct
import threading
import urllib.error
import urllib.request

import pytest

from bannette.cli.loopback import Loopback
from tests.collector.local_channel import wait_until

HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/?state=right&code=1", None, 200),
        ("/", b"state=right&code=1", 200),
        ("/", b"state=right&error=access_denied", 200),
        ("/", b"state=right", 400),
        ("/", b"code=1", 400),
        ("/", b"state=&code=1", 400),
        ("/", b"state=wrong&code=1", 400),
        ("/other", b"state=right&code=1", 400),
        ("/", b"state=right&code=" + b"1" * 70_000, 400),
        ("/", b"\xff\xfe", 400),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_port_takes_the_answer_that_is_waited_for_and_nothing_else(path, body, status):
    with Loopback() as loopback:
        loopback.expect("right")
        try:
            with urllib.request.urlopen(f"{loopback.url}{path}", body, timeout=60) as answer:
                said, headers, text = answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            said, headers, text = error.code, error.headers, error.read().decode()
        except (ConnectionError, urllib.error.URLError):
            # It closed before all of a body that is too large was sent.
            said, headers, text = 400, HEADERS, ""
        assert said == status
        assert (loopback.wait(0) is None) == (status != 200)
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert not re.search(r"code|state", text)


def test_the_port_listens_on_this_machine_only_and_takes_nothing_before_it_expects_something():
    with Loopback() as loopback:
        assert loopback._server.server_address[0] == "127.0.0.1"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{loopback.url}/?state=&code=1", timeout=60)


def test_a_connection_on_which_nothing_comes_keeps_no_answer_out():
    with Loopback() as loopback:
        loopback.expect("right")
        idle = socket.create_connection(("127.0.0.1", loopback._server.server_address[1]))
        try:
            with urllib.request.urlopen(loopback.url, b"state=right&code=1", timeout=60) as answer:
                assert answer.status == 200
        finally:
            idle.close()


def test_a_browser_that_hangs_up_leaves_no_trace_on_the_terminal(capfd):
    with Loopback() as loopback:
        loopback.expect("right")
        before = set(threading.enumerate())
        hanging = socket.create_connection(("127.0.0.1", loopback._server.server_address[1]))
        hanging.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hanging.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nstate=right&code=secret")
        wait_until(lambda: set(threading.enumerate()) - before, "the request to be read")
        hanging.close()
        # Those of before may end, too, at any time.
        wait_until(lambda: not set(threading.enumerate()) - before, "the reader to give up")
        with urllib.request.urlopen(loopback.url, b"state=right&code=1", timeout=60) as answer:
            assert answer.status == 200
        assert loopback.wait(0) == {"state": "right", "code": "1"}
    assert capfd.readouterr() == ("", "")
