"""Whatever is asked of the reader of an inbox, it answers, and never by an error of its own."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bannette.binder import StorePath, open_store
from tests.binder.binder_documents import make_document, open_binder
from tests.reader.conftest import TOKEN, Served, serving

ODD = st.text(st.characters(codec="latin-1"), max_size=40)
# What HTTP allows there (RFC 9110, 5.5); the rest is refused by the server before anything of ours is asked.
HEADER = st.text(st.characters(codec="latin-1", exclude_characters=[*map(chr, range(32)), "\x7f"]), max_size=40)
NAMES = st.one_of(
    st.sampled_from(["q", "state", "type", "channel", "since", "until", "cursor", "limit", "result", "trigger"]), ODD
)
VALUES = st.one_of(
    st.sampled_from(["net", '"', "-net", "fact*", "all", "done", "pdf", "2026-11-24", "0", "9" * 30, "x" * 3000]), ODD
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A reader over a binder with two documents, and the id of one of them."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "binder").mkdir()
    binder = open_binder(open_store(StorePath(folder / "binder")))
    for name in ("a.pdf", "b.pdf"):
        new = make_document(folder / "scratch", name, name.encode(), derived={"text": b"net"}, name=name)
        document = binder.commit(new).record.id
    with serving(folder / "binder") as reader:
        assert sorted(reader.names()) == ["a.pdf", "b.pdf"]
        yield reader, document


def quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("latin-1"))


def paths(document: str) -> st.SearchStrategy[str]:
    known = ["/documents", "/channels", "/runs", "/healthz", f"/documents/{document}"]
    known += [f"/documents/{document}/{page}" for page in ("done", "undone", "files/original", "files/text")]
    anything = ODD.map(quoted)
    return st.one_of(
        st.sampled_from(known),
        anything.map(lambda text: f"/{text}"),
        anything.map(lambda text: f"/documents/{text}"),
        anything.map(lambda text: f"/documents/{document}/files/{text}"),
    )


# The same ones each time: what chance finds is no reason to refuse another change.
@settings(max_examples=400, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_request_makes_the_reader_fail(served, data):
    reader, document = served
    fields = data.draw(st.lists(st.tuples(NAMES, VALUES), max_size=5))
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields)
    method = data.draw(st.sampled_from(["GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "X"]))
    headers = {"Authorization": data.draw(st.one_of(st.just(f"Bearer {TOKEN}"), HEADER))}
    for name in ("Range", "If-None-Match", "If-Range"):
        if data.draw(st.booleans()):
            headers[name] = data.draw(st.one_of(HEADER, st.from_regex(r"\Abytes=[0-9]{0,30}-[0-9]{0,30}\Z")))
    path = data.draw(paths(document))
    body = data.draw(st.binary(max_size=100)) if method in ("POST", "PUT") else None
    connection = http.client.HTTPConnection(urlsplit(reader.url).netloc, timeout=60)
    try:
        connection.request(method, f"{path}?{query}" if query else path, body, headers)
        answer = connection.getresponse()
        told = answer.read().decode()
    finally:
        connection.close()
    assert answer.status < 500, (method, path, fields, headers)
    assert "Traceback" not in told
    assert reader.process.poll() is None
