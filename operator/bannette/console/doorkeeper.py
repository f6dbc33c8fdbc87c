"""Who a request is of: by a token that it brings, as a proxy says, or by an earlier sign-in."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import datetime
from typing import Final

from starlette.requests import Request

from bannette.console.cluster import user_of
from bannette.console.faults import SignedOut
from bannette.console.people import Person, bearer_token, named_by_proxy
from bannette.console.sessions import session_in
from bannette.console.settings import ConsoleSettings
from bannette.console.visits import ROOT
from bannette.kube import ClusterApi
from bannette.web.sealing import Keys

_NAME_SECONDS: Final = 60.0
_MOST_NAMES: Final = 10_000


class Doorkeeper:
    """Tells who asks; safe to share between threads."""

    def __init__(self, api: ClusterApi, settings: ConsoleSettings) -> None:
        self._api = api
        self._settings = settings
        self._lock = threading.Lock()
        self._names: dict[str, tuple[float, str]] = {}

    def person(self, request: Request, keys: Keys, *, now: datetime) -> Person | None:
        """Return who asks; None if nobody that is known.

        Raises: Stopped: what a proxy says can't be; or the API server can't be asked.
        """
        token = bearer_token(request.headers)
        if token:
            # A token says more than the word of a proxy: the API server decides on each request that is made with it.
            name = self._name(token)
            return Person(name, token=token) if name else None
        named = named_by_proxy(request.headers, self._settings) if _is_as_it_is_known(request) else None
        if named is not None:
            return named
        session = session_in(request.cookies, keys, now=now)
        return session.person if session else None

    def _name(self, token: str) -> str:
        key = hashlib.sha256(token.encode()).hexdigest()
        known = self._names.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        try:
            name = user_of(self._api, token)
        except SignedOut:
            return ""
        with self._lock:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[key] = time.monotonic() + _NAME_SECONDS, name
        return name


def _is_as_it_is_known(request: Request) -> bool:
    """Tell whether the address was sent as a proxy knows the console's: others may have passed it without a sign-in.

    ``/%63onsole`` is the same address here, and another one for many an Ingress.
    """
    sent: bytes = request.scope["raw_path"]
    return sent == ROOT.encode() or sent.startswith(f"{ROOT}/".encode())
