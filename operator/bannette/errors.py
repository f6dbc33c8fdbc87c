"""Errors by what the caller must do about them, and the exit codes that say the same to scripts and to the Job.

A message is one line: what failed, why, what to do. It holds no document name and no secret, since it reaches logs,
Events and status.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends, for scripts and for the Job's podFailurePolicy; DAMAGED is of a binder that was checked."""

    DONE = 0
    PERSON_NEEDED = 2
    TRANSIENT = 3
    DAMAGED = 4


class BannetteError(Exception):
    """Something that Bannette can name.

    Attributes:
        reason: one CamelCase word that programs may branch on, for example ``FolderNotFound``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class PersonNeeded(BannetteError):
    """Configuration or sign-in: repeating won't help. Exit code 2."""


class Transient(BannetteError):
    """Repeating may help. Exit code 3.

    Attributes:
        retry_after: seconds that the other side asked to wait, if it did.
    """

    def __init__(self, message: str, *, reason: str, retry_after: float | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class ItemDeferred(BannetteError):
    """This item only, this time: it is tried again on every run."""


class ItemRejected(BannetteError):
    """This item only, until it changes."""
