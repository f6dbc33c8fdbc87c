"""What the probe's pod tells of the program that is told of documents: real sinks, and what is in their place."""

from __future__ import annotations

import json
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bannette.binder import open_store
from bannette.binder.locations import StorePath
from bannette.cli.plugin.findings import Finding, State
from bannette.cli.plugin.inside import answer
from tests.notify.mail_server import Authority
from tests.notify.test_cloud_events import http_sink
from tests.plugin.test_errand import CLAIM, binder, channel

CHECK = "Egress to the sink of binder purchases"


@pytest.fixture
def probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    open_store(StorePath(tmp_path / "volume"))
    # Microsoft isn't the matter here: refused at once.
    for name in ("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL"):
        monkeypatch.setenv(name, "https://127.0.0.1:9")

    def probe(url: str, *, events_ca: Path = Path("/nowhere"), **events: object) -> Finding:
        told = {"url": url, **events}
        reply = answer(["probe"], [channel(), binder(CLAIM, told)], volume=tmp_path / "volume", events_ca=events_ca)
        assert (reply.code, reply.errors) == (0, "")
        found = {one["check"]: Finding.parse(one) for one in json.loads(reply.output)}
        assert list(found)[-1] == CHECK
        return found[CHECK]

    return probe


@pytest.mark.parametrize("status", [200, 204, 401, 404, 405, 500, 501])
def test_whatever_the_program_itself_answers_it_is_reached_and_told_nothing(probed: Any, status: int) -> None:
    with http_sink(status) as sink:
        found = probed(sink.url)
    assert found.state is State.OK, found.message
    ((_, headers, body),) = sink.heard
    assert (body, "Authorization" in headers) == (b"", False)
    assert "canary" not in found.message


@pytest.mark.parametrize(
    ("status", "text"), [(503, "answers with 503"), ((302, ("Location", "https://erp.example")), "redirects, which")]
)
def test_what_stands_before_the_program_is_told(probed: Any, status: Any, text: str) -> None:
    with http_sink(status) as sink:
        found = probed(sink.url)
    assert (found.state, text in found.message) == (State.PROBLEM, True), found.message


def test_a_sink_with_a_token_is_asked_without_it(probed: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with http_sink(tls=authority.context) as sink:
        events = {"secret": {"name": "erp-token"}, "caBundle": {"configMap": "company-ca", "key": "ca.crt"}}
        assert probed(sink.url, events_ca=authority.file, **events).state is State.OK
        unnamed = probed(sink.url)
        missing = probed(sink.url, **events)
    assert (unnamed.state, "Name it in spec.events.caBundle." in unnamed.message) == (State.PROBLEM, True)
    assert (missing.state, "lacks ca.crt: add it" in missing.message) == (State.PROBLEM, True)
    assert len(sink.heard) == 1


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://nobody.invalid/documents", "nobody.invalid isn't known to the name servers. Correct spec.events.url"),
        ("http://127.0.0.1:{port}/", "can't be reached, or doesn't answer. Correct spec.events.url, or let"),
    ],
)
def test_a_program_that_is_not_reached_is_told_with_what_to_do(probed: Any, url: str, text: str) -> None:
    with socket.socket() as silent:
        # It is taken, so that nobody begins to listen there.
        silent.bind(("127.0.0.1", 0))
        found = probed(url.format(port=silent.getsockname()[1]))
    assert (found.state, text in found.message) == (State.PROBLEM, True), found.message


def test_an_address_to_which_no_event_goes_is_told(probed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bannette.notify.addresses._METADATA", (ip_network("127.0.0.0/8"), ip_network("::1/128")))
    with http_sink() as sink:
        found = probed(sink.url)
    assert (found.state, "no event goes there" in found.message) == (State.PROBLEM, True)
    assert sink.heard == []
