"""A terminal in which the commands of a page are typed, one after the other."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tests.docs.fenced import SOURCE, Command

SECONDS = 300.0
# They go on until Ctrl-C; the first line of their output shows that they work.
ENDLESS = re.compile(r" --watch$|^kubectl .* -w$")
# They serve what is typed in another terminal, until the page's end.
SERVERS = re.compile(r"python -m simulator\b")
ASKS = re.compile(r"kubectl collection run\b(?!.*(--yes|-y))")
# What a run of everything else runs; here it is enough that make knows how.
PRELUDE = """\
set -euo pipefail
make() { command make --dry-run --no-print-directory "$@" >/dev/null; }
"""
_PLUGIN = "import sys; from bannette.cli.plugin.main import main; sys.exit(main())"
Placeholders = Mapping[str, str | Callable[["Terminal"], str]]


class CommandEnded(AssertionError):
    """A command of a page ended as it shouldn't."""


class Terminal:
    """A folder with the sources as the page expects them, and programs on the PATH.

    Args:
        placeholders: capital words of commands, and what they stand for.

    Attributes:
        typed: the commands that ran, with their output.
    """

    def __init__(self, folder: Path, *, environment: Mapping[str, str], placeholders: Placeholders) -> None:
        self.folder = folder / "sources"
        self.bin = folder / "bin"
        self._exported = folder / "exported"
        self._placeholders = placeholders
        self._servers: list[subprocess.Popen[bytes]] = []
        self.typed: list[tuple[Command, str]] = []
        self.folder.mkdir(parents=True)
        self.bin.mkdir()
        (self.folder / ".build").mkdir()
        for path in SOURCE.iterdir():
            if path.name in ("charts", "crds", "manifests"):
                # kubectl reads no folder through a link.
                shutil.copytree(path, self.folder / path.name)
            elif path.name not in (".git", ".build"):
                (self.folder / path.name).symlink_to(path)
        (self.bin / "bannette").symlink_to(Path(sys.executable).with_name("bannette"))
        self.program("kubectl-collection", sys.executable, "-c", _PLUGIN)
        self.environment = {
            **os.environ,
            **environment,
            "PATH": f"{self.bin}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(SOURCE / "operator"), str(SOURCE)]),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "KUBERC": "off",
        }
        for screen in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
            self.environment.pop(screen, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.send_signal(signal.SIGINT)
        for server in self._servers:
            server.wait(60)

    def program(self, name: str, *words: str) -> None:
        """Put a program on the PATH that runs *words* with its arguments."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o755)

    def write(self, files: Mapping[str, str]) -> None:
        """Put files into the folder, with what placeholders stand for."""
        for name, text in files.items():
            (self.folder / name).write_text(self._filled(text), encoding="utf-8")

    def fill(self, name: str) -> None:
        """Put in place of the placeholders of a file what they stand for."""
        text = (self.folder / name).read_text(encoding="utf-8")
        self.write({name: text})

    def type(self, command: Command) -> str:
        """Run *command*, and return what it printed on standard output.

        Raises: CommandEnded: it failed, or took too long.
        """
        text = self._filled(command.text)
        if SERVERS.search(text):
            return self._serve(command, text)
        endless = ENDLESS.search(text.split("  #")[0].strip())
        output = self._watch(command, text) if endless else self._finish(command, text)
        self.typed.append((command, output))
        return output

    def run(self, *words: str) -> str:
        """Run a command that no page shows, with what the page exported."""
        return self._finish(Command("", "", 0, shlex.join(words)), shlex.join(words))

    def json(self, *words: str) -> object:
        """Return what a command prints as JSON."""
        found: object = json.loads(self.run(*words))
        return found

    def _finish(self, command: Command, text: str) -> str:
        before = f". {self._exported}\n" if self._exported.exists() else ""
        # A page may end with a comment, or with && (a failure of what stands before is no exit under set -e).
        script = f"{PRELUDE}{before}{text}\n_ended=$?; export -p > {self._exported}; exit $_ended\n"
        stdin, typed = (None, None) if not ASKS.search(text) else pty.openpty()[::-1]
        if typed is not None:
            os.write(typed, b"y\n")
        try:
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CommandEnded(f"{command}\ndidn't end in {SECONDS:.0f} s: {error.stdout!r} {error.stderr!r}") from None
        finally:
            for descriptor in (stdin, typed):
                if descriptor is not None:
                    os.close(descriptor)
        if done.returncode:
            raise CommandEnded(f"{command}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _watch(self, command: Command, text: str) -> str:
        process = self._start(text)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        if not line.strip():
            raise CommandEnded(f"{command}\nprinted nothing")
        return line.decode()

    def _serve(self, command: Command, text: str) -> str:
        process = self._start(text)
        self._servers.append(process)
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if not line.strip():
            raise CommandEnded(f"{command}\nprinted nothing")
        return line

    def _start(self, text: str) -> subprocess.Popen[bytes]:
        before = f". {self._exported}\n" if self._exported.exists() else ""
        return subprocess.Popen(
            ["bash", "-c", f"{PRELUDE}{before}exec {text}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _filled(self, text: str) -> str:
        for word, meaning in self._placeholders.items():
            if re.search(rf"\b{word}\b", text):
                filled = meaning if isinstance(meaning, str) else meaning(self)
                text = re.sub(rf"\b{word}\b", filled.replace("\\", "\\\\"), text)
        return text
