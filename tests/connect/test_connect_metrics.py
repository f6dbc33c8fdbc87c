"""What the service tells Prometheus, at a port of its own: what happened how often, and nothing of whom to."""

from __future__ import annotations

import http.client
import secrets
import socket
from datetime import UTC, datetime

import pytest
import requests

from bannette.connect import Settings, new_server, settings_of
from bannette.connect.exposition import exposing
from bannette.connect.metrics import AskingFigures, Metrics
from bannette.console.app import Console
from bannette.console.settings import ConsoleSettings
from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi
from bannette.web.guard import Answered
from devcluster.processes import free_ports
from tests.asking.firm import links_in
from tests.connect.office import (
    NAME,
    PUBLIC,
    Process,
    at_work,
    browser_of,
    kubectl_proxy,
    listening,
    listens,
    wait_until,
)
from tests.connect.scrape import scraped, series
from tests.connect.test_wrong_links import tampered
from tests.notify.mail_server import mail_server

HOST = PUBLIC.removeprefix("https://")
ASKED_AND_MET = {
    "conditions": [
        {"type": "Connected", "status": "False", "reason": "NotSignedIn", "lastTransitionTime": "2026-11-01T00:00:00Z"},
        {"type": "PrerequisitesMet", "status": "True", "reason": "Met", "lastTransitionTime": "2026-11-01T00:00:00Z"},
    ]
}


@pytest.mark.apiserver
@pytest.mark.timeout(180)
def test_a_mail_and_the_sign_in_that_it_leads_to_are_counted_and_nobody_is_named(office, simulator, tmp_path):
    (port,) = free_ports(1)
    with mail_server() as mails, kubectl_proxy(office.server) as proxy:
        environ = {
            "BANNETTE_CONNECT_METRICS_PORT": str(port),
            "BANNETTE_SMTP_HOST": "localhost",
            "BANNETTE_SMTP_PORT": str(mails.port),
            "BANNETTE_SMTP_SECURITY": "none",
            "BANNETTE_SMTP_FROM": "Acme <documents@acme.example>",
            "BANNETTE_MAIL_SETTLE_SECONDS": "1",
        }
        with Process(office, proxy, tmp_path, **environ) as process:
            before = scraped(port)
            assert before["mails_sent_total{kind=Connect}"] == 0
            assert before["keys"] == 1
            assert [before[f"recipients{{state={state}}}"] for state in ("asked", "unasked")] == [0, 0]

            office.open(locale="en", company="Canary Company")
            office.change("collectionchannels", NAME, {"status": ASKED_AND_MET}, status=True)
            wait_until(lambda: scraped(port)["recipients{state=asked}"] == 1, "the recipient was asked")
            (mail,) = mails.taken.mails
            (link,) = links_in(mail)
            browser = browser_of(office, process.port)
            done = browser.send(browser.open(link))
            assert done.heading == "Your OneDrive is connected"
            browser.open(tampered(link))
            office.change(
                "collectionchannels", NAME, {"metadata": {"annotations": {"bannette.io/check-connection": "A"}}}
            )
            wait_until(lambda: scraped(port)["checks_total{outcome=Connected}"] == 1, "the connection was checked")
            browser.send(browser.open(next(link for link in done.parsed.links if "/disconnect" in link)))
            office.change("collectionchannels", NAME, {"metadata": {"annotations": {"bannette.io/disconnect": "A"}}})
            wait_until(
                lambda: scraped(port)["disconnections_total{by=request}"] == 1, "the request to disconnect was met"
            )

            after = scraped(port)
            told = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
            for path in ("/", "/healthz", f"/c/acme/{NAME}"):
                assert requests.get(f"http://127.0.0.1:{port}{path}", timeout=60).status_code == 404
            assert browser.request("GET", f"{PUBLIC}/metrics").status == 404
        assert process.code == 0
    assert not listens(port)
    expected = {
        "mails_sent_total{kind=Connect}": 1,
        "mail_outage": 0,
        "sign_ins_begun_total": 1,
        "sign_ins_finished_total": 1,
        "refusals_total{fault=link_forged}": 1,
        "disconnections_total{by=page}": 1,
        "requests_total{method=GET,route=/callback,status=3xx}": 1,
        "requests_total{method=POST,route=/c/{namespace}/{name}/visit,status=3xx}": 1,
        "requests_total{method=GET,route=/c/{namespace}/{name},status=4xx}": 1,
        "request_duration_seconds_count{route=/callback}": 1,
    }
    assert {name: after.get(name) for name in expected} == expected
    assert abs(after["last_look_timestamp_seconds"] - datetime.now(UTC).timestamp()) < 180
    token = link.partition("?t=")[2]
    names = ("acme", "marie", "purchases", "Canary", "Factures", HOST, simulator.user, token, *browser.cookies.values())
    assert [name for name in names if name in told] == []


