"""A channel that waits for its account, and the service whose pages ask for it, on a real API server."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from bannette.accounts import connection_in
from bannette.connect import Settings, load_keys, make_link, new_server
from bannette.kube import ClusterApi
from bannette.onedrive import Connection
from bannette.resources import Channel
from devcluster.apiserver import ApiServer
from devcluster.binaries import program
from devcluster.processes import free_ports
from simulator.testing import Simulator
from tests.connect.browser import Browser
from tests.resources.api import Api, collection

PUBLIC = "https://connect.bannette.example"
NAMESPACE = "acme"
NAME = "acme-onedrive"
SECRET = f"{NAME}-onedrive"
# However busy the machine is.
SECONDS = 90.0


class Office:
    """A namespace with a channel, its binder, its recipient and its token Secret."""

    def __init__(self, server: ApiServer, simulator: Simulator, folder: Path) -> None:
        self.server = server
        self.simulator = simulator
        self.keys = folder / "keys"
        self.keys.mkdir()
        self.add_key("2026-11-01")
        self._api = Api(server)
        self.uid = ""
        simulator.control.application(redirect_uris={f"{PUBLIC}/callback": "public"})

    def open(self, *, locale: str = "fr", company: str = "Acme & Fils", **delegated: object) -> None:
        """Make the resources, as an operator leaves them before anybody has signed in."""
        account = {"loginHint": self.simulator.user, "clientId": self.simulator.client_id, **delegated}
        self.create(
            "Binder", "purchases", {"company": company, "storage": {"persistentVolumeClaim": {"claimName": "p"}}}
        )
        self.create("Recipient", "marie", {"displayName": "Marie", "email": "marie@acme.example", "locale": locale})
        self.create_channel({"delegated": account})
        self.create_secret(SECRET, owner=self.uid)

    def create_channel(self, account: Mapping[str, object], name: str = NAME) -> None:
        spec = {
            "type": "OneDrive",
            "recipient": {"name": "marie"},
            "destination": {"binder": "purchases"},
            "schedule": {"time": "05:30", "timeZone": "Europe/Paris"},
            "onedrive": {"folder": "/Factures", "account": account},
        }
        self.uid = self.create("CollectionChannel", name, spec)["metadata"]["uid"]

    def create(self, kind: str, name: str, spec: Mapping[str, object]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": NAMESPACE}
        body = {"apiVersion": "bannette.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        made: dict[str, Any] = self._done("POST", self._api.path(body).rpartition("/")[0], body)
        return made

    def create_secret(self, name: str, *, owner: str = "", data: Mapping[str, str] | None = None) -> None:
        metadata: dict[str, object] = {"name": name, "namespace": NAMESPACE}
        if owner:
            kind = {"apiVersion": "bannette.io/v1alpha1", "kind": "CollectionChannel", "name": NAME, "uid": owner}
            metadata["ownerReferences"] = [kind]
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(data or {})}
        self._done("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", body)

    def delete(self, plural: str, name: str) -> None:
        core = f"/api/v1/namespaces/{NAMESPACE}/{plural}"
        self._done("DELETE", f"{core if plural == 'secrets' else collection(plural)}/{name}")

    def close(self) -> None:
        for path in (*map(collection, ("collectionchannels", "binders", "recipients")), self._secrets):
            self._done("DELETE", path)

    def change(self, plural: str, name: str, patch: Mapping[str, object], *, status: bool = False) -> None:
        path = f"{collection(plural)}/{name}" + ("/status" if status else "")
        self._done("PATCH", path, patch, headers={"Content-Type": "application/merge-patch+json"})

    @property
    def secret(self) -> dict[str, Any]:
        found: dict[str, Any] = self._done("GET", f"{self._secrets}/{SECRET}")
        return found

    @property
    def connection(self) -> Connection | None:
        return connection_in(self.secret)

    @property
    def pending(self) -> dict[str, Any]:
        encoded = self.secret.get("data", {}).get("pending-visits", "")
        found: dict[str, Any] = json.loads(base64.b64decode(encoded) or b"{}")
        return found

    @property
    def awaited(self) -> set[str]:
        """The visits whose answer may yet come: what is left of one that was taken is a mark."""
        return {state for state, visit in self.pending.items() if "flow" in visit}

    def put_pending(self, pending: Mapping[str, object]) -> None:
        body = self.secret
        body["data"]["pending-visits"] = base64.b64encode(json.dumps(pending).encode()).decode()
        self._done("PUT", f"{self._secrets}/{SECRET}", body)

    def link(self, *, days: float = 14.0, uid: str | None = None) -> str:
        body = self._done("GET", f"{collection('collectionchannels')}/{NAME}")
        if uid is not None:
            body["metadata"]["uid"] = uid
        return make_link(
            PUBLIC, Channel.parse(body), load_keys(self.keys), expires=datetime.now(UTC) + timedelta(days=days)
        )

    def change_secret(self, patch: Mapping[str, object]) -> None:
        self._done(
            "PATCH",
            f"{self._secrets}/{SECRET}",
            patch,
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def add_key(self, name: str) -> None:
        (self.keys / name).write_bytes(secrets.token_bytes(24).hex().encode())

    def api(self, url: str | None = None, *, token: str | None = None, attempts: int = 2) -> ClusterApi:
        return ClusterApi(
            url or self.server.url,
            namespace="default",
            token=token or self.server.token,
            ca=self.server.ca_file.read_text(),
            attempts=attempts,
            timeout=(10, 30),
        )

    @property
    def _secrets(self) -> str:
        return f"/api/v1/namespaces/{NAMESPACE}/secrets"

    def _done(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        answer = self._api.call(method, path, body, headers=headers)
        assert answer.ok, answer.text
        return answer.json()


@contextlib.contextmanager
def serving(
    office: Office,
    *,
    api: ClusterApi | None = None,
    keys: Path | None = None,
    healthy: Callable[[], bool] = lambda: True,
    remind: Callable[[str, str], None] | None = None,
    untold: Callable[[str, str], None] | None = None,
    **environ: str,
) -> Iterator[int]:
    """Serve the pages from a thread of this process; yield the port."""
    with listening() as (port, listener):
        settings = Settings(PUBLIC, keys or office.keys, "127.0.0.1", port, {**office.simulator.environment, **environ})
        running = new_server(settings, api or office.api(), healthy=healthy, remind=remind, untold=untold)
        with at_work(running, listener):
            yield port


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, socket.socket]]:
    """Yield a port of this machine, and what listens there: nobody else can take it meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1], listener


