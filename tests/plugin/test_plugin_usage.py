"""How ``kubectl collection`` is used: what it prints without a cluster, and what it refuses."""

from __future__ import annotations

import pytest

from bannette.cli.plugin.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "usage: kubectl collection "),
        (("help",), "usage: kubectl collection "),
        (("help", "run"), "usage: kubectl collection run "),
        (("version",), "kubectl collection "),
        (("--version",), "kubectl collection "),
    ],
)
def test_whoever_asks_how_it_is_used_is_told(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("seconds", ["-5", "0", "nan", "1.5", "86401"])
@pytest.mark.parametrize("command", ["run", "history"])
def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], command: str, seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main((command, "acme-onedrive", f"--timeout={seconds}"))
    assert ended.value.code == 2
    assert "must be a whole number of seconds from 1 to 86400" in capsys.readouterr().err


def test_the_exit_codes_of_status_are_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(("status", "--help"))
    text = capsys.readouterr().out
    assert "0 done, though channels need a person" in text
    assert "with --exit-code" in text
    assert "doctor" not in text


def test_a_word_too_many_names_the_help_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(("run", "acme-onedrive", "--now"))
    assert ended.value.code == 2
    said = "kubectl collection run: unrecognized arguments: --now. `kubectl collection run --help` shows examples.\n"
    assert capsys.readouterr().err == said


def test_one_channel_and_all_of_them_are_not_asked_for_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(("status", "acme-onedrive", "-A")) == 2
    assert "not both" in capsys.readouterr().err
