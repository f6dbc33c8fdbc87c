"""Writing what others write to as well: read, decided about and written again, until nobody was faster."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from bannette.errors import Transient
from bannette.kube.api import Conflict

UNAVAILABLE: Final = "ApiUnavailable"
_ATTEMPTS: Final = 20
_FIRST_WAIT: Final = 0.5
Result = TypeVar("Result")


def contended(attempt: Callable[[], Result], *, what: str, patience: float = 0.0, reason: str = UNAVAILABLE) -> Result:
    """Return what *attempt* returns, which is made again after each Conflict.

    An answer of the API server may be lost: an attempt may find the work of the one before.

    Args:
        attempt: reads an object, decides, and writes it in the version that was read.
        what: is written to, for the error: ``Secret "a" of namespace "b"``.
        patience: seconds for which an API server that is away is waited for, besides its client's own attempts.
        reason: of the error if somebody else is faster each time.

    Raises:
        Transient: that is so. And what *attempt* raises.
    """
    until = time.monotonic() + patience
    for number in range(_ATTEMPTS):
        try:
            return attempt()
        except Conflict:
            continue
        except Transient as error:
            wait = max(error.retry_after or 0.0, _FIRST_WAIT * 2.0**number)
            if error.reason != UNAVAILABLE or time.monotonic() + wait > until:
                raise
            time.sleep(wait)
    raise Transient(f"{what} changes all the time.", reason=reason)
