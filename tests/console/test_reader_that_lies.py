"""A reader is a pod of the tenant's: whatever it says, a page shows what makes sense of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bannette.console import ConsoleSettings
from tests.console.desk import browser_at, serving, signed_in
from tests.console.served import Served, own_address

pytestmark = pytest.mark.apiserver

ID = "0" * 32
PAGES = ("", "/runs", f"/documents/{ID}")
MEMBERS = ("documents", "runs", "channels", "text", "cursor", "waiting", "indexed", "total")
ODD: dict[str, Mapping[str, object]] = {
    "nothing": {},
    "numbers": dict.fromkeys(MEMBERS, 5),
    "lists": {name: [[]] for name in MEMBERS},
    "mixed lists": {name: [5, None, "x", [], {}] for name in MEMBERS},
    "mappings": {name: {"a": 1} for name in MEMBERS},
    "excerpts": {"documents": [{"id": ID, "excerpt": [1, [], "x", ["found"], ["a", True]]}], "excerpt": [[]]},
    "words for numbers": {"waiting": "many", "indexed": "x", "total": "y", "documents": [], "textCut": "z"},
}


@contextmanager
def lying(said: Mapping[str, object]) -> Iterator[str]:
    """Say the same to whatever is asked; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer((own_address(), 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{own_address()}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def company(cluster, keys, tmp_path) -> Served:
    return Served(cluster, keys, tmp_path)


@pytest.mark.parametrize("said", ODD.values(), ids=ODD)
def test_a_reader_that_lies_breaks_no_page(company, cluster, api, keys, said):
    with lying(said) as address:
        settings = ConsoleSettings(inbox_port=int(address.rpartition(":")[2]))
        with serving(api, keys, settings) as port:
            browser = browser_at(cluster, port)
            signed_in(browser, company.company.token("clerk"), company.url())
            company.answers("Open", address=address)
            for page in PAGES:
                shown = browser.open(company.url(page))
                assert shown.status == 200, (page, shown.text)