def stranger(port: int, method: str, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": HOST})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_thousand_addresses_and_methods_of_strangers_make_no_series_of_their_own(tmp_path):
    (tmp_path / "key").write_text(secrets.token_hex(32))
    metrics = Metrics()
    with listening() as (port, listener):
        api = ClusterApi("http://127.0.0.1:1", namespace="default", attempts=1)
        settings = Settings(PUBLIC, tmp_path, "127.0.0.1", port, {})
        console = Console(ConsoleSettings(), settings, api).routes()
        with at_work(new_server(settings, api, console, metrics=metrics), listener):
            requests_of_strangers(port)
    told = metrics.exposition().decode()
    assert "canary" not in told.lower()
    counted = {name: value for name, value in series(told).items() if name.startswith("requests_total")}
    assert sum(counted.values()) == 1100
    assert len(counted) <= 12
    assert counted["requests_total{method=GET,route=none,status=4xx}"] == 600
    assert counted["requests_total{method=GET,route=/console/channels/{namespace}/{name},status=3xx}"] == 100
    assert counted["requests_total{method=other,route=/callback,status=4xx}"] == 100


def requests_of_strangers(port: int) -> None:
    for number in range(100):
        canary = f"canary{number}"
        for path in (
            f"/{canary}",
            f"/{canary}/{canary}",
            f"/c/{canary}/{canary}",
            f"/c/acme/{canary}?t={canary}",
            f"/c/{canary}",
            f"/console/{canary}",
            f"/console/channels/{canary}/{canary}",
            f"/static/{canary}.css",
            f"/callback?state={canary}",
            f"/callback/{canary}",
        ):
            assert stranger(port, "GET", path) < 500
        assert stranger(port, f"CANARY{number}", "/callback") == 405


def test_whoever_goes_before_an_answer_is_counted_without_a_status():
    metrics = Metrics()
    metrics.answered(Answered("GET", "none", 0, 0.2))
    assert series(metrics.exposition().decode())["requests_total{method=GET,route=none,status=none}"] == 1


def figures(**changes) -> AskingFigures:
    usual = {"asked": 3, "unasked": 2, "looked_at": datetime(2026, 12, 1, tzinfo=UTC), "outage": True}
    return AskingFigures(**(usual | changes))


def state(keys, trouble, asking) -> dict[str, float]:
    """The gauges of a service in that state."""
    metrics = Metrics()
    metrics.watch(keys=keys, trouble=lambda: trouble, asking=asking)
    return series(metrics.exposition().decode())


@pytest.mark.parametrize(("trouble", "told"), [("", None), (None, 1), ("Nothing answers there.", 0)])
def test_the_address_is_told_of_once_it_is_known_whether_it_leads_here(tmp_path, trouble, told):
    keys = Settings(PUBLIC, tmp_path, "127.0.0.1", 1, {}).load_keys
    assert state(keys, trouble, None).get("address_reachable") == told


def test_keys_that_cannot_be_read_are_none(tmp_path):
    keys = Settings(PUBLIC, tmp_path, "127.0.0.1", 1, {}).load_keys
    assert state(keys, None, None)["keys"] == 0
    (tmp_path / "2026-11-01").write_text("k" * 40)
    (tmp_path / "2026-12-01").write_text("l" * 40)
    assert state(keys, None, None)["keys"] == 2


def test_who_is_waited_for_is_told_where_mails_are_sent_alone(tmp_path):
    keys = Settings(PUBLIC, tmp_path, "127.0.0.1", 1, {}).load_keys
    names = {"recipients{state=asked}", "recipients{state=unasked}", "last_look_timestamp_seconds", "mail_outage"}
    told = state(keys, None, figures)
    assert [told[name] for name in sorted(names)] == [figures().looked_at.timestamp(), 1, 3, 2]
    assert not names & state(keys, None, None).keys()
    assert "last_look_timestamp_seconds" not in state(keys, None, lambda: figures(looked_at=None))


def test_a_port_that_is_taken_is_told_with_its_setting(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PersonNeeded, match="BANNETTE_CONNECT_METRICS_PORT") as refused,
            exposing(Metrics(), "127.0.0.1", port),
        ):
            pass
    assert refused.value.reason == "CannotListen"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_port_is_open_as_long_as_the_service_runs(address):
    (port,) = free_ports(1)
    metrics = Metrics()
    metrics.sign_in_begun()
    with exposing(metrics, address, port):
        host = f"[{address}]" if ":" in address else address
        answer = requests.get(f"http://{host}:{port}/metrics", timeout=10)
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert series(answer.text)["sign_ins_begun_total"] == 1
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{host}:{port}/metrics", timeout=10)


@pytest.mark.parametrize(("value", "port"), [(None, 0), ("", 0), ("0", 0), ("9100", 9100)])
def test_the_port_is_closed_unless_it_is_named(tmp_path, value, port):
    environ = {"BANNETTE_PUBLIC_URL": PUBLIC, "BANNETTE_CONNECT_KEYS": str(tmp_path)}
    given = environ if value is None else environ | {"BANNETTE_CONNECT_METRICS_PORT": value}
    assert settings_of(given).metrics_port == port
