"""Names of documents, their text, tokens and secrets stay out of everything but the binder."""

from __future__ import annotations

import json
import subprocess

import pytest

from bannette.collector import Run
from bannette.collector.documents import Candidate, Documents, Fetched
from tests.collector.connected import browser, connect, connection_file, delegate
from tests.collector.local_channel import BANNETTE, finished, wait_until
from tests.collector.test_events_told import tell
from tests.notify.test_cloud_events import http_sink

NAME = "Zanzibarium-Kanarek"
TEXT = "Quixotischer Wortlaut"


@pytest.fixture
def drive(simulator):
    return simulator.control


def files_with(folder, *words):
    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found |= {word for word in words if word.encode() in data}
    return found


@pytest.mark.behaviour(49)
@pytest.mark.parametrize(
    "fault",
    [
        None,
        "item locked",
        "malware",
        "connection cut always",
        "html instead",
        "different bytes each time",
        "redirect to another host",
        "item gone",
        "truncated json",
        "html page",
        "error 502",
        "token refused",
        "secret expired",
    ],
)
def test_names_texts_and_tokens_appear_in_the_binder_only(channel, drive, tmp_path, fault):
    secret = "simulated-Geheimnis-77"
    drive.application(channel.simulator.client_id, secrets=[secret])
    channel.write(secret={"clientSecret": secret})
    drive.create(f"/Invoices/{NAME}.txt", TEXT)
    drive.create(f"/Invoices/{NAME}/{NAME}.pdf", f"%PDF-1.4 {TEXT}")
    if fault:
        drive.add_faults({"like": fault, "times": 3})
    log = tmp_path / "termination-log"
    token = drive.sign_in()["access_token"].partition(".")[0]
    ended = channel.command_ends("--debug", environment={"BANNETTE_TERMINATION_LOG": str(log)})
    said = ended.stdout + ended.stderr + log.read_text()
    assert "run.finished" in said
    for word in (NAME, TEXT, secret, "tempauth", token):
        assert word not in said
    assert files_with(channel.state, NAME, TEXT, secret, token) == set()
    assert files_with(channel.binder_folder, secret, token) == set()
    if fault is None:
        assert files_with(channel.binder_folder, NAME, TEXT) == {NAME, TEXT}


@pytest.mark.parametrize("answer", [202, 401, 422])
def test_what_a_sink_is_told_and_its_token_appear_nowhere_else(channel, drive, tmp_path, answer):
    secret, log = "simulated-Geheimnis-78", tmp_path / "termination-log"
    drive.create(f"/Invoices/{NAME}.txt", TEXT)
    with http_sink(*[answer] * 1000) as sink:
        tell(channel, sink.url, secret={"token": secret})
        ended = channel.command_ends("--debug", environment={"BANNETTE_TERMINATION_LOG": str(log)})
    said = ended.stdout + ended.stderr + log.read_text()
    assert "events.ended" in said
    for word in (NAME, TEXT, secret, "canary-of-the-url"):
        assert word not in said
    assert files_with(channel.state, NAME, TEXT, secret, "canary-of-the-url") == set()
    assert files_with(channel.binder_folder, secret, "canary-of-the-url") == set()
    assert secret in str(sink.heard[0])


@pytest.mark.parametrize(
    "fault",
    [
        None,
        "truncated json",
        "token refused once",
        "token refused",
        "claims challenge",
        "password changed",
        "secret expired",
        "sign-in unavailable",
        "sign-in cut",
        {"like": "sign-in unavailable", "status": 400, "code": None, "body": '{"access_token": "half'},
        {"like": "sign-in unavailable", "status": 200, "code": None, "body": "<html>half"},
    ],
    ids=str,
)
def test_the_tokens_of_a_connected_account_appear_in_its_own_file_only(channel, drive, tmp_path, fault):
    delegate(channel)
    first = connect(channel, stale=True)
    drive.create(f"/Invoices/{NAME}.txt", TEXT)
    if fault:
        drive.add_faults({**(fault if isinstance(fault, dict) else {"like": fault}), "times": 3})
    log = tmp_path / "termination-log"
    ended = channel.command_ends("--debug", environment={"BANNETTE_TERMINATION_LOG": str(log)})
    kept = connection_file(channel).load()
    assert kept is not None
    secrets = {secret for tokens in (first.tokens, kept.tokens) for secret in tokens_in(tokens)}
    assert len(secrets) >= 3
    said = ended.stdout + ended.stderr + log.read_text()
    assert "run.finished" in said
    for word in (*secrets, NAME, TEXT, channel.simulator.user, _oid(first)):
        assert word not in said
    channel.file.unlink()
    (channel.state / "connection.json").unlink()
    assert files_with(tmp_path, *secrets) == set()
    assert files_with(channel.state, channel.simulator.user, _oid(first)) == set()


