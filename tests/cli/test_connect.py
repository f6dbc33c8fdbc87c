"""The connect command as it is: a browser that is a small program, Microsoft's page, and the loopback port between."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from contextlib import suppress

import pytest
import yaml

from tests.collector.connected import browser, connect, connection_file, delegate, refresh_tokens
from tests.collector.local_channel import BANNETTE, finished


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


@pytest.mark.behaviour(4)
def test_the_address_may_be_spelled_in_other_case(connecting, channel, simulator, tmp_path):
    account = {"loginHint": simulator.user.upper(), "clientId": simulator.client_id}
    channel.write(onedrive={"account": {"delegated": account}})
    assert connecting(browser_program=browser(tmp_path, simulator)).code == 0
    assert channel.collect().code == 0


def test_nobody_who_signs_in_ends_it_after_the_timeout(connecting, tmp_path):
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\nexit 0\n")
    idle.chmod(0o755)
    ended = connecting("--timeout", "1", browser_program=idle)
    assert ended.code == 2
    assert "Nobody signed in within 1 s" in ended.stderr


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
    assert finished(process).code == 130
