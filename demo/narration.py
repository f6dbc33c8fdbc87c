"""How the demos talk: each command is shown as a user would type it, then its output, with the time it took."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Which of two photos came first is chance.
PHOTO = "Le Comptoir des Halles.jpg"
_BOLD, _DIM, _OFF = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


class DemoFailed(RuntimeError):
    """Something that the demo shows did not happen; the message says what."""


def say(text: str) -> None:
    """Print a sentence of the story."""
    print(f"\n{_BOLD}{text}{_OFF}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print what is being done, and how long it took."""
    print(f"{_DIM}…{_OFF} {text}", flush=True)
    started = time.monotonic()
    yield
    print(f"{_DIM}  {time.monotonic() - started:.1f} s{_OFF}", flush=True)


def show(command: Sequence[str], *, shown: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run *command*, print it and its output as a terminal would; return its standard output.

    Args:
        command: program and arguments.
        shown: what to print in its place, when the user would type something shorter.
        environment: variables on top of this process's.

    Raises:
        DemoFailed: it ended with an error.
    """
    print(f"{_DIM}${_OFF} {_BOLD}{shown or shlex.join(command)}{_OFF}", flush=True)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        raise DemoFailed(f"`{shown or shlex.join(command)}` ended with exit code {done.returncode}.")
    return done.stdout


def bannette() -> str:
    """Return the path of the `bannette` command of this environment."""
    return str(Path(sys.executable).with_name("bannette"))
