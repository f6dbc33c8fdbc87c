"""A binder's sink is told of each document at least once, and never keeps a run, or a document, waiting."""

from __future__ import annotations

import json
import time
import zipfile
from collections import Counter

import pytest

from bannette.notify.events import document_collected
from tests.collector.local_channel import LocalChannel
from tests.notify.mail_server import Authority, free_port
from tests.notify.test_cloud_events import CLOSE, HANG, http_sink

TOKEN = "canary-of-the-sink"


@pytest.fixture
def channel(tmp_path, simulator):
    return LocalChannel(tmp_path, simulator)


def tell(channel, url, *, secret=None, ca=None, **spec):
    """Let the channel's binder tell of its documents."""
    events = {"url": url}
    documents = []
    if secret is not None:
        events["secret"] = {"name": "erp"}
        documents.append({"kind": "Secret", "metadata": {"name": "erp", "namespace": "acme"}, "stringData": secret})
    if ca is not None:
        events["caBundle"] = {"configMap": "company-ca"}
        documents.append({"kind": "ConfigMap", "metadata": {"name": "company-ca", "namespace": "acme"}, "data": ca})
    channel.write(binder={"events": events}, **spec)
    with channel.file.open("a") as file:
        file.writelines(f"---\n{json.dumps(document)}\n" for document in documents)


def told(sink):
    """The names of the documents that the sink was told of, in their order."""
    return [json.loads(body)["data"]["name"] for _, _, body in sink.heard]


def outbox(channel):
    return sorted(path.name for path in (channel.binder_folder / "outbox").glob("*"))


def condition(channel):
    (one,) = channel.status("Binder")["conditions"]
    return one["type"], one["status"], one["reason"]


DELIVERED = ("EventsDelivered", "True", "Delivered")


def test_each_document_is_told_once_when_nothing_goes_wrong(channel, simulator):
    names = [f"{number}.txt" for number in range(20)]
    for name in names:
        simulator.control.create(f"/Invoices/{name}", name.encode())
    with http_sink() as sink:
        tell(channel, sink.url, secret={"token": f"{TOKEN}\n"})
        ended = channel.collect()
        assert ended.counts("result", "reason", "collected") == ("Succeeded", "Collected", 20)
        assert sorted(told(sink)) == sorted(names)
        channel.collect()
        assert len(sink.heard) == 20
    for _, headers, body in sink.heard:
        assert headers["Authorization"] == f"Bearer {TOKEN}"
        record = next(record for record in channel.records() if record.id == json.loads(body)["id"])
        assert body == document_collected(record.to_dict(), namespace="acme", binder="purchases").body
    assert outbox(channel) == []
    assert condition(channel) == DELIVERED
    assert channel.report(ended)["events"] == {"told": 20, "refused": 0, "untold": 0, "reason": None}


def test_parts_are_told_of_and_duplicates_are_not(channel, simulator, tmp_path):
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("inside.txt", "one")
        archive.writestr("also-inside.txt", "two")
    simulator.control.create("/Invoices/two.zip", (tmp_path / "two.zip").read_bytes())
    simulator.control.create("/Invoices/first.txt", b"alpha")
    with http_sink() as sink:
        tell(channel, sink.url, spec={"ocr": {"enabled": True}})
        channel.collect()
        simulator.control.create("/Invoices/again.txt", b"alpha")
        assert channel.collect().counts("duplicates") == (1,)
    assert sorted(told(sink)) == ["also-inside.txt", "first.txt", "inside.txt", "two.zip"]
    assert outbox(channel) == []


# A sink that fails


WRONG = {
    "hangs": ((HANG,), "EventSinkSlow"),
    "closes": ((CLOSE,), "EventSinkUnreachable"),
    "fails": ((500,), "EventSinkFailing"),
    "asks to wait": (((429, ("Retry-After", "3600")),), "EventSinkFailing"),
    "is elsewhere": ((404,), "EventSinkRefuses"),
    "redirects": (((301, ("Location", "/elsewhere")),), "EventSinkRefuses"),
    "refuses": ((422,), "EventRefused"),
}


@pytest.mark.parametrize(("answer", "reason"), WRONG.values(), ids=WRONG)
def test_a_sink_that_fails_changes_no_result_and_the_next_run_tells(channel, simulator, monkeypatch, answer, reason):
    # One that answers has the time to do so on a busy machine, too.
    monkeypatch.setattr("bannette.collector.courier._PATIENCE", 1.0 if HANG in answer else 5.0)
    for name in ("a.txt", "b.txt"):
        simulator.control.create(f"/Invoices/{name}", name.encode())
    with http_sink(*answer * 1000) as sink:
        tell(channel, sink.url)
        before = time.monotonic()
        ended = channel.collect()
        # Far from the half minute that it would otherwise have.
        assert time.monotonic() - before < 25
        assert ended.code == 0
        assert ended.counts("result", "reason", "collected") == ("Succeeded", "Collected", 2)
        assert ended.entry["message"].startswith(f"2 collected. 2 documents are still to be told of ({reason}): ")
        assert "canary-of-the-url" not in ended.stdout
        assert condition(channel) == ("EventsDelivered", "False", reason)
        untold = channel.report(ended)["events"]
        assert (untold["told"], untold["untold"], untold["reason"]) == (0, 2, reason)
        assert len(outbox(channel)) == 2
    with http_sink() as sink:
        tell(channel, sink.url)
        # A quiet run: nothing is new.
        assert channel.collect().counts("result", "reason") == ("Succeeded", "NothingNew")
        assert told(sink) in (["a.txt", "b.txt"], ["b.txt", "a.txt"])
    assert outbox(channel) == []
    assert condition(channel) == DELIVERED


