"""The page of a channel for whoever comes without the link: it says where the link is, and has it sent again.

It is the same page whether there is such a channel or not, and asks nobody: what comes of it, only the mail tells.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bannette import logs
from bannette.connect import visits
from bannette.connect.asking import request_mail
from bannette.connect.case import is_place
from bannette.connect.faults import Fault, Stopped
from bannette.connect.replies import VISITOR, Asked, Reply, refused
from bannette.errors import BannetteError, PersonNeeded
from bannette.kube import ClusterApi
from bannette.resources import CHANNELS, Channel, DelegatedAccount
from bannette.web.sealing import Keys

logger = logging.getLogger(__name__)

_FORM: Final = "mail form"
# Of those who ask at once: whoever comes later may press the button again.
_MOST: Final = 100
_LONGEST: Final = 512
# Between attempts to have a mail sent while the API server is away: the page has said that it comes.
_WAITS: Final = (1.0, 5.0, 25.0)

Remind = Callable[[str, str], None]


class Doorstep:
    """Serves people without a link.

    Args:
        remind: has the recipient of the channel with that namespace and name sent a mail, later; None: no mails are
            sent.
    """

    def __init__(self, keys: Callable[[], Keys], remind: Remind | None) -> None:
        self._keys = keys
        self._remind = remind

    def show(self, asked: Asked) -> Reply:
        """Return the page that says where the link is."""
        if not is_place(asked.namespace, asked.name):
            return refused(Stopped(Fault.NO_PAGE), asked.preferred)
        visitor = asked.visitor if 0 < len(asked.visitor) <= _LONGEST else visits.new_secret()
        reply = self._page("doorstep", asked)
        reply.facts["form"] = self._keys().seal(_FORM, _bound(visitor, asked)) if self._remind is not None else ""
        if asked.visitor != visitor:
            reply.cookies[VISITOR] = (visitor, None)
        return reply

    def send(self, asked: Asked) -> Reply:
        """Have the mail sent again, if there is somebody to whom it goes; say the same in any case."""
        held = self._keys().open(_FORM, asked.form) or {}
        bound = _bound(asked.visitor, asked)
        if not asked.visitor or any(held.get(name) != value for name, value in bound.items()) or self._remind is None:
            return refused(Stopped(Fault.FORM), _language(asked))
        self._remind(asked.namespace, asked.name)
        return self._page("sent", asked)

    def _page(self, name: str, asked: Asked) -> Reply:
        facts: dict[str, object] = {"path": f"/c/{asked.namespace}/{asked.name}", "token": ""}
        return Reply(name, language=_language(asked), facts=facts)


class Reminder:
    """Has mails sent again, in a thread of its own: how long it takes tells nobody whether there is a channel."""

    def __init__(self, api: ClusterApi, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._api = api
        self._now = now
        self._asked: queue.Queue[tuple[str, str] | None] = queue.Queue(_MOST)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reminder", daemon=True)

    def ask(self, namespace: str, name: str) -> None:
        try:
            self._asked.put_nowait((namespace, name))
        except queue.Full:
            logs.event(logger, "reminder.full", level=logging.WARNING)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End when what was asked for is done or tried, at the latest with the process."""
        self._stopped.set()
        try:
            self._asked.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(5.0)

    def is_healthy(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (place := self._asked.get()) is not None:
                self.remind(*place)
        except Exception as error:  # noqa: BLE001 - the top of a thread
            logs.crash(logger, "reminder.bug", error)

    def remind(self, namespace: str, name: str) -> None:
        """Ask for the mail, if there is such a channel, and somebody whom it can be sent to."""
        now = self._now()
        for wait in (*_WAITS, None):
            try:
                self._request(namespace, name, now)
            except PersonNeeded as error:
                # Not what a stranger typed: it may be anything.
                logs.event(logger, "connect.no_mail", reason=error.reason)
            except BannetteError as error:
                if wait is not None and not self._stopped.wait(wait):
                    continue
                logs.event(logger, "connect.no_mail", level=logging.WARNING, reason=error.reason)
            return

    def _request(self, namespace: str, name: str, now: datetime) -> None:
        channel = Channel.parse(self._api.within(namespace).get(CHANNELS, name))
        if isinstance(channel.onedrive.account, DelegatedAccount) and not channel.deleting:
            request_mail(self._api, channel, now=now)
            logs.event(logger, "connect.mail_asked_for", channel=f"{namespace}/{name}")


def _language(asked: Asked) -> str:
    return asked.chosen if asked.chosen in ("fr", "en") else asked.preferred


def _bound(visitor: str, asked: Asked) -> dict[str, object]:
    return {"visitor": hashlib.sha256(visitor.encode()).hexdigest(), "place": f"{asked.namespace}/{asked.name}"}
