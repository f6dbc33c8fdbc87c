"""The connect command as it is: a browser that is a small program, Microsoft's page, and the loopback port between."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import time
from contextlib import suppress

import jwt
import pytest
import yaml

from bannette.cli.connect import _by_code, has_browser
from bannette.errors import PersonNeeded
from tests.collector.connected import (
    answer_of,
    browser,
    connect,
    connection_file,
    delegate,
    new_consent,
    refresh_tokens,
)
from tests.collector.local_channel import BANNETTE, Ended, finished

NOBODY = {"BROWSER": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


class Connecting:
    """Runs ``bannette connect`` for a channel."""

    def __init__(self, channel, folder):
        self.channel = channel
        self.folder = folder

    def start(self, *arguments, browser_program=None):
        program = {"BROWSER": str(browser_program)} if browser_program else NOBODY
        command = [BANNETTE, "connect", "-f", str(self.channel.file), "--state", str(self.channel.state), *arguments]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.channel.environment, **program},
        )

    def __call__(self, *arguments, browser_program=None) -> Ended:
        return finished(self.start(*arguments, browser_program=browser_program), within=60)

    def with_code(self, *arguments, then) -> Ended:
        """Start with a device code, do *then* once the code is shown, and return how it ended."""
        process = self.start("--device-code", *arguments)
        assert process.stdout is not None
        shown = ""
        while "enter the code" not in shown:
            line = process.stdout.readline()
            assert line, process.communicate()
            shown += line
        then()
        ended = finished(process, within=60)
        return Ended(ended.code, shown + ended.stdout, ended.stderr)

    def browser_log(self):
        return json.loads((self.folder / "browser.log").read_text())


@pytest.fixture
def connecting(channel, tmp_path, simulator):
    delegate(channel)
    simulator.control.create("/Invoices/a.txt", "alpha")
    simulator.control.settings(device_interval=1)
    return Connecting(channel, tmp_path)


def test_a_browser_connects_the_account_and_the_next_run_collects(connecting, channel, simulator, tmp_path):
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 0, ended.stderr
    assert "one permission, Files.Read" in ended.stdout
    assert f"Connected: {simulator.user}." in ended.stdout
    assert "--disconnect" in ended.stdout
    assert stat.S_IMODE((channel.state / "connection.json").stat().st_mode) == 0o600
    ((status, text),) = connecting.browser_log()
    assert status == 200
    assert "close this window" in text
    assert channel.command_ends().counts("result", "collected") == ("Succeeded", 1)
    kept = connection_file(channel).load()
    assert kept is not None
    (scope,) = {entry["target"] for entry in json.loads(kept.tokens)["AccessToken"].values()}
    files = [word for word in scope.split() if word.startswith("https://")]
    assert files == [f"{simulator.origin}/Files.Read"]


def test_a_confidential_application_connects_too(connecting, channel, simulator, tmp_path):
    simulator.control.application(redirect_uris={"http://localhost": "web"})
    delegate(channel, secret={"clientSecret": simulator.client_secret})
    assert connecting(browser_program=browser(tmp_path, simulator)).code == 0
    assert channel.command_ends().counts("result", "collected") == ("Succeeded", 1)


def test_without_a_file_the_usage_is_told(tmp_path):
    done = subprocess.run([BANNETTE, "connect"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "-f FILE" in done.stderr


def test_an_account_that_signs_in_by_itself_has_nothing_to_connect(connecting, channel):
    channel.write()
    ended = connecting()
    assert ended.code == 2
    assert "account.application" in ended.stderr


@pytest.mark.parametrize("way", ["browser", "code"])
def test_another_account_is_refused_and_nothing_of_it_is_kept(connecting, channel, simulator, tmp_path, way):
    simulator.control.person("somebody.else@acme.example")
    if way == "browser":
        simulator.control.settings(person="somebody.else@acme.example")
        ended = connecting(browser_program=browser(tmp_path, simulator))
    else:
        ended = connecting.with_code(then=lambda: simulator.control.answer_devices(user="somebody.else@acme.example"))
    assert ended.code == 2
    assert "Another account signed in" in ended.stderr
    assert "somebody" not in ended.stdout + ended.stderr
    assert connection_file(channel).load() is None


def test_the_address_may_be_spelled_in_other_case(connecting, channel, simulator, tmp_path):
    account = {"loginHint": simulator.user.upper(), "clientId": simulator.client_id}
    channel.write(onedrive={"account": {"delegated": account}})
    assert connecting(browser_program=browser(tmp_path, simulator)).code == 0
    assert channel.collect().code == 0


@pytest.mark.parametrize(
    ("says", "told"),
    [("no", "AADSTS65004"), ("admin", "adminconsent?client_id=bannette-collector")],
)
def test_a_consent_that_is_refused_is_told(connecting, channel, simulator, tmp_path, says, told):
    simulator.control.settings(person_says=says)
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert told in ended.stdout + ended.stderr
    assert connection_file(channel).load() is None


@pytest.mark.parametrize("platform", ["web", "spa"])
def test_a_redirect_under_another_platform_names_the_mistake(connecting, channel, simulator, tmp_path, platform):
    simulator.control.application(redirect_uris={"http://localhost": platform})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert "Mobile and desktop applications" in ended.stderr
    assert connection_file(channel).load() is None


def test_a_secret_for_a_public_application_names_the_mistake(connecting, channel, simulator, tmp_path):
    delegate(channel, secret={"clientSecret": simulator.client_secret})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert "leave credentialsSecret out" in ended.stderr


def test_answers_with_a_foreign_state_are_refused_and_the_right_one_is_taken(connecting, simulator, tmp_path):
    program = browser(tmp_path, simulator, answers={"state": "forged"}, times=2)
    ended = connecting(browser_program=program)
    assert ended.code == 0, ended.stderr
    assert [status for status, _ in connecting.browser_log()] == [400, 400, 200]


def test_an_answer_is_taken_once(connecting, simulator, tmp_path):
    ended = connecting(browser_program=browser(tmp_path, simulator, times=3))
    assert ended.code == 0, ended.stderr
    statuses = [status for status, _ in connecting.browser_log()]
    assert statuses[0] == 200
    assert not {200} & set(statuses[1:])


@pytest.mark.parametrize("forged", ["code", "error"])
def test_a_forged_code_connects_nothing(connecting, channel, simulator, tmp_path, forged):
    program = browser(tmp_path, simulator, answers={forged: "forged<script>"})
    ended = connecting(browser_program=program)
    assert (ended.code == 2) == (forged == "code")
    assert "forged" not in ended.stdout + ended.stderr


def test_a_code_of_another_sign_in_is_refused(simulator):
    """PKCE and the nonce bind the answer to the visit that asked for it."""
    mine, theirs = (new_consent(simulator) for _ in range(2))
    my_visit, their_visit = mine.begin_visit("http://localhost:1"), theirs.begin_visit("http://localhost:1")
    stolen = {**answer_of(simulator, their_visit.url), "state": my_visit.state}
    with pytest.raises(PersonNeeded, match="AADSTS501481") as refused:
        mine.finish_visit(my_visit, stolen)
    assert "stolen" not in str(refused.value)


FORGED = {
    "another application's": {"aud": "another-app"},
    "expired": {"exp": 1},
    "another tenant's issuer": {"iss": "https://login.example/other/v2.0"},
    "of nobody": {"oid": ""},
    "another visit's": {"nonce": "another"},
    "missing": None,
}


@pytest.mark.parametrize("forged", FORGED)
def test_an_id_token_that_is_not_meant_for_this_sign_in_connects_nothing(simulator, forged):
    consent = new_consent(simulator)
    visit = consent.begin_visit("http://localhost:1")
    given = simulator.control.sign_in()
    claims = {
        "iss": f"https://login.example/{simulator.tenant_id}/v2.0",
        "aud": simulator.client_id,
        "exp": time.time() + 600,
        "oid": "some-object",
        "tid": simulator.tenant_id,
        "preferred_username": simulator.user,
        "nonce": hashlib.sha256(visit.flow["nonce"].encode()).hexdigest(),
    }
    changed = FORGED[forged]
    if changed is None:
        del given["id_token"]
    else:
        given["id_token"] = jwt.encode(claims | changed, "k" * 32, algorithm="HS256")
    answer = answer_of(simulator, visit.url)
    simulator.control.add_faults(
        {"name": "forged", "kinds": ["token"], "status": 200, "code": None, "body": json.dumps(given)}
    )
    with pytest.raises(PersonNeeded, match="nothing was kept") as refused:
        consent.finish_visit(visit, answer)
    assert refused.value.reason == "SignInMismatch"


def test_an_answer_is_good_for_one_visit(simulator):
    consent = new_consent(simulator)
    visit = consent.begin_visit("http://localhost:1")
    answer = answer_of(simulator, visit.url)
    assert consent.finish_visit(visit, answer).account == simulator.user
    with pytest.raises(PersonNeeded, match="nothing was kept"):
        consent.finish_visit(visit, answer)


def test_nobody_who_signs_in_ends_it_after_the_timeout(connecting, tmp_path):
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexit 0\n")
    idle.chmod(0o755)
    started = time.monotonic()
    ended = connecting("--timeout", "1", browser_program=idle)
    assert ended.code == 2
    assert "Nobody signed in within 1 s" in ended.stderr
    assert time.monotonic() - started < 20


def test_a_browser_that_does_not_open_is_replaced_by_a_code(connecting, simulator, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    process = connecting.start(browser_program=broken)
    assert process.stdout is not None
    shown = ""
    while "enter the code" not in shown:
        line = process.stdout.readline()
        assert line, process.communicate()
        shown += line
    simulator.control.answer_devices()
    assert finished(process, within=60).code == 0
    assert "No browser could be opened" in shown


@pytest.mark.behaviour(16)
def test_a_code_connects_once_the_person_has_entered_it(connecting, channel, simulator):
    ended = connecting.with_code(then=simulator.control.answer_devices)
    assert ended.code == 0, ended.stderr
    assert f"open {simulator.origin}/device and enter the code " in ended.stdout
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)


@pytest.mark.behaviour(16)
def test_a_code_that_is_declined_ends_it(connecting, channel, simulator):
    ended = connecting.with_code(then=lambda: simulator.control.answer_devices(decline=True))
    assert ended.code == 2
    assert "declined" in ended.stderr
    assert connection_file(channel).load() is None


@pytest.mark.behaviour(16)
def test_a_code_that_expires_ends_it(connecting, simulator):
    ended = connecting.with_code(then=lambda: simulator.control.advance(901))
    assert ended.code == 2
    assert "nobody signed in while the code was valid" in ended.stderr


@pytest.mark.behaviour(16)
def test_a_code_that_nobody_enters_ends_it_after_the_timeout(connecting):
    ended = connecting.with_code("--timeout", "2", then=lambda: None)
    assert ended.code == 2
    assert "Nobody signed in" in ended.stderr


@pytest.mark.behaviour(16)
@pytest.mark.filterwarnings("ignore:Attempted too soon")
def test_slow_down_is_obeyed_and_a_failure_in_between_is_borne(simulator, monkeypatch):
    simulator.control.settings(device_interval=1)
    simulator.control.add_faults(
        "device slow down", {"like": "sign-in unavailable", "headers": {"Retry-After": "0"}, "skip": 1}
    )
    slept: list[float] = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            simulator.control.answer_devices()

    monkeypatch.setattr("bannette.cli.connect.time.sleep", sleep)
    assert _by_code(new_consent(simulator), timeout=900).account == simulator.user
    # As often as Microsoft said; 5 seconds more after slow_down; and twice as long after a failure.
    assert [round(seconds) for seconds in slept] == [1, 6, 12]


def test_a_code_needs_a_public_application(connecting, channel, simulator):
    delegate(channel, secret={"clientSecret": simulator.client_secret})
    ended = connecting("--device-code")
    assert ended.code == 2
    assert "device code" in ended.stderr


@pytest.mark.parametrize("fault", ["discovery unavailable", "sign-in unavailable"])
def test_a_sign_in_that_is_down_is_told_as_such(connecting, simulator, tmp_path, fault):
    simulator.control.add_faults({"like": fault, "times": None})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 3
    assert "unavailable" in ended.stderr


def test_disconnecting_removes_the_tokens(connecting, channel):
    connect(channel)
    (channel.state / ".connection.json.left").write_text("by a writer that was killed")
    ended = connecting("--disconnect")
    assert ended.code == 0
    assert "tokens are removed" in ended.stdout
    assert not [path.name for path in channel.state.iterdir() if "connection.json" in path.name]
    assert channel.collect().entry["reason"] == "NotConnected"
    assert "wasn't connected" in connecting("--disconnect").stdout


def test_connecting_again_replaces_the_connection(connecting, channel, simulator, tmp_path):
    first = connect(channel)
    assert connecting(browser_program=browser(tmp_path, simulator)).code == 0
    second = connection_file(channel).load()
    assert second is not None
    assert second.id != first.id
    assert not refresh_tokens(second.tokens) & refresh_tokens(first.tokens)


def test_a_place_that_can_not_be_written_is_refused_before_anybody_signs_in(connecting, channel, simulator, tmp_path):
    in_the_way = tmp_path / "pipe"
    os.mkfifo(in_the_way)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for place in (tmp_path / "nowhere" / "secret.yaml", in_the_way, link, tmp_path):
        ended = connecting("--manifest", str(place), "--device-code")
        assert (ended.code, ended.stdout) == (2, "")
        assert f"{place} can't be written" in ended.stderr
    assert stat.S_ISFIFO(in_the_way.stat().st_mode)
    assert link.is_symlink()
    channel.state.parent.mkdir(exist_ok=True)
    channel.state.write_text("a file in the folder's place")
    ended = connecting("--device-code")
    assert (ended.code, ended.stdout) == (2, "")
    assert "name another one with --state" in ended.stderr


def test_disconnecting_writes_no_manifest(connecting, tmp_path):
    ended = connecting("--disconnect", "--manifest", str(tmp_path / "secret.yaml"))
    assert ended.code == 2
    assert "delete the channel's Secret" in ended.stderr


def test_the_manifest_connects_a_channel_in_a_cluster(connecting, channel, simulator, tmp_path):
    manifest = tmp_path / "secret.yaml"
    manifest.write_text("another one")
    ended = connecting("--manifest", str(manifest), browser_program=browser(tmp_path, simulator))
    assert ended.code == 0, ended.stderr
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o600
    secret = yaml.safe_load(manifest.read_text())
    assert (secret["kind"], secret["metadata"]["name"]) == ("Secret", "acme-onedrive-onedrive")
    assert secret["metadata"]["annotations"]["bannette.io/account"] == simulator.user
    assert connection_file(channel).load() is None


def test_ctrl_c_ends_it(connecting, tmp_path):
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexit 0\n")
    idle.chmod(0o755)
    process = connecting.start(browser_program=idle)
    assert process.stdout is not None
    while "browser opens" not in process.stdout.readline():
        assert process.poll() is None
    # One that arrives while the interpreter can't raise it is lost (as in a finaliser): a person presses again.
    for _ in range(10):
        os.kill(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            break
    assert finished(process, within=20).code == 130


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "1 2 3 4"}, "darwin", False),
        ({}, "win32", True),
    ],
)
def test_a_browser_is_expected_where_there_is_a_screen(environment, platform, expected):
    assert has_browser(environment, platform) is expected
