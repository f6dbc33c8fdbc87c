"""Answers of a content host that no server should give: none ends a run, none is delivered as a document."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib

import pytest

from simulator.certificates import load_authority, server_context

BODY = b"Facture no 1, total TTC 120,00 EUR. " * 30
TOLD = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"


def answer(*headers: bytes, body: bytes = BODY, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    return (size if size is not None else b"%x" % len(data)) + b"\r\n" + data + b"\r\n"


# What the host sends, whatever it is asked for.
COMPLETE = {
    "without a length, closed": answer(),
    "a length that is no number": answer(b"Content-Length: many"),
    "a length of 5,000 digits": answer(b"Content-Length: " + b"9" * 5000),
    "a length twice": answer(TOLD, TOLD),
    "chunks with extensions and a trailer": answer(
        CHUNKED, body=b"%x;name=value\r\n" % len(BODY) + BODY + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"
    ),
    "gzip": answer(b"Content-Encoding: gzip", body=gzip.compress(BODY)),
    "deflate": answer(b"Content-Encoding: deflate", body=zlib.compress(BODY)),
    "gzip in gzip": answer(b"Content-Encoding: gzip, gzip", body=gzip.compress(gzip.compress(BODY))),
    "a range that wasn't asked for": answer(
        TOLD, b"Content-Range: bytes 0-%d/%d" % (len(BODY) - 1, len(BODY)), status=b"206 Partial Content"
    ),
    "a range of unknown whole": answer(
        TOLD, b"Content-Range: bytes 0-%d/*" % (len(BODY) - 1), status=b"206 Partial Content"
    ),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    "an odd phrase": answer(TOLD, status=b"200 \xff\xfe"),
    "odd headers": answer(TOLD, b"X-\xe9: \xff", b"Set-Cookie: a=b; Domain=.com", b"Retry-After: 10000"),
}
INCOMPLETE = {
    "nothing at all": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "no status": b"HTTP/1.1\r\n\r\n" + BODY,
    "a status that is none": answer(status=b"999 Whatever"),
    "a status beyond": answer(status=b"12345 Whatever"),
    "a body that ends early": answer(b"Content-Length: %d" % (len(BODY) + 1)),
    "a body without length that ends early": answer(body=BODY[:-1]),
    "a negative length": answer(b"Content-Length: -1", body=BODY[:-1]),
    "chunks that end early": answer(CHUNKED, body=chunk(BODY)),
    "a chunk's size that is none": answer(CHUNKED, body=chunk(BODY, b"xyz")),
    "a negative chunk": answer(CHUNKED, body=chunk(BODY, b"-5")),
    "an endless chunk": answer(CHUNKED, body=chunk(BODY, b"f" * 5000)),
    "half of gzip": answer(b"Content-Encoding: gzip", body=gzip.compress(BODY)[:40]),
    "no gzip": answer(b"Content-Encoding: gzip"),
    "another part": answer(TOLD, b"Content-Range: bytes 5-%d/9999" % (len(BODY) + 4), status=b"206 Partial Content"),
    "a part of no range": answer(TOLD, status=b"206 Partial Content"),
    "less than the part": answer(b"Content-Range: bytes 0-99/100", body=BODY[:50], status=b"206 Partial Content"),
    "no content": answer(body=b"", status=b"204 No Content"),
    "not modified": answer(body=b"", status=b"304 Not Modified"),
    "a redirect to nowhere": answer(body=b"", status=b"302 Found"),
    "a redirect to itself": answer(b"Location: ", body=b"", status=b"302 Found"),
    "a hundred headers too many": answer(*[b"X-%d: 1" % number for number in range(300)]),
    "a header of 100 kB": answer(b"X-Long: " + b"a" * 100_000),
    "continue without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
}


@pytest.fixture
def host(simulator, monkeypatch):
    """A content host that is allowed and trusted, and says over TLS what it is told to, whatever it is asked."""
    context = server_context(load_authority(simulator.ca_file.parent), ["localhost"])
    says = [b""]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def serve():
            while not over.is_set():
                try:
                    plain, _ = listener.accept()
                except TimeoutError:
                    continue
                plain.settimeout(30)
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        asked = b""
                        while not asked.endswith(b"\r\n\r\n"):
                            piece = connection.recv(65536)
                            if not piece:
                                raise ConnectionError
                            asked += piece
                        connection.sendall(says[0])
                except (ssl.SSLError, OSError):
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        place = f"localhost:{listener.getsockname()[1]}"
        monkeypatch.setenv("BANNETTE_DOWNLOAD_HOSTS", place)
        simulator.control.create("/Invoices/a.txt", BODY)
        simulator.control.create("/Invoices/b.txt", "bravo")
        simulator.control.add_faults(
            {
                "name": "elsewhere",
                "kinds": ["delta", "children", "item"],
                "item": "*/a.txt",
                "times": None,
                "set": {"@microsoft.graph.downloadUrl": f"https://{place}/document"},
            },
            {"like": "redirect to http", "item": "*/a.txt", "location": f"https://{place}/document"},
        )
        yield says
        over.set()
        thread.join()


@pytest.mark.behaviour(59)
@pytest.mark.parametrize("how", COMPLETE)
def test_a_whole_document_is_collected_however_it_is_told(channel, collect, hasty, host, how):
    host[0] = COMPLETE[how]
    ended = collect()
    assert ended.counts("result", "collected", "deferred") == ("Succeeded", 2, 0)
    record = channel.records()[0]
    assert (channel.original(record), record.size, record.verified) == (BODY, len(BODY), True)


@pytest.mark.behaviour(55, 56)
@pytest.mark.parametrize("what", INCOMPLETE)
def test_what_is_no_whole_document_is_put_off(channel, collect, hasty, simulator, host, what):
    host[0] = INCOMPLETE[what]
    ended = collect()
    assert ended.code == 0, ended.entry
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 1, 1)
    assert channel.names() == ["b.txt"]
    simulator.control.remove_faults()
    assert collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)
    assert channel.original(channel.records()[0]) == BODY
