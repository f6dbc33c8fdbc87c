"""How buckets are described, named and asked, where no service is needed to see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bannette.binder import (
    AlreadyExists,
    AzureLocation,
    GcsLocation,
    NotFound,
    S3Location,
    StorePath,
    address,
    open_store,
)
from bannette.errors import PersonNeeded, Transient

SECRETS = {
    "s3": S3Location(bucket="acme", access_key_id="id", secret_access_key="hidden", session_token="hidden"),
    "azure": AzureLocation(account="acme", container="c", account_key="hidden", sas_token="hidden"),
    "azure app": AzureLocation(account="acme", container="c", client_id="id", client_secret="hidden"),
    "gcs": GcsLocation(bucket="acme", service_account="hidden"),
}


@pytest.mark.parametrize("location", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_in_what_a_location_prints(location):
    assert "hidden" not in repr(location)


ADDRESSES = [
    (StorePath(Path("/srv/binder")), "/srv/binder/a/b"),
    (S3Location(bucket="acme"), "s3://acme/a/b"),
    (S3Location(bucket="acme", prefix="p/q", endpoint="https://s3.example"), "s3://acme/p/q/a/b"),
    (AzureLocation(account="acme", container="c", prefix="p"), "https://acme.blob.core.windows.net/c/p/a/b"),
    (AzureLocation(account="acme", container="c", endpoint="https://b.example/"), "https://b.example/c/a/b"),
    (GcsLocation(bucket="acme", prefix="p"), "gs://acme/p/a/b"),
]


@pytest.mark.parametrize(("location", "said"), ADDRESSES)
def test_an_object_is_named_as_the_tools_of_its_storage_do(location, said):
    assert address(location, "a/b") == said


@pytest.mark.parametrize("key", ["", "no JSON", "{}", '{"private_key": "hidden"}'])
def test_a_key_that_is_none_needs_a_person_and_is_not_shown(key):
    with pytest.raises(PersonNeeded) as caught:
        open_store(GcsLocation(bucket="acme", service_account=key))
    assert caught.value.reason == "StoreMisconfigured"
    assert "hidden" not in str(caught.value)


def test_the_clients_of_buckets_are_imported_for_buckets_only(tmp_path):
    code = f"""
import sys
from pathlib import Path
from bannette.binder import StorePath, open_store
open_store(StorePath(Path({str(tmp_path)!r}))).put("a", b"1")
sys.exit(any(name.startswith("obstore") for name in sys.modules))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


class Google(BaseHTTPRequestHandler):
    """As much of Google's service as it takes to see what it is asked."""

    objects: dict[str, bytes] = {}  # noqa: RUF012 - one service
    preconditions: list[str | None] = []  # noqa: RUF012

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        condition = self.headers["x-goog-if-generation-match"]
        self.preconditions.append(condition)
        taken = condition == "0" and self.path in self.objects
        if not taken:
            self.objects[self.path] = body
        self._answer(412 if taken else 200, b"")

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 05:30:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Nothing."""


def test_googles_storage_is_asked_to_put_only_what_is_absent():
    """No emulator honours the precondition, so this holds only that it is sent, and what its answers mean."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    key = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    try:
        store = open_store(GcsLocation(bucket="acme", prefix="p", service_account=json.dumps(key)))
        store.put_new("a", b"1")
        with pytest.raises(AlreadyExists):
            store.put_new("a", b"2")
        assert store.get("a") == b"1"
        with pytest.raises(NotFound):
            store.get("b")
    finally:
        server.shutdown()
        server.server_close()
    assert Google.preconditions == ["0", "0"]
    assert len(Google.objects) == 1


def test_a_machine_without_an_identity_is_told_to_name_a_secret(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Transient) as caught:
        open_store(S3Location(bucket="acme", region="eu-west-3", endpoint="http://127.0.0.1:9")).get("a")
    assert caught.value.reason == "StoreCredentialsMissing"
    assert "credentialsSecret" in str(caught.value)
    assert "no connection" in str(caught.value)
