"""What is to be said of a request that doesn't get further. Pure."""

from __future__ import annotations

from typing import Final

from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.resources.progress import BLOCKED, Progress, Stage

# For the operator to say something.
_ACKNOWLEDGED_SECONDS: Final = 60.0
# In which a cluster adds a node, or a registry comes back.
_UNBLOCKED_SECONDS: Final = 300.0


def hopeless(progress: Progress, *, asked: float, blocked: float) -> BannetteError | None:
    """Return why following a request ends before its time; None: it goes on.

    Args:
        asked: seconds since the request.
        blocked: seconds since its run is said not to start; 0 if it isn't.
    """
    if progress.stage is Stage.ASKED and asked > _ACKNOWLEDGED_SECONDS:
        return overdue(progress, seconds=_ACKNOWLEDGED_SECONDS)
    if progress.stage is Stage.BLOCKED and blocked > _UNBLOCKED_SECONDS:
        return overdue(progress, seconds=asked)
    return None


def overtaken(found: str | None, request: str) -> Transient | None:
    """Return what is to be said of a request that nobody has acted on, if *found* stands in its place; None: wait."""
    if found in (None, request):
        return None
    message = f"A later request, {found}, took the place of this one before it was acted on: follow that, or ask again."
    return Transient(message, reason="Overtaken")


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
