"""A token that is renewed is kept before it is used, whoever else renews it, and whoever ends the run meanwhile."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import Client, DelegatedSignIn, endpoints_for
from tests.collector.connected import connect, connection_file, delegate, refresh_tokens, sign_in_person
from tests.collector.local_channel import finished
from tests.connect.office import wait_until

# What is done when the renewed token is to be saved, in the process of a run.
MOMENTS = {
    "before it is saved": "kill()",
    "while it is written": "setattr(Path, 'replace', lambda *_: kill()); original(self, held, tokens)",
    "once it is saved": "original(self, held, tokens); kill()",
}
KILLED = """
import os, signal, sys
from pathlib import Path
from bannette.collector.connection_file import ConnectionFile
from bannette.cli.main import main

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

original = ConnectionFile.save

def save(self, held, tokens):
    MOMENT

ConnectionFile.save = save
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def connected(channel, simulator):
    """A channel whose next run renews its token."""
    simulator.control.create("/Invoices/a.txt", "alpha")
    delegate(channel)
    connect(channel, stale=True)
    simulator.control.reset_counters()
    return channel


def graph_requests(simulator):
    requests = simulator.control.counters()["requests"]
    return sum(requests.get(kind, 0) for kind in ("drive", "item", "children", "delta", "content", "download"))


def kept(channel):
    found = connection_file(channel).load()
    assert found is not None
    return found


@pytest.mark.behaviour(6)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_when_it_has_renewed_its_token_loses_nothing(connected, simulator, moment):
    before = refresh_tokens(kept(connected).tokens)
    command = [sys.executable, "-c", KILLED.replace("MOMENT", MOMENTS[moment]), *connected.command()[1:]]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=connected.environment
    )
    assert finished(process).code == -signal.SIGKILL
    # Microsoft has given a new token, and Graph has seen none.
    assert (simulator.control.count("token"), graph_requests(simulator)) == (1, 0)
    assert (refresh_tokens(kept(connected).tokens) == before) == (moment != "once it is saved")
    ended = connected.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 1)
    assert not refresh_tokens(kept(connected).tokens) & before
    assert [path.name for path in connected.state.iterdir() if path.name.startswith(".")] == []


@pytest.mark.behaviour(6)
def test_a_token_that_can_not_be_saved_is_not_used(connected, simulator):
    file = connection_file(connected)
    connection = kept(connected)

    class Full:
        advice = file.advice

        def load(self):
            return connection

        def save(self, held, tokens):
            raise Transient("The API server can't be reached.", reason="ApiUnavailable")

    endpoints = endpoints_for("Global", simulator.environment)
    sign_in = DelegatedSignIn(endpoints, Client(simulator.client_id), Full(), connection)
    for _ in range(2):
        with pytest.raises(Transient, match="API server"):
            sign_in.token()
    assert simulator.control.count("token") == 1
    assert connected.collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(6)
def test_the_token_of_before_is_used_until_a_renewed_one_can_be_saved(channel, simulator, monkeypatch):
    delegate(channel)
    connect(channel)
    file = connection_file(channel)
    cache = json.loads(kept(channel).tokens)
    for entry in cache["AccessToken"].values():
        # Microsoft asks for it to be renewed long before its end.
        entry["refresh_on"] = str(int(time.time()) - 10)
    connection = replace(kept(channel), tokens=json.dumps(cache))
    file.connect(connection)
    (before,) = (entry["secret"] for entry in cache["AccessToken"].values())
    simulator.control.reset_counters()

    class Away:
        advice = file.advice
        tries = 0

        def load(self):
            return file.load()

        def save(self, held, tokens):
            self.tries += 1
            if self.tries <= 2:
                raise Transient("The API server can't be reached.", reason="ApiUnavailable")
            return file.save(held, tokens)

    store = Away()
    monkeypatch.setattr("bannette.onedrive.delegated._PAUSE", 5.0)
    endpoints = endpoints_for("Global", simulator.environment)
    sign_in = DelegatedSignIn(endpoints, Client(simulator.client_id), store, connection)
    assert [sign_in.token() for _ in range(5)] == [before] * 5
    assert store.tries == 1, "it is tried at each use"
    monkeypatch.setattr("bannette.onedrive.delegated._PAUSE", 0.1)
    wait_until(lambda: sign_in.token() != before, "a renewed token is used")
    assert (store.tries, simulator.control.count("token")) == (3, 1)
    assert sign_in.token() in kept(channel).tokens