def test_a_certificate_of_another_authority_changes_no_result(channel, simulator, tmp_path):
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    simulator.control.create("/Invoices/a.txt", b"alpha")
    with http_sink(tls=authority.context) as sink:
        tell(channel, sink.url, ca={"ca.crt": other.file.read_text()})
        assert channel.collect().counts("result") == ("Succeeded",)
        assert condition(channel) == ("EventsDelivered", "False", "EventSinkUntrusted")
        assert sink.heard == []
        tell(channel, sink.url, ca={"ca.crt": authority.file.read_text()})
        channel.collect()
        assert told(sink) == ["a.txt"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"secret": {"other": "x"}}, "EventTokenMissing"),
        ({"secret": {"token": "two words"}}, "EventSinkInvalid"),
        ({"ca": {"other": "x"}}, "EventCaMissing"),
    ],
    ids=str,
)
def test_what_belongs_to_a_sink_and_is_missing_keeps_no_document(channel, simulator, given, reason):
    simulator.control.create("/Invoices/a.txt", b"alpha")
    tell(channel, "https://localhost:9/", **given)
    ended = channel.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 1)
    assert condition(channel) == ("EventsDelivered", "False", reason)
    assert len(outbox(channel)) == 1


def test_a_sink_that_comes_back_while_the_run_goes_on_is_told(channel, simulator):
    simulator.control.create("/Invoices/a.txt", b"alpha")
    with http_sink(503, CLOSE, 202) as sink:
        tell(channel, sink.url)
        ended = channel.collect()
    assert ended.entry["message"] == "1 collected."
    assert told(sink) == ["a.txt"] * 3
    assert condition(channel) == DELIVERED


def test_one_event_that_is_refused_keeps_back_no_other_and_is_tried_again(channel, simulator):
    for name in ("a.txt", "b.txt", "c.txt"):
        simulator.control.create(f"/Invoices/{name}", name.encode())
    with http_sink(202, 422, 202, 202) as sink:
        tell(channel, sink.url)
        ended = channel.collect()
        assert channel.report(ended)["events"] == {"told": 2, "refused": 1, "untold": 1, "reason": "EventRefused"}
        assert len(sink.heard) == 3
        channel.collect()
        assert told(sink)[3] == told(sink)[1]
    assert outbox(channel) == []


def test_a_sink_that_refuses_everything_is_not_asked_for_ever(channel, simulator, monkeypatch):
    monkeypatch.setattr("bannette.collector.courier._MOST_REFUSED", 3)
    for number in range(6):
        simulator.control.create(f"/Invoices/{number}.txt", str(number).encode())
    with http_sink(*[422] * 100) as sink:
        tell(channel, sink.url)
        channel.collect()
    assert len(sink.heard) == 3
    assert len(outbox(channel)) == 6


def test_a_slow_sink_holds_no_more_than_a_bound_in_memory_and_is_told_of_all(channel, simulator, monkeypatch):
    monkeypatch.setattr("bannette.collector.courier._MOST_IN_MEMORY", 2)
    monkeypatch.setattr("bannette.collector.courier._MOST_LISTED", 3)
    names = [f"{number}.txt" for number in range(12)]
    for name in names:
        simulator.control.create(f"/Invoices/{name}", name.encode())
    with http_sink(503) as sink:
        tell(channel, sink.url)
        channel.collect()
    assert Counter(told(sink)) - Counter(told(sink)[:1]) == Counter(names)
    assert outbox(channel) == []


def test_a_run_that_fails_tells_of_what_it_collected(channel, simulator):
    drive = simulator.control
    drive.settings(page_size=5)
    for number in range(20):
        drive.create(f"/{number}.txt", f"document {number}".encode())
    pause = {"Retry-After": "86400"}
    drive.add_faults({"like": "throttled for hours", "kinds": ["delta"], "skip": 3, "headers": pause})
    with http_sink() as sink:
        tell(channel, sink.url, onedrive={"folder": "/"})
        ended = channel.collect()
    assert (ended.code, ended.entry["result"]) == (3, "Failed")
    assert len(sink.heard) == ended.entry["collected"] > 0
    assert condition(channel) == DELIVERED


# Who is told, from when on


def test_documents_from_before_are_not_told_of(channel, simulator):
    simulator.control.create("/Invoices/before.txt", b"before")
    channel.collect()
    assert not (channel.binder_folder / "outbox").exists()
    simulator.control.create("/Invoices/after.txt", b"after")
    with http_sink() as sink:
        tell(channel, sink.url)
        channel.collect()
    assert told(sink) == ["after.txt"]


def test_the_condition_goes_with_the_sink(channel, simulator):
    simulator.control.create("/Invoices/a.txt", b"alpha")
    with http_sink() as sink:
        tell(channel, sink.url)
        channel.collect()
    arrivals = channel.status("Binder")["documents"]
    channel.write()
    channel.collect()
    assert channel.status("Binder")["conditions"] == []
    assert channel.status("Binder")["documents"] == arrivals == 1


def test_a_condition_that_says_the_same_keeps_its_time(channel, simulator):
    tell(channel, f"http://localhost:{free_port()}/", secret={"none": "x"})
    simulator.control.create("/Invoices/a.txt", b"alpha")
    channel.collect()
    first = channel.status("Binder")["conditions"]
    channel.collect()
    assert channel.status("Binder")["conditions"] == first
