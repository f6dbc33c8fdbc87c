"""The simulator's own tests: a simulator, and a plain client of what it serves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture

Json = dict
_TARGET: ContextVar[str] = ContextVar("target")


class _RawConnection(HTTPSConnection):
    """Sends the target as it is: urllib3 writes escapes in upper case, whatever requests was told."""

    def putrequest(self, method: str, url: str, *args: object, **options: object) -> None:
        super().putrequest(method, _TARGET.get(url), *args, **options)


class _RawPool(HTTPSConnectionPool):
    ConnectionCls = _RawConnection


class _RawAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"https": _RawPool}


@dataclass
class GraphClient:
    """Sends URLs byte for byte, with the token of a signed-in person."""

    simulator: Simulator
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.mount("https://", _RawAdapter())
        self.session.verify = str(self.simulator.ca_file)

    def send(
        self, url: str, *, method: str = "GET", token: bool = True, stream: bool = False, **options: object
    ) -> requests.Response:
        if url.startswith("/"):
            url = self.simulator.origin + url
        headers = dict(options.pop("headers", {}))
        if token and self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        prepared = self.session.prepare_request(requests.Request(method, url, headers=headers, **options))
        _TARGET.set("/" + url.split("/", 3)[3])
        return self.session.send(prepared, verify=self.session.verify, allow_redirects=False, timeout=30, stream=stream)

    def get(self, url: str) -> Json:
        response = self.send(url)
        assert response.status_code == 200, response.text
        return json.loads(response.text)

    def download(self, url: str, **headers: str) -> requests.Response:
        return self.send(url, token=False, headers=headers)

    def walk(self, url: str = "/v1.0/me/drive/root/delta") -> tuple[list[Json], str]:
        """Follow a walk to its end; return the items in the order of the feed, and the deltaLink."""
        items = []
        while True:
            page = self.get(url)
            items += page["value"]
            if "@odata.deltaLink" in page:
                return items, page["@odata.deltaLink"]
            url = page["@odata.nextLink"]


@pytest.fixture
def graph(simulator: Simulator) -> Iterator[GraphClient]:
    client = GraphClient(simulator)
    client.token = str(simulator.control.sign_in()["access_token"])
    yield client
    client.session.close()


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool], str], None]:
    """Wait until a condition holds, at most 60 seconds."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, f"waited 60 s for {what}"
            threading.Event().wait(0.02)

    return wait
