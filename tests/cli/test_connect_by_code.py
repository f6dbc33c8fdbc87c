"""The connect command where no browser opens: a code that a person enters on another device."""

from __future__ import annotations

import pytest

from bannette.cli.connect import _by_code, has_browser
from tests.collector.connected import connection_file, delegate, new_consent
from tests.collector.local_channel import finished


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
    assert finished(process).code == 0
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
