"""Events tell what a record says of a document, and reach a real sink at least once, whatever it answers."""

from __future__ import annotations

import json
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.notify.addresses import is_refused
from bannette.notify.events import Event, document_collected
from bannette.notify.sink import Delivery, Sink, deliver
from tests.docs.fenced import SOURCE
from tests.notify.mail_server import Authority, free_port

# The record that docs/record.md shows.
RECORD = json.loads((SOURCE / "docs/record.md").read_text().partition("```json\n")[2].partition("```")[0])
TOKEN = "canary-of-the-sink"
HANG, CLOSE = "hang", "close"


def event(number=0):
    return Event(f"{number:032x}", json.dumps({"id": number}).encode())


class HttpSink:
    """Answers each request with the next status of a script, and with 202 after them."""

    def __init__(self, *script):
        self.script = list(script)
        self.heard = []
        self.times = []
        self.ended = threading.Event()
        self.url = ""

    def answer(self, request):
        """Answer; return the body, or None if whoever sent it ended before it was all sent."""
        length = int(request.headers["Content-Length"])
        body = request.rfile.read(length)
        if len(body) < length:
            request.close_connection = True
            return None
        self.heard.append((request.path, dict(request.headers), body))
        self.times.append(time.monotonic())
        status = self.script.pop(0) if self.script else 202
        if status == HANG:
            self.ended.wait(30)
        if status in (HANG, CLOSE):
            request.close_connection = True
            return body
        number, *headers = status if isinstance(status, tuple) else (status,)
        request.send_response(number)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return body


