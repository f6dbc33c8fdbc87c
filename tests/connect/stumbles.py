"""What befalls a write on its way to the API server, and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from bannette.kube import ClusterApi
from tests.connect.office import Office
from tests.controller.between import After, Answer, Asked, Before, Fault, Late

#: Seconds that the service waits for an answer which is kept back.
READ = 3.0
#: And for any other, which a busy machine takes its time for.
PATIENT = 30.0
_AWAY = Answer.refusal(503, "ServiceUnavailable")

#: After which nobody knows whether it was done, or which outlast the API client's own attempts.
FAULTS: dict[str, list[Fault]] = {
    "the answer is lost": [After()],
    "unavailable twice": [_AWAY, _AWAY],
    "the answer is lost, then unavailable": [After(), _AWAY],
    "silent": [Late(lambda: time.sleep(1.5 * READ))],
}
#: After which it is merely to be asked again.
PLAIN: dict[str, list[Fault]] = {"the request is lost": [Before()], "throttled": [Answer.throttle(1)]}


def patience(request: pytest.FixtureRequest) -> float:
    """Return for how many seconds what a test starts waits for an answer: few, where its fault keeps one back."""
    callspec = getattr(request.node, "callspec", None)
    return READ if callspec is not None and callspec.params.get("fault") == "silent" else PATIENT


def api_at(office: Office, url: str, *, read: float = PATIENT) -> ClusterApi:
    """The API server at *url* as the service's pod asks it, but for its patience."""
    return ClusterApi(
        url,
        namespace="default",
        token=office.server.token,
        ca=office.server.ca_file.read_text(),
        attempts=2,
        timeout=(10, read),
        longest_wait=5,
    )


class Stumble:
    """Lets what *faults* say befall the *number*-th write of paths that begin so, and those that follow at once."""

    def __init__(self, number: int, faults: Sequence[Fault], *, within: str = "") -> None:
        self._within = within
        self._number = number
        self._faults = list(faults)
        self._lock = threading.Lock()
        self.writes: list[Asked] = []

    def __call__(self, asked: Asked) -> Fault | None:
        with self._lock:
            if not asked.writes or not asked.path.startswith(self._within):
                return None
            self.writes.append(asked)
            return self._faults.pop(0) if len(self.writes) >= self._number and self._faults else None

    @property
    def is_over(self) -> bool:
        """Whether all of it has happened."""
        return not self._faults


def once(number: int, act: Callable[[], None], *, within: str = "") -> Stumble:
    """Carry the *number*-th write out, do *act* then, and lose the answer."""
    return Stumble(number, [After(act)], within=within)
