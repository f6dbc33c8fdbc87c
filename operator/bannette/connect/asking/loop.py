"""The threads that watch, and write to whom it is time to write to."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from bannette import logs
from bannette.connect.asking.compose import Links
from bannette.connect.asking.decide import Wait, wait_of
from bannette.connect.asking.post import Post
from bannette.connect.asking.register import KINDS, Key, Register
from bannette.connect.asking.settings import AskingSettings
from bannette.connect.asking.timetable import Timetable
from bannette.connect.metrics import AskingFigures, Metrics
from bannette.connect.watching import Watching
from bannette.kube import Change, ClusterApi, What
from bannette.notify.mail import Mailer
from bannette.resources import RECIPIENTS

logger = logging.getLogger(__name__)

# A mail takes a second or so, and a server for mails takes few at once.
_WORKERS: Final = 4
_AFTER_A_BUG: Final = timedelta(minutes=10)
# However far ahead the next mail is: clocks are set, and the timetable is to stay short.
_LONGEST: Final = timedelta(hours=6)
# A mail takes a minute at most.
_STUCK_SECONDS: Final = 600.0
_PATIENCE: Final = 25.0


class Asking:
    """Writes to recipients for as long as it runs.

    Args:
        links: what makes the links of a mail, from the keys of now.
        metrics: where it counts what it does; None: nobody asks.
    """

    def __init__(
        self,
        api: ClusterApi,
        mailer: Mailer,
        *,
        settings: AskingSettings,
        links: Callable[[datetime], Links],
        metrics: Metrics | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._register = Register(application=settings.application)
        self._timetable = Timetable(now)
        self._stopped = threading.Event()
        self._busy_since: dict[int, float] = {}
        # As of the last look at each; whatever changes one has them looked at.
        self._waits: dict[Key, Wait] = {}
        self._looked_at: datetime | None = None
        self._post = Post(
            api,
            mailer,
            settings=settings,
            links=links,
            # The watch says so too, a moment later.
            written=lambda body: self.take(RECIPIENTS, "", Change(What.PRESENT, body)),
            waiting=self._beat,
            instance=secrets.token_hex(8),
            metrics=metrics or Metrics(),
            now=now,
            stopped=self._stopped,
        )
        self._workers = [
            threading.Thread(target=self._work, name=f"asking-{number}", daemon=True) for number in range(_WORKERS)
        ]

    def listen(self, watching: Watching) -> None:
        """Hear of what is needed to know who is to be written to."""
        for plural in KINDS:
            watching.tell(plural, self.take)

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End, once the mails that are under way are sent and recorded."""
        self._stopped.set()
        self._timetable.close()
        deadline = time.monotonic() + _PATIENCE
        for worker in self._workers:
            if worker.is_alive():
                worker.join(max(deadline - time.monotonic(), 0.0))

    def is_healthy(self) -> bool:
        """Tell whether all threads live and none has been at one thing for ten minutes."""
        since = min([*self._busy_since.values(), time.monotonic()])
        return all(worker.is_alive() for worker in self._workers) and time.monotonic() - since < _STUCK_SECONDS

    def figures(self) -> AskingFigures:
        """Return how it stands with those who are asked."""
        # A copy: the workers go on.
        waits = [*self._waits.copy().values()]
        return AskingFigures(
            asked=waits.count(Wait.ASKED),
            unasked=waits.count(Wait.UNASKED),
            looked_at=self._looked_at,
            outage=self._post.is_kept_from_all(),
        )

    def take(self, plural: str, realm: str, change: Change) -> None:
        """Take in what the API server tells."""
        now = self._now()
        for key in self._register.take(plural, realm, change, now=now):
            self._timetable.put(key, now)

    def work_off(self) -> None:
        """Write, in this thread, to all to whom it is time to write to now."""
        while (key := self._timetable.take_due()) is not None:
            self._attend(key)

    def _work(self) -> None:
        while (key := self._timetable.take()) is not None:
            self._beat()
            self._attend(key)
            del self._busy_since[threading.get_ident()]

    def _beat(self) -> None:
        self._busy_since[threading.get_ident()] = time.monotonic()

    def _attend(self, key: Key) -> None:
        try:
            person = self._register.person(key)
            self._note(key, wait_of(person) if person is not None else None)
            again = self._post.attend(person) if person is not None else None
        except Exception as error:  # noqa: BLE001 - the top of a worker
            # One recipient may have what nobody foresaw; the others aren't to wait for it.
            logs.crash(logger, f"mail.bug recipient={'/'.join(key)}", error)
            again = self._now() + _AFTER_A_BUG
        self._timetable.done(key, min(again, self._now() + _LONGEST) if again is not None else None)

    def _note(self, key: Key, wait: Wait | None) -> None:
        self._looked_at = self._now()
        if wait is None:
            self._waits.pop(key, None)
        else:
            self._waits[key] = wait
