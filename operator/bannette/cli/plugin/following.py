"""What is to be said of a request that doesn't get further. Pure."""

from __future__ import annotations

from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.resources.progress import BLOCKED, Progress, Stage


def overdue(progress: Progress, *, seconds: float) -> BannetteError:
    """Return what is to be said of a request that hasn't come further than *progress* in so many *seconds*."""
    if progress.stage is Stage.ASKED:
        message = f"The operator hasn't acknowledged the request in {seconds:.0f} s: is it running? "
        return Transient(f"{message}It acts on it when it is.", reason="NotAcknowledged")
    if progress.stage is Stage.BLOCKED:
        return PersonNeeded(f"The run hasn't started in {seconds:.0f} s. {progress.message}", reason=BLOCKED)
    if progress.stage is Stage.WAITING:
        message = f"The run hasn't started in {seconds:.0f} s; it still waits. {progress.message}"
        return Transient(message, reason="TimedOut")
    return Transient(f"The run hasn't ended in {seconds:.0f} s; it goes on.", reason="TimedOut")