@pytest.mark.behaviour(8)
def test_two_sign_ins_that_renew_at_once_both_work_and_the_newer_token_stays(connected, simulator):
    simulator.control.add_faults({"like": "sign-in slow", "delay": 3600.0, "times": 2})
    endpoints = endpoints_for("Global", simulator.environment)
    start = threading.Barrier(2)
    tokens: list[str] = []

    def renew():
        store = connection_file(connected)
        sign_in = DelegatedSignIn(endpoints, Client(simulator.client_id), store, kept(connected))
        start.wait()
        tokens.append(sign_in.token())

    threads = [threading.Thread(target=renew) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: simulator.control.count("token") == 2, "both have asked")
    simulator.control.remove_faults("sign-in slow")
    for thread in threads:
        thread.join()
    assert len(set(tokens)) == 2
    assert simulator.control.count("token") == 2
    ended = connected.collect()
    assert ended.counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(8)
def test_the_newer_of_two_renewed_tokens_is_kept_whoever_saves_last(connected, simulator):
    file = connection_file(connected)
    first = kept(connected)
    older = sign_in_person(simulator).tokens.replace('"last_modification_time": "', '"last_modification_time": "1')
    newer = sign_in_person(simulator).tokens.replace('"last_modification_time": "', '"last_modification_time": "2')
    assert file.save(first, newer).tokens == newer
    # This run began with the first one too, and is late.
    assert file.save(first, older).tokens == newer
    assert kept(connected).tokens == newer
    again = connect(connected)
    assert file.save(again, older).tokens == older
    assert file.save(again, newer).tokens == newer


@pytest.mark.parametrize("ended_by", ["disconnected", "replaced"])
def test_a_run_brings_no_connection_back_that_was_removed_or_replaced(connected, simulator, ended_by):
    file = connection_file(connected)
    first = kept(connected)
    endpoints = endpoints_for("Global", simulator.environment)
    sign_in = DelegatedSignIn(endpoints, Client(simulator.client_id), file, first)
    if ended_by == "disconnected":
        file.disconnect()
        with pytest.raises(PersonNeeded) as gone:
            sign_in.token()
        assert gone.value.reason == "NotConnected"
        assert file.load() is None
    else:
        second = connect(connected)
        with pytest.raises(Transient) as replaced:
            sign_in.token()
        assert replaced.value.reason == "ConnectionReplaced"
        assert kept(connected) == second


def test_a_run_under_way_ends_when_its_account_is_disconnected(connected, simulator):
    for number in range(20):
        simulator.control.create(f"/Invoices/f{number}.txt")
    simulator.control.settings(page_size=5, token_seconds=1)
    # It stands still, and is then asked to wait for longer than its token lasts.
    simulator.control.add_faults({"like": "throttled", "headers": {"Retry-After": "2"}, "skip": 2, "delay": 3600.0})
    process = connected.start()
    wait_until(lambda: graph_requests(simulator) > 2, "the run has asked for what it waits for")
    connection_file(connected).disconnect()
    simulator.control.remove_faults("throttled")
    ended = finished(process)
    assert (ended.code, ended.entry["reason"]) == (2, "NotConnected")
    assert connection_file(connected).load() is None


def test_the_connection_is_for_its_owner_alone(connected):
    assert stat.S_IMODE((connected.state / "connection.json").stat().st_mode) == 0o600
    assert connected.collect().code == 0
    assert stat.S_IMODE((connected.state / "connection.json").stat().st_mode) == 0o600


def test_an_account_that_took_the_others_name_is_not_taken_for_it(connected, simulator):
    """The account is its object and tenant, not its name."""
    file = connection_file(connected)
    first = kept(connected)
    other = replace(sign_in_person(simulator), tokens=first.tokens.replace(_uid(first), "00000000-0000"))
    with pytest.raises(PersonNeeded, match="--disconnect") as refused:
        file.connect(other)
    assert refused.value.reason == "WrongAccount"
    assert kept(connected) == first
    assert file.disconnect()
    file.connect(other)
    assert kept(connected) == other


def _uid(connection):
    return connection.tokens.partition('"home_account_id": "')[2].partition(".")[0]


def test_a_connection_with_two_accounts_is_none(connected, simulator):
    first = kept(connected)
    broken = replace(first, tokens=first.tokens.replace('"Account": {', '"Account": {"x": {"home_account_id": "y"},'))
    connection_file(connected).disconnect()
    connection_file(connected).connect(broken)
    ended = connected.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "ConnectionUnreadable")


def test_a_state_folder_that_can_not_be_written_says_so(connected, tmp_path):
    (tmp_path / "file").write_text("")
    blocked = replace(connection_file(connected), folder=tmp_path / "file")
    with pytest.raises(PersonNeeded, match="--state") as refused:
        blocked.connect(kept(connected))
    assert refused.value.reason == "StateUnwritable"