@contextmanager
def http_sink(*script, tls=None) -> Iterator[HttpSink]:
    sink = HttpSink(*script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            sink.answer(self)

        do_OPTIONS = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    sink.url = f"{'http' if tls is None else 'https'}://localhost:{server.server_port}/events?key=canary-of-the-url"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        sink.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def countdown(seconds):
    until = time.monotonic() + seconds
    return lambda: until - time.monotonic()


def one_try():
    """Leave time for one try, and none to repeat it in."""
    return lefts(100.0, 0.0)


def lefts(*seconds):
    """Return what says, each time that it is asked, the next of so many seconds to be left."""
    return map(float, seconds).__next__


def sent(sink, *events, within=60.0, **others):
    given = Sink(url=sink.url, **others)
    return list(deliver(given, events or [event()], left=countdown(within), first_pause=0.01))


# What an event says


def test_an_event_is_what_cloudevents_prescribe():
    told = json.loads(document_collected(RECORD, namespace="acme", binder="purchases").body)
    assert {name: value for name, value in told.items() if name != "data"} == {
        "specversion": "1.0",
        "id": RECORD["id"],
        "source": "/acme/purchases",
        "type": "io.bannette.document.collected",
        "time": RECORD["collectedAt"],
        "datacontenttype": "application/json",
    }


def test_its_data_is_what_the_record_says_of_the_document():
    data = json.loads(document_collected(RECORD, namespace="acme", binder="purchases").body)["data"]
    assert {name: value for name, value in data.items() if name != "ocr"} == {
        name: value for name, value in RECORD.items() if name not in ("schema", "ocr", "invoice")
    }
    assert data["ocr"] == {
        name: RECORD["ocr"][name] for name in ("outcome", "reason", "languages", "pages", "confidence")
    }


def test_what_a_document_says_is_not_told():
    record = {**RECORD, "text": "canary", "ocr": {**RECORD["ocr"], "words": "canary"}, "invoice": {"seller": "canary"}}
    assert b"canary" not in document_collected(record, namespace="acme", binder="purchases").body


def test_the_same_record_gives_the_same_event():
    first, second = (document_collected(RECORD, namespace="acme", binder="purchases") for _ in range(2))
    assert first == second
    assert first.id == RECORD["id"]


def test_a_name_may_have_any_signs():
    name = 'Facture "été"\n\ud800 日本.pdf'
    told = json.loads(document_collected({**RECORD, "name": name}, namespace="acme", binder="a/b").body)
    assert told["data"]["name"] == name.replace("\ud800", "?")
    assert told["source"] == "/acme/a%2Fb"


# How it is sent


def test_events_arrive_in_their_order():
    with http_sink() as sink:
        assert sent(sink, *map(event, range(3)), token=TOKEN) == [Delivery(event(number).id) for number in range(3)]
    assert [body for _, _, body in sink.heard] == [event(number).body for number in range(3)]
    _, headers, _ = sink.heard[0]
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_whatever_means_success_settles_an_event(status):
    with http_sink(status) as sink:
        assert sent(sink) == [Delivery(event().id)]
    assert len(sink.heard) == 1


@pytest.mark.parametrize("failing", [408, 425, 429, 500, 502, 503, 504, CLOSE])
def test_what_may_pass_is_repeated_until_it_is_taken(failing):
    with http_sink(failing, failing, 202) as sink:
        assert sent(sink, event(0), event(1)) == [Delivery(event(0).id), Delivery(event(1).id)]
    assert [body for _, _, body in sink.heard] == [event(0).body] * 3 + [event(1).body]


def test_a_sink_is_asked_again_no_sooner_than_it_wants():
    with http_sink((503, ("Retry-After", "1")), 202) as sink:
        sent(sink)
    assert sink.times[1] - sink.times[0] >= 1.0


@pytest.mark.parametrize("later", ["Wed, 21 Oct 2099 07:28:00 GMT", "-5", "nan", "9" * 400, "٣"])
def test_a_time_that_cannot_be_read_is_none(later):
    with http_sink((503, ("Retry-After", later.encode().decode("latin-1"))), 202) as sink:
        assert sent(sink) == [Delivery(event().id)]


def test_a_wait_beyond_the_time_that_is_left_is_not_waited_for():
    before = time.monotonic()
    with http_sink((503, ("Retry-After", "3600"))) as sink, pytest.raises(Transient) as failed:
        sent(sink, within=120.0)
    assert (failed.value.reason, failed.value.retry_after) == ("EventSinkFailing", 3600.0)
    assert time.monotonic() - before < 60


@pytest.mark.parametrize("failing", [500, 503, CLOSE, HANG])
def test_a_sink_that_fails_all_the_time_takes_no_longer_than_it_may(failing):
    before = time.monotonic()
    with http_sink(*[failing] * 1000) as sink, pytest.raises(Transient):
        sent(sink, within=0.6, seconds=0.3)
    assert time.monotonic() - before < 60


def test_a_sink_is_left_alone_for_as_long_as_it_asked_though_its_time_is_cut_short():
    waits = []
    left = lefts(100, 100, 100, 0.5)
    with http_sink((503, ("Retry-After", "60"))) as sink, pytest.raises(Transient):
        list(deliver(Sink(url=sink.url), [event()], left=left, wait=waits.append))
    assert len(sink.heard) == 1
    assert [30 < wait <= 60 for wait in waits] == [True, True]


def test_a_slow_sink_is_given_up_and_asked_again():
    with http_sink(HANG, 202) as sink:
        assert sent(sink, seconds=2.0) == [Delivery(event().id)]
    assert len(sink.heard) == 2


def test_a_name_that_no_name_server_knows_is_said_to_be():
    with pytest.raises(Transient) as unknown:
        list(deliver(Sink(url="https://nobody.invalid/events"), [event()], left=one_try()))
    assert unknown.value.reason == "EventSinkUnreachable"
    assert str(unknown.value) == "nobody.invalid isn't known to the name servers."


def test_a_sink_that_is_down_is_said_to_be():
    given = Sink(url=f"http://localhost:{free_port()}/")
    with pytest.raises(Transient, match="can't be reached") as down:
        list(deliver(given, [event()], left=one_try()))
    assert down.value.reason == "EventSinkUnreachable"


def test_what_was_taken_before_a_failure_is_known():
    settled = []
    with http_sink(202, 202, 503) as sink:
        deliveries = deliver(Sink(url=sink.url), map(event, range(5)), left=lefts(100, 100, 100, 0))
        with pytest.raises(Transient):
            settled.extend(delivery.id for delivery in deliveries)
    assert settled == [event(0).id, event(1).id]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_an_event_that_is_refused_does_not_keep_back_the_others(status):
    with http_sink(202, status, 202) as sink:
        results = sent(sink, *map(event, range(3)))
    assert [one.refused and one.refused.reason for one in results] == [None, "EventRefused", None]
    assert len(sink.heard) == 3


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, (301, ("Location", "http://elsewhere.example/"))])
def test_a_sink_that_takes_nothing_from_here_takes_a_person(status):
    with http_sink(status) as sink, pytest.raises(PersonNeeded, match="Correct its address or the token") as refused:
        sent(sink, *map(event, range(3)))
    assert refused.value.reason == "EventSinkRefuses"
    assert len(sink.heard) == 1


