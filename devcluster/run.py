"""Runs a command of the system."""

from __future__ import annotations

import subprocess
from pathlib import Path

from devcluster.errors import CommandFailed, DevclusterError


def run(*command: str | Path, given: str | None = None, may_fail: bool = False) -> str:
    """Run *command* with *given* as its input and return its output.

    Raises:
        CommandFailed: it ended with an error, and it may not.
    """
    parts = [str(part) for part in command]
    try:
        done = subprocess.run(parts, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        if may_fail:
            return ""
        raise DevclusterError(f"The program {parts[0]} is not installed") from error
    if done.returncode and not may_fail:
        raise CommandFailed(" ".join(parts), code=done.returncode, stdout=done.stdout, stderr=done.stderr)
    return done.stdout
