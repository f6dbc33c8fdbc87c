"""The connect command as a process."""

from __future__ import annotations

import json
import subprocess

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
        return finished(self.start(*arguments, browser_program=browser_program))

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
        ended = finished(process)
        return Ended(ended.code, shown + ended.stdout, ended.stderr)

    def browser_log(self):
        return json.loads((self.folder / "browser.log").read_text())