@pytest.mark.parametrize("way", ["browser", "device code", "another account", "declined", "sign-in cut"])
def test_connecting_shows_no_token_and_no_code(channel, drive, tmp_path, way):
    delegate(channel)
    drive.settings(device_interval=1)
    if way == "declined":
        drive.settings(person_says="no")
    if way == "another account":
        drive.person("zanzibar.kanarek@acme.example")
        drive.settings(person="zanzibar.kanarek@acme.example")
    if way == "sign-in cut":
        drive.add_faults({"like": "sign-in cut", "times": None})
    program = "" if way == "device code" else str(browser(tmp_path, channel.simulator))
    command = [BANNETTE, "connect", "--debug", "-f", str(channel.file), "--state", str(channel.state)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**channel.environment, "BROWSER": program, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
    )
    if way == "device code":
        wait_until(lambda: drive.count("devicecode"), "the code")
        wait_until(lambda: drive.count("token"), "a question")
        drive.answer_devices()
    ended = finished(process)
    said = ended.stdout + ended.stderr
    kept = connection_file(channel).load()
    assert (kept is not None) == (way in ("browser", "device code"))
    secrets = tokens_in(kept.tokens) if kept else set()
    for word in (*secrets, "code=", "code_verifier", "zanzibar", "login_hint", "EwB", "Trace ID"):
        assert word not in said
    if kept is not None:
        (channel.state / "connection.json").unlink()
        assert files_with(tmp_path, *secrets) == set()


def tokens_in(cache):
    """Every token of msal's serialized cache."""
    return {entry["secret"] for kind in json.loads(cache).values() for entry in kind.values() if "secret" in entry}


def _oid(connection):
    return connection.tokens.partition('"home_account_id": "')[2].partition(".")[0]


@pytest.mark.parametrize("stage", ["fetch", "unread", "read", "commit"])
def test_an_unforeseen_error_puts_off_its_document_and_is_told_without_its_text(
    channel, drive, stage, monkeypatch, caplog
):
    """At any stage of one document: those behind it arrive."""
    channel.write(spec={"ocr": {"enabled": stage in ("read", "commit"), "languages": ["eng"]}})
    drive.create(f"/Invoices/{NAME}.txt", TEXT)
    drive.create("/Invoices/behind.txt", "Behind it")
    real = getattr(Documents, stage)

    def broken(self, given):
        item = given.item if isinstance(given, Candidate | Fetched) else given.fetched.item
        if item.name.startswith(NAME):
            raise KeyError(item.name)
        return real(self, given)

    monkeypatch.setattr(Documents, stage, broken)
    ended = channel.collect()
    assert ended.counts("result", "collected", "deferred") == ("PartiallySucceeded", 1, 1)
    assert [pending["reason"] for pending in channel.saved_state()["deferred"]] == ["UnexpectedError"]
    assert "document.crashed error=KeyError" in caplog.text
    assert "in broken" in caplog.text
    assert NAME not in caplog.text + ended.stdout
    monkeypatch.undo()
    assert channel.collect().counts("result", "collected", "deferred") == ("Succeeded", 1, 0)


@pytest.mark.parametrize("error", [OSError, MemoryError])
def test_an_unforeseen_error_of_the_machine_ends_the_run_and_is_told_without_its_text(
    channel, drive, error, monkeypatch, caplog
):
    drive.create(f"/Invoices/{NAME}.txt", TEXT)

    def broken(self, read):
        raise error(read.fetched.item.name)

    monkeypatch.setattr(Documents, "commit", broken)
    ended = channel.collect()
    assert ended.code == 1
    assert ended.counts("result", "reason") == ("Failed", "UnexpectedError")
    assert error.__name__ in str(ended.entry["message"])
    assert "in broken" in caplog.text
    assert NAME not in caplog.text + ended.stdout
    monkeypatch.undo()
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)


def test_an_unforeseen_error_outside_the_threads_is_told_without_its_text(channel, monkeypatch, caplog):
    def broken(self):
        raise ValueError(NAME)

    monkeypatch.setattr(Run, "_collect", broken)
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (1, "UnexpectedError")
    assert NAME not in caplog.text + ended.stdout