@contextlib.contextmanager
def at_work(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    """Run *server* in a thread of this process until the block is left."""
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the service has started")
        yield
    finally:
        server.should_exit = True
        thread.join(SECONDS)


class Process:
    """The command ``bannette connect-service``, which reaches the API server by ``kubectl proxy``."""

    def __init__(self, office: Office, proxy: str, folder: Path, **further: str) -> None:
        (self.port,) = free_ports(1)
        self.log = folder / f"service-{self.port}.log"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BANNETTE_")},
            **office.simulator.environment,
            "BANNETTE_PUBLIC_URL": PUBLIC,
            "BANNETTE_CONNECT_KEYS": str(office.keys),
            "BANNETTE_CONNECT_ADDRESS": "127.0.0.1",
            "BANNETTE_CONNECT_PORT": str(self.port),
            "BANNETTE_API_URL": proxy,
            **further,
        }
        with self.log.open("w") as log:
            self._popen = subprocess.Popen(
                [str(Path(sys.executable).with_name("bannette")), "connect-service"], env=environ, stderr=log
            )

    def __enter__(self) -> Process:
        wait_until(lambda: self.is_gone or "connect.serving" in self.log.read_text(), "the process serves")
        wait_until(lambda: self.is_gone or listens(self.port), "the process listens")
        assert not self.is_gone, self.log.read_text()
        return self

    def send(self, number: int) -> None:
        self._popen.send_signal(number)
        self._popen.wait(SECONDS)

    @property
    def is_gone(self) -> bool:
        return self._popen.poll() is not None

    def __exit__(self, *_: object) -> None:
        if not self.is_gone:
            self._popen.send_signal(signal.SIGTERM)
        self.code = self._popen.wait(SECONDS)


@contextlib.contextmanager
def kubectl_proxy(server: ApiServer) -> Iterator[str]:
    """Run ``kubectl proxy``; yield its address."""
    command = [str(program("kubectl")), "proxy", "--port=0"]
    environ = server.kubectl.environment()
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as popen:
        try:
            assert popen.stdout is not None
            # It listens before it says so.
            told, _, address = popen.stdout.readline().strip().rpartition(" ")
            assert told == "Starting to serve on"
            yield f"http://{address}"
        finally:
            popen.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {SECONDS} s until {what}"
        time.sleep(0.02)


def browser_of(office: Office, *ports: int, language: str = "de, en;q=0.5") -> Browser:
    return Browser(PUBLIC, ports, ca_file=office.simulator.ca_file, language=language)
