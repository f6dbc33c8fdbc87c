"""What kubectl offers after ``kubectl collection``."""

from __future__ import annotations

import re

import pytest

from bannette.cli.plugin.completion import candidates
from bannette.cli.plugin.kubectl import Kubectl
from bannette.cli.plugin.main import main


class _Cluster(Kubectl):
    def text(self, *arguments: str, stdin: str | None = None) -> str:
        if "get-contexts" in arguments:
            return "prod\nstaging\n"
        if "namespaces" in arguments:
            return "acme\nbeta\n"
        return "purchases\n" if "binders.bannette.io" in arguments else "acme-mail\nacme-onedrive\nbeta\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([""], ["run", "status", "check", "connect", "disconnect", "history", "inbox", "doctor", "help", "version"]),
        (["st"], ["status"]),
        (["run", ""], ["acme-mail", "acme-onedrive", "beta"]),
        (["run", "acme-o"], ["acme-onedrive"]),
        (["run", "--n"], ["--no-wait", "--namespace"]),
        (["status", "acme-o"], ["acme-onedrive"]),
        (["status", "-o", ""], ["text", "json", "yaml"]),
        (["run", "-n", ""], ["acme", "beta"]),
        (["status", "--namespace", "a"], ["acme"]),
        (["run", "acme-mail", "--context", "p"], ["prod"]),
        (["run", "--kubeconfig", ""], []),
        (["help", "d"], ["disconnect", "doctor"]),
        (["inbox", "-b", ""], ["purchases"]),
        (["history", "acme-m"], ["acme-mail"]),
        (["history", "--limit", ""], []),
        (["doctor", "--p"], ["--probe"]),
    ],
)
def test_what_fits_is_offered(words: list[str], expected: list[str]) -> None:
    assert [one.partition("\t")[0] for one in candidates(words, _Cluster())] == expected


@pytest.mark.parametrize("command", [one.partition("\t")[0] for one in candidates([""], _Cluster())])
def test_every_option_is_offered_and_no_other(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit):
        main(("help", command))
    _, _, options = capsys.readouterr().out.partition("\noptions:\n")
    known = set(re.findall(r"--[a-z-]+", options)) - {"--help"}
    assert set(candidates([command, "--"], _Cluster())) == known