def test_a_redirect_never_gets_the_token():
    with (
        http_sink() as elsewhere,
        http_sink((307, ("Location", elsewhere.url))) as sink,
        pytest.raises(PersonNeeded),
    ):
        sent(sink, token=TOKEN)
    assert elsewhere.heard == []


def test_a_sink_is_trusted_by_its_authority_alone(tmp_path):
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    with http_sink(tls=authority.context) as sink:
        assert sent(sink, token=TOKEN, ca_file=authority.file) == [Delivery(event().id)]
        with pytest.raises(PersonNeeded) as refused:
            sent(sink, token=TOKEN, ca_file=other.file)
    assert refused.value.reason == "EventSinkUntrusted"
    assert len(sink.heard) == 1


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("169.254.169.254", True),
        ("169.254.0.1", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("168.63.129.16", True),
        ("192.0.0.192", True),
        ("169.253.0.1", False),
        ("100.100.100.201", False),
        ("10.96.0.10", False),
        ("fd00:ec3::1", False),
        ("2606:4700::1", False),
        ("127.0.0.1", False),
    ],
)
def test_no_event_goes_to_what_gives_credentials_away(address, refused):
    assert is_refused(address) is refused


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_address_that_a_name_leads_to_is_judged_before_anything_is_sent(tmp_path, monkeypatch, scheme):
    authority = Authority(tmp_path)
    monkeypatch.setattr("bannette.notify.addresses._METADATA", (ip_network("127.0.0.0/8"), ip_network("::1/128")))
    with (
        http_sink(tls=authority.context if scheme == "https" else None) as sink,
        pytest.raises(PersonNeeded) as refused,
    ):
        sent(sink, ca_file=authority.file)
    assert refused.value.reason == "EventSinkForbidden"
    assert sink.heard == []


@pytest.mark.parametrize(
    "given",
    [
        {"url": ""},
        {"url": "sink.example"},
        {"url": "ftp://sink.example/"},
        {"url": "https://"},
        {"url": "https://user:secret@sink.example/"},
        {"url": "https://sink.example:99999/"},
        {"url": "https://[::1/"},
        {"url": "https://sink.example/a b"},
        {"url": "http://sink.example/", "token": TOKEN},
    ],
    ids=str,
)
def test_an_address_that_cannot_be_used_is_refused(given):
    with pytest.raises(PersonNeeded) as wrong:
        Sink(**given)
    assert wrong.value.reason == "EventSinkInvalid"
    assert TOKEN not in str(wrong.value)


@pytest.mark.parametrize("token", ["", "two words", "two\r\nlines", "é", "日本"])
def test_a_token_that_is_no_header_is_refused(token):
    with pytest.raises(PersonNeeded) as wrong:
        Sink(url="https://sink.example/", token=token)
    assert wrong.value.reason == "EventSinkInvalid"


def test_tls_where_there_is_none_takes_a_person():
    with http_sink() as sink:
        sink.url = sink.url.replace("http:", "https:")
        with pytest.raises(PersonNeeded) as refused:
            sent(sink)
    assert refused.value.reason == "EventSinkUntrusted"


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_take_a_person(tmp_path, content):
    authority = Authority(tmp_path)
    if content:
        (tmp_path / "ca").write_text(content)
    with http_sink(tls=authority.context) as sink, pytest.raises(PersonNeeded) as wrong:
        sent(sink, ca_file=tmp_path / "ca")
    assert wrong.value.reason in ("EventSinkInvalid", "EventSinkUntrusted")


def test_a_connection_that_is_cut_while_encryption_is_agreed_on_may_pass():
    with socket.create_server(("localhost", 0)) as server:
        closing = threading.Thread(target=lambda: server.accept()[0].close(), daemon=True)
        closing.start()
        given = Sink(url=f"https://localhost:{server.getsockname()[1]}/")
        with pytest.raises(Transient):
            list(deliver(given, [event()], left=one_try()))
        closing.join(30)


@pytest.mark.parametrize("status", [401, 503, CLOSE])
def test_neither_the_token_nor_the_path_of_the_sink_is_told(status, caplog):
    with http_sink(*[status] * 100) as sink, pytest.raises((PersonNeeded, Transient)) as failed:
        sent(sink, within=0.2, token=TOKEN)
    shown = "".join(traceback.format_exception(failed.value)) + repr(Sink(url=sink.url, token=TOKEN)).replace(
        sink.url, ""
    )
    assert TOKEN not in shown
    assert "canary-of-the-url" not in str(failed.value)
