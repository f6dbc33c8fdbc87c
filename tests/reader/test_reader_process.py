"""``bannette inbox serve`` as a process: whom it serves, what it logs, and when it ends."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress

import pytest
import requests

from tests.collector.local_channel import BANNETTE
from tests.reader.conftest import SECONDS, TOKEN, eventually, serving

WRONG = (None, "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer " + "x" * 9000)


def test_without_the_token_nothing_is_told(reader):
    reader.session.headers.pop("Authorization")
    for path in ("/documents", "/documents/" + "0" * 32, "/runs", "/channels", "/no/such"):
        for wrong in WRONG:
            answer = reader.get(path, headers={"Authorization": wrong} if wrong else {})
            assert (answer.status_code, answer.json()["reason"]) == (401, "WrongToken")


def test_a_binder_of_another_resource_is_not_shown(folder, binder, add):
    document = add("a.pdf")
    with serving(folder) as reader:
        # At once: the reader must not find half a file.
        (folder / "new").write_text((folder / "binder.json").read_text().replace(binder.uid, "another"))
        (folder / "new").rename(folder / "binder.json")
        eventually(lambda: reader.get("/documents").status_code == 409, "the foreign binder is refused")
        assert reader.get("/documents?state=all").json()["reason"] == "BinderReplaced"
        assert reader.get(f"/documents/{document}").status_code == 409


def test_a_binder_that_is_away_is_said_and_shown_when_it_is_back(folder, reader, add):
    add("a.pdf")
    assert reader.names() == ["a.pdf"]
    shutil.move(folder, f"{folder}.away")
    eventually(lambda: reader.get("/documents").status_code == 409, "the missing binder is told")
    assert reader.get("/documents").json()["reason"] == "BinderNotFound"
    shutil.move(f"{folder}.away", folder)
    eventually(lambda: reader.get("/documents").status_code == 200, "the binder is back")
    assert reader.names() == ["a.pdf"]


def test_nobody_asking_ends_the_process_in_good_order(folder, binder):
    with serving(folder, "--idle", "2") as reader:
        # Strangers and probes don't keep it.
        until = time.monotonic() + SECONDS
        while reader.process.poll() is None:
            assert time.monotonic() < until, "the idle reader runs on"
            with suppress(requests.RequestException):
                requests.get(f"{reader.url}/documents", timeout=5)
                requests.get(f"{reader.url}/healthz", timeout=5)
            time.sleep(0.1)
        assert reader.process.returncode == 0


def test_a_signal_ends_it_in_good_order(reader):
    reader.process.terminate()
    assert reader.process.wait(SECONDS) == 0


def test_logs_hold_no_token_no_words_and_no_name(folder, binder, add):
    document = add("geheim.pdf", derived={"text": b"vertraulich"})
    with serving(folder) as reader:
        reader.get("/documents?q=vertraulich")
        reader.get(f"/documents/{document}")
        reader.get(f"/documents/{document}/files/original")
        reader.process.terminate()
        reader.process.wait(SECONDS)
        log = reader.log()
    assert "route=/documents/{id}/files/{role}" in log
    for secret in (TOKEN, "vertraulich", "geheim", document):
        assert secret not in log


@pytest.mark.parametrize(
    ("environment", "said"), [({}, "BANNETTE_INBOX_READER"), ({"BANNETTE_INBOX_READER": "x"}, "SHA-256")]
)
def test_without_a_digest_it_serves_nobody(folder, binder, environment, said, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [BANNETTE, "inbox", "serve", "--binder", str(folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert said in done.stderr


def test_outside_of_a_pod_it_says_so(tmp_path):
    done = subprocess.run([BANNETTE, "inbox", "serve", "--in-cluster"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "BANNETTE_BINDER" in done.stderr
