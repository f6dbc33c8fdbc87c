"""Accounts for work, school and home, in each of Microsoft's clouds."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from bannette.onedrive import endpoints_for
from bannette.onedrive.connection import files_scope
from simulator.testing import Simulator
from tests.collector.connected import connect, connection_file, delegate, new_consent
from tests.collector.local_channel import LocalChannel

CLOUDS = {
    "Global": ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "USGovernment": ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "China": ("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
}


@pytest.fixture(scope="module")
def home():
    with Simulator(flavour="personal") as started:
        yield started


@pytest.fixture
def personal(home, tmp_path):
    """A channel of a personal account."""
    home.control.reset()
    made = LocalChannel(tmp_path, home)
    delegate(made)
    connect(made, stale=True)
    return made


@pytest.mark.behaviour(17)
def test_a_personal_account_is_collected_with_a_token_that_nobody_reads(personal, home):
    home.control.create("/Invoices/a.txt", "alpha")
    token = home.control.sign_in()["access_token"]
    # Of a personal account it is no JWT: whoever would read it would fail.
    assert "." not in token
    assert personal.command_ends().counts("result", "collected") == ("Succeeded", 1)


def test_one_token_serves_a_run_though_its_permission_is_spelled_in_another_way(personal, home):
    """msal looks tokens up by the spelling that was asked for, and would fetch one for every request."""
    home.control.settings(bare_scopes=True, page_size=3)
    for number in range(9):
        home.control.create(f"/Invoices/f{number}.txt")
    connect(personal)
    home.control.reset_counters()
    assert personal.collect().counts("result", "collected") == ("Succeeded", 9)
    assert home.control.count("token") == 1


@pytest.mark.behaviour(22)
def test_a_personal_drives_id_may_change_its_spelling_between_runs(personal, home):
    home.control.create("/Invoices/a.txt", "alpha")
    for spelling in ("mixed", "upper", "short", "lower"):
        home.control.settings(drive_case=spelling)
        home.control.expire_cursors()
        assert personal.collect().code == 0
    (record,) = personal.records()
    assert (record.name, len(record.drive)) == ("a.txt", 16)
    assert record.drive == record.drive.lower()


@pytest.mark.parametrize("kind", ["application", "delegated"])
@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("delta", [True, False], ids=["delta", "no delta"])
def test_every_cloud_is_collected_once(channel, simulator, cloud, kind, delta):
    """At the simulator's address, which takes the place of the cloud's origins."""
    simulator.control.settings(delta=delta)
    simulator.control.create("/Invoices/a.txt", "alpha")
    simulator.control.create("/Invoices/below/b.txt", "beta")
    if kind == "delegated":
        delegate(channel, cloud=cloud)
        connect(channel, stale=True)
    else:
        channel.write(onedrive={"cloud": cloud})
    assert channel.collect().counts("result", "collected") == ("Succeeded", 2)
    assert channel.collect().counts("result", "collected") == ("Succeeded", 0)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_cloud_has_its_own_sign_in_graph_and_permission(cloud):
    authority, graph = CLOUDS[cloud]
    endpoints = endpoints_for(cloud, {})
    assert (endpoints.authority, endpoints.graph) == (authority, graph)
    assert files_scope(endpoints) == f"{graph}/Files.Read"
    assert endpoints.known_authority


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_sign_in_page_is_asked_for_one_permission_for_all_kinds_of_accounts(simulator, cloud):
    visit = new_consent(simulator, cloud=cloud).begin_visit("http://localhost:1")
    parts = urlsplit(visit.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert parts.path == "/common/oauth2/v2.0/authorize"
    scopes = set(query["scope"].split())
    assert scopes == {f"{simulator.origin}/Files.Read", "offline_access", "openid", "profile"}
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["nonce"]
    assert query["login_hint"] == simulator.user


def test_a_drive_of_somebody_else_is_beyond_the_permission(channel, simulator):
    theirs = simulator.control.drive("b!TheirsAndNotMine")["drive"]
    simulator.control.create("/Invoices/a.txt", "alpha", drive=theirs)
    delegate(channel, drive=theirs)
    connect(channel, stale=True)
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "AccessDenied")


def test_another_account_of_the_same_channel_is_walked_from_the_start(channel, simulator):
    """The cursor of one account's drive is never used for another's."""
    delegate(channel)
    connect(channel)
    simulator.control.create("/Invoices/a.txt", "alpha")
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)
    other = "marie@acme.example"
    drive = simulator.control.person(other)["drive"]
    simulator.control.create("/Invoices/b.txt", "beta", drive=drive)
    account = {"loginHint": other, "clientId": simulator.client_id}
    channel.write(onedrive={"account": {"delegated": account}})
    assert channel.collect().entry["reason"] == "NotConnected"
    connection_file(channel).disconnect()
    consent = new_consent(simulator, user=other)
    code = consent.begin_with_code()
    simulator.control.answer_devices(user=other)
    connection = consent.ask(code)
    assert connection is not None
    assert set(json.loads(connection.tokens)["Account"].popitem()[1]["username"].split()) == {other}
    connection_file(channel).connect(connection)
    ended = channel.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 1)
    assert channel.names() == ["a.txt", "b.txt"]
