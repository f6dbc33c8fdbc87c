"""``kubectl collection`` at a terminal: it asks before it acts, shows a bar that moves, and makes text bold."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controller.calling import Called, call, install_plugin, start
from tests.controller.cluster import PATIENCE, Json
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant
from tests.controller.test_plugin import settled

__all__ = ["call", "settled", "start"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

BOLD = "\x1b[1m"
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """A command whose input and output are one terminal."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._keys, self._theirs = pty.openpty()
        termios.tcsetwinsize(self._theirs, (24, 120))
        self._process = subprocess.Popen(
            command, stdin=self._theirs, stdout=self._theirs, stderr=self._theirs, env=environment, close_fds=True
        )
        self.printed = ""

    def close(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        os.close(self._keys)
        os.close(self._theirs)

    @property
    def text(self) -> str:
        """All that was printed, without what moves the cursor and changes colours."""
        return _CONTROLS.sub("", self.printed)

    def press(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def wait_for(self, text: str) -> None:
        self._read_until(lambda: text in self.text, f"the terminal shows {text!r}")

    def wait_until_ended(self) -> int:
        self._read_until(lambda: self._process.poll() is not None, "the command has ended")
        return self._process.wait(1)

    def _read_until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            is_done = done()
            # What an ended command printed last is still to be read.
            while select.select([self._keys], [], [], 0 if is_done else 0.1)[0]:
                self.printed += os.read(self._keys, 65536).decode(errors="replace")
            if is_done:
                return
            assert time.monotonic() < deadline, f"not in {PATIENCE} s: {what}\n{self.text}"


@pytest.fixture
def screen(tenant: Tenant, tmp_path: Path) -> Iterator[Callable[..., Screen]]:
    """Starts ``kubectl collection ARGUMENTS`` at a terminal, in the tenant's namespace."""
    environment = tenant.cluster.server.kubectl.environment() | install_plugin(tmp_path / "terminal")
    environment["TERM"] = "xterm-256color"
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    made: list[Screen] = []

    def act(*arguments: str) -> Screen:
        made.append(Screen(["kubectl", "collection", *arguments, "-n", tenant.namespace], environment))
        return made[-1]

    yield act
    for one in made:
        one.close()


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"], ids=["no", "nothing", "end-of-input"])
def test_without_a_yes_no_run_is_asked_for(tenant: Tenant, screen: Callable[..., Screen], answer: str) -> None:
    tenant.add_channel()
    terminal = screen("run", "acme-onedrive")
    terminal.wait_for(f"Collect {tenant.namespace}/acme-onedrive now? [y/N]")
    terminal.press(answer)
    assert terminal.wait_until_ended() == 0
    assert "Nothing was asked for." in terminal.text
    assert "annotations" not in tenant.channel()["metadata"]


def test_a_confirmed_run_has_a_bar_that_moves_and_ends_with_what_came_of_it(
    settled: Tenant, screen: Callable[..., Screen]
) -> None:
    terminal = screen("run", "acme-onedrive")
    terminal.wait_for("now? [y/N]")
    assert settled.jobs("Manual") == []
    terminal.press("y\n")
    job = settled.wait_for_job("Manual")
    for collected, shown in ((4, "4/10"), (7, "9/10")):
        settled.report({"activeRun": _active(job, collected=collected, failed=2 if collected == 7 else 0)})
        terminal.wait_for(shown)
    assert "━" in terminal.text
    settled.report({"activeRun": None})
    settled.run(job, collected=8, message="8 collected, 2 deferred (Locked 2).")
    assert terminal.wait_until_ended() == 0
    # The bar is gone; what stays is the line that a script would get.
    assert terminal.text.rstrip().endswith("Succeeded: 8 collected, 2 deferred (Locked 2).")


def _active(job: Json, **counts: int) -> Json:
    request = job["metadata"]["annotations"]["bannette.io/request"]
    moment = job["metadata"]["creationTimestamp"]
    return {
        "id": job["metadata"]["uid"],
        "trigger": "Manual",
        "request": request,
        "job": job["metadata"]["name"],
        "startedAt": moment,
        "heartbeat": moment,
        "discovered": 10,
        **counts,
    }


@pytest.mark.parametrize("question", ["status", "doctor"])
def test_a_need_is_bold_at_a_terminal_and_plain_elsewhere(
    tenant: Tenant, operator: Operator, screen: Callable[..., Screen], call: Called, question: str
) -> None:
    tenant.add_channel()
    tenant.wait_for_condition("Ready", status="False", reason="PrerequisitesMissing")
    terminal = screen(question)
    terminal.wait_until_ended()
    assert BOLD in terminal.printed
    assert "acme-onedrive" in terminal.text
    _, output, errors = call(question)
    assert "acme-onedrive" in output
    assert "\x1b" not in output + errors
