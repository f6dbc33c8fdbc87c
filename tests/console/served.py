"""A company with a binder that has documents, and what serves them, as the operator would have it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from bannette.binder import Binder, StorePath, open_store
from bannette.connect import load_keys
from bannette.console import ConsoleSettings
from bannette.console.inbox_reader import digest_of, token_of
from devcluster.processes import free_ports
from tests.binder.binder_documents import DAY, make_document
from tests.collector.local_channel import BANNETTE
from tests.connect.office import wait_until
from tests.console.desk import Company

INBOX = "bannette.io/inbox-"
# Several tests may run at once on one machine.
(PORT,) = free_ports(1)
SETTINGS = ConsoleSettings(inbox_port=PORT)


def own_address() -> str:
    """An address of this machine that a pod could have: not that of the loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


class Served:
    """A company with a binder that has documents, somebody who may read them, and the operator's part."""

    def __init__(self, cluster, keys, folder, *, port: int = PORT) -> None:
        self._port = port
        self.company = Company(cluster)
        self._keys = load_keys(keys)
        self.folder = folder / "binder"
        self.folder.mkdir()
        body = self.binder()
        self.uid = body["metadata"]["uid"]
        self.store = Binder.open(
            open_store(StorePath(self.folder)), uid=self.uid, namespace=self.company.namespace, company="Acme & Fils",
            expected=False,
        )  # fmt: skip
        self._scratch = folder / "scratch"
        self.digest = digest_of(token_of(self._keys, self.uid))
        self.company.make_account("clerk")
        for role in ("bannette-inbox", "bannette-viewer"):
            self.company.bind_account("clerk", role)
        self.company.make_role("reads", apiGroups=["bannette.io"], resources=["binders/inbox"], verbs=["get"])
        self.company.bind_account("viewer", "reads", kind="Role")
        for person in ("clerk", "viewer"):
            self.company.wait_for_right(self.company.account(person), "get", "binders", subresource="inbox")

    def binder(self):
        return self.company.get("binders", "purchases")

    def add(self, name: str, text: str = "", **changes) -> str:
        number = len(list(self.store.ids()))
        changes.setdefault("collected_at", DAY + timedelta(minutes=number))
        content = changes.pop("content", f"content {number}".encode())
        derived = {"text": text.encode(), "thumbnail": b"RIFF thumbnail", **changes.pop("derived", {})}
        derived = {role: data for role, data in derived.items() if data or role == "text"}
        new = make_document(self._scratch, f"item-{number}", content, derived=derived, name=name, **changes)
        return self.store.commit(new).record.id

    @property
    def annotations(self) -> dict[str, str]:
        return self.binder()["metadata"].get("annotations") or {}

    def answers(self, state: str, **members: str) -> None:
        """Say of the inbox what the operator says."""
        asked = self.annotations
        said = {"state": state, "opened": asked.get(f"{INBOX}opened"), "reader": asked.get(f"{INBOX}reader"), **members}
        path = f"{self.company.path('binders', 'purchases')}/status"
        self.company.cluster.request(
            "PATCH", path, {"status": {"inbox": said}}, content_type="application/merge-patch+json"
        )

    @contextmanager
    def reader(self) -> Iterator[None]:
        """Run what the operator's Job runs, and say that it is open."""
        environment = {**os.environ, "BANNETTE_INBOX_READER": self.digest}
        address = f"{own_address()}:{self._port}"
        command = [BANNETTE, "inbox", "serve", "--binder", str(self.folder), "--listen", address]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: listens(address) or process.poll() is not None, "the reader listens")
            assert process.poll() is None
            self.answers("Open", address=address)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def url(self, page: str = "") -> str:
        return f"/console/inboxes/{self.company.namespace}/purchases{page}"


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
