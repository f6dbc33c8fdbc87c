"""What the embedded cluster says when it can't do something."""

from __future__ import annotations


class DevclusterError(Exception):
    """Something that a person must know or do; the message says what."""


class CommandFailed(DevclusterError):
    """A program that we ran ended with an error.

    Attributes:
        code: its exit code.
        stdout: what it printed.
        stderr: what it printed as errors; tests look at the reason of a refusal here.
    """

    def __init__(self, command: str, *, code: int, stdout: str, stderr: str) -> None:
        super().__init__(f"{command} ended with exit code {code}: {stderr.strip() or stdout.strip() or 'no output'}")
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
