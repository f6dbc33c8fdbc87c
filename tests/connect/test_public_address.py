"""A public address that doesn't lead back to the pages is told, with the reason, before anybody is sent there."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bannette.connect import Settings, new_server
from bannette.connect.address import PATH, PublicAddress
from simulator.certificates import load_authority, server_context
from tests.connect.office import Office, Process, at_work, kubectl_proxy, listening, wait_until

pytestmark = pytest.mark.apiserver


@dataclass
class Entrance:
    """What speaks HTTPS at the public address, as an Ingress does.

    Attributes:
        behind: port of the service that it leads to; 0: it answers by itself.
        status, headers: of its own answers.
        host: the Host that it passes on; empty: that of the request.
    """

    port: int
    ca_file: Path
    behind: int = 0
    status: int = 404
    headers: Mapping[str, str] = field(default_factory=dict)
    host: str = ""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@pytest.fixture
def entrance(tmp_path: Path) -> Iterator[Entrance]:
    authority = load_authority(tmp_path / "authority")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = made.status, b"Nothing here."
            if made.behind:
                inside = http.client.HTTPConnection("127.0.0.1", made.behind, timeout=30)
                inside.request("GET", self.path, headers={"Host": made.host or self.headers["Host"]})
                answer = inside.getresponse()
                status, body = answer.status, answer.read()
                inside.close()
            self.send_response(status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Entrance(server.server_address[1], tmp_path / "authority" / "ca.crt")
        context: ssl.SSLContext = server_context(authority, ["localhost"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join(30)


def address(office: Office, entrance: Entrance, **environ: str) -> PublicAddress:
    """The pages' view of the address that *entrance* is at."""
    trusted = {"SSL_CERT_FILE": str(entrance.ca_file), **environ}
    settings = Settings(entrance.url, office.keys, "127.0.0.1", 1, trusted)
    return PublicAddress(settings)


@contextlib.contextmanager
def serving_at(office: Office, url: str, keys: Path, address: PublicAddress | None = None) -> Iterator[int]:
    """Serve the pages for *url*, which *address* watches, with these keys; yield the port."""
    with listening() as (port, listener):
        settings = Settings(url, keys, "127.0.0.1", port, {**office.simulator.environment})
        with at_work(new_server(settings, office.api(), address=address), listener):
            yield port


def readiness(port: int) -> tuple[int, str]:
    """What the pages say when they are asked whether they are ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    said = (answer.status, answer.read().decode())
    connection.close()
    return said


@pytest.fixture
def other_keys(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "2026-11-01").write_text("o" * 32)
    return tmp_path / "other"


def test_an_address_that_leads_back_is_right_whichever_replica_answers(office: Office, entrance: Entrance) -> None:
    with serving_at(office, entrance.url, office.keys) as entrance.behind:
        assert address(office, entrance).look() is None
        # Keys change: the replica that answers may have seen the new one first.
        office.add_key("2026-12-01")
        assert address(office, entrance).look() is None


def test_pages_that_their_address_leads_to_say_so_once_they_know(office: Office, entrance: Entrance) -> None:
    watched = address(office, entrance)
    with serving_at(office, entrance.url, office.keys, watched) as entrance.behind:
        assert readiness(entrance.behind) == (200, "ready\n")
        watched.start()
        wait_until(lambda: readiness(entrance.behind)[1] == f"ready\n{entrance.url} leads here.\n", "it is known")
    watched.stop()


def test_pages_of_another_installation_are_told_from_our_own(
    office: Office, entrance: Entrance, other_keys: Path
) -> None:
    with serving_at(office, entrance.url, other_keys) as entrance.behind:
        assert "pages of Bannette with other keys" in str(address(office, entrance).look())


def test_a_proxy_that_changes_the_host_is_told_to_pass_it_on(office: Office, entrance: Entrance) -> None:
    with serving_at(office, entrance.url, office.keys) as entrance.behind:
        entrance.host = "bannette-connect.bannette-system.svc"
        assert "pass on the Host" in str(address(office, entrance).look())


@pytest.mark.parametrize(
    ("status", "location", "told"),
    [
        (404, "", "Something else answers at https://localhost:"),
        (200, "", "Something else answers at https://localhost:"),
        (302, "https://login.example/start?secret=1", "leads to https://login.example (HTTP 302)"),
        (308, "/elsewhere", "leads to another page (HTTP 308)"),
        (503, "", "The proxy at https://localhost:"),
    ],
)
def test_what_answers_in_its_place_is_told(
    office: Office, entrance: Entrance, status: int, location: str, told: str
) -> None:
    entrance.status, entrance.headers = status, {"Location": location} if location else {}
    found = str(address(office, entrance).look())
    assert told in found
    assert "secret" not in found


def test_a_certificate_that_nobody_trusts_is_told(office: Office, entrance: Entrance) -> None:
    found = address(office, entrance, SSL_CERT_FILE=str(office.simulator.ca_file)).look()
    assert "isn't accepted (unable to get local issuer certificate)" in str(found)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://pages.invalid", "No name server knows pages.invalid"),
        ("https://127.0.0.1:{closed}", "Nothing answers at https://127.0.0.1:"),
        ("https://127.0.0.1:{plain}", "doesn't speak HTTPS"),
    ],
)
def test_why_nothing_answers_is_told(office: Office, url: str, told: str) -> None:
    with socket.socket() as taken, serving_at(office, "https://127.0.0.1", office.keys) as plain:
        # Nobody listens there, and nobody else can.
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
        settings = Settings(url.format(closed=closed, plain=plain), office.keys, "127.0.0.1", 1, {})
        assert told in str(PublicAddress(settings).look())


@pytest.mark.parametrize("nonce", ["", "short", "a" * 65, "a" * 16 + "%0a"])
def test_it_seals_nothing_but_nonces(office: Office, entrance: Entrance, nonce: str) -> None:
    with serving_at(office, entrance.url, office.keys) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", f"{PATH}?nonce={nonce}", headers={"Host": f"localhost:{entrance.port}"})
        assert connection.getresponse().status == 400
        connection.close()


def test_the_process_tells_in_its_log_and_where_it_is_asked_whether_it_is_ready(office: Office, tmp_path: Path) -> None:
    office.open()
    with kubectl_proxy(office.server) as proxy, Process(office, proxy, tmp_path) as process:
        wait_until(lambda: "connect.address_wrong" in process.log.read_text(), "the address is told")
        status, said = readiness(process.port)
        # The pages work: a pod that may be unable to reach its own address from inside stays ready.
        assert status == 200
        assert said.startswith("ready\nNo name server knows connect.bannette.example: ")
    assert process.code == 0
