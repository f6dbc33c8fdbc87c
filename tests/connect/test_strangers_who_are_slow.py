"""Whoever sends requests slowly takes the place of others for a while, and ends nothing."""

from __future__ import annotations

import http.client
import secrets
import socket
from contextlib import ExitStack

from bannette.connect import Settings, new_server
from bannette.kube import ClusterApi
from tests.connect.office import PUBLIC, at_work, listening, wait_until

HOST = PUBLIC.removeprefix("https://")
BEGUN = (
    f"POST /c/acme/acme-onedrive/mail HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 100\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\nform="
).encode()
STRANGERS = 250


def get(port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": HOST})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_probes_are_answered_while_strangers_send_slowly_and_others_once_they_are_gone(tmp_path, caplog):
    (tmp_path / "key").write_text(secrets.token_hex(32))
    api = ClusterApi("http://127.0.0.1:1", namespace="default", attempts=1)
    with (
        listening() as (port, listener),
        at_work(new_server(Settings(PUBLIC, tmp_path, "127.0.0.1", port, {}), api), listener),
    ):
        with ExitStack() as stack:
            for _ in range(STRANGERS):
                stack.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(BEGUN)
            refused = []

            def is_refused():
                answer = get(port, "/static/style.css")
                refused.append(answer.headers["Retry-After"])
                return answer.status == 503

            wait_until(is_refused, "all places are taken")
            assert refused[-1] == "5"
            assert [get(port, probe).status for probe in ("/healthz", "/readyz")] == [200, 200]
        wait_until(lambda: get(port, "/static/style.css").status == 200, "there is place again")
    assert "web.failed" not in caplog.text
