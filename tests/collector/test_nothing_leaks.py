"""Names of documents, their text, tokens and secrets stay out of everything but the binder."""

from __future__ import annotations

import pytest

from bannette.collector import Run
from bannette.collector.documents import Documents

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


def test_an_unforeseen_error_is_told_without_its_text(channel, drive, monkeypatch, caplog):
    drive.create(f"/Invoices/{NAME}.txt", TEXT)

    def broken(self, read):
        raise KeyError(read.fetched.item.name)

    monkeypatch.setattr(Documents, "commit", broken)
    ended = channel.collect()
    assert ended.code == 1
    assert ended.counts("result", "reason") == ("Failed", "UnexpectedError")
    assert "KeyError" in str(ended.entry["message"])
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
