"""Requests to Microsoft Graph: tokens to its origin only, Retry-After obeyed, failures repeated a few times.

Content hosts are reached by the same pool and wait for the same pause, without a token.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import requests
import urllib3

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.endpoints import Endpoints
from bannette.onedrive.errors import Unavailable
from bannette.onedrive.refusals import claims_challenge, refused
from bannette.onedrive.signin import Tokens
from bannette.onedrive.throttle import THROTTLED, Clock, SystemClock, Throttle, pace_for, retry_after
from bannette.onedrive.transport import Transport

Json = Mapping[str, object]
T = TypeVar("T")

_VERSION = "/v1.0"
_FAILED = frozenset({408, 500, 502, 504})
# A page holds 200 items of 2 kB; what is parsed may take forty times the memory of its text.
_LARGEST_ANSWER = 8 * 1024 * 1024
_LARGEST_REFUSAL = 64 * 1024
# Seconds: a read timeout alone lets an answer drip for ever.
_LONGEST_ANSWER = 300.0
_PIECE = 64 * 1024


class Kind(StrEnum):
    """What a request asks for."""

    DRIVE = "drive"
    ITEM = "item"
    CHILDREN = "children"
    DELTA = "delta"
    CONTENT = "content"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long failures are borne.

    Attributes:
        connect: seconds for a connection. read: seconds for the next bytes.
        failures: attempts at one request before it counts as failed.
        throttles: answers "not now" to one request in a row; the run's deadline usually comes first.
    """

    connect: float = 15.0
    read: float = 60.0
    failures: int = 4
    throttles: int = 20


@dataclass(frozen=True, slots=True)
class Usage:
    """What a run asked for so far.

    Attributes:
        requests: requests to Graph, repeated ones included; downloads from content hosts are not among them.
        throttled: answers that said to wait, of both.
        by_kind: requests by ``Kind``, downloads too.
    """

    requests: int = 0
    throttled: int = 0
    by_kind: Mapping[str, int] = field(default_factory=dict)


class Graph:
    """Microsoft Graph for one channel; safe to share between threads.

    Args:
        deadline: on the clock's monotonic scale: nobody waits beyond it.
        user_agent: Microsoft asks for ``NONISV|Company|App/Version``.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        sign_in: Tokens,
        *,
        clock: Clock | None = None,
        deadline: float | None = None,
        user_agent: str | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.endpoints = endpoints
        self.clock = clock or SystemClock()
        self.patience = patience or Patience()
        self.throttle = Throttle(self.clock, deadline=deadline)
        self._sign_in = sign_in
        self._transport = Transport(
            ca_file=endpoints.ca_file,
            user_agent=user_agent or default_user_agent(),
            connect=self.patience.connect,
            read=self.patience.read,
        )
        self._renewing = threading.Lock()
        self._counting = threading.Lock()
        self._by_kind: Counter[str] = Counter()
        self._throttled = 0

    @property
    def usage(self) -> Usage:
        """What was asked for so far."""
        with self._counting:
            by_kind = dict(self._by_kind)
            total = sum(count for kind, count in by_kind.items() if kind != Kind.DOWNLOAD)
            return Usage(total, self._throttled, by_kind)

    @property
    def throttled(self) -> int:
        """Answers that said to wait, so far."""
        return self._throttled

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get(self, url_or_path: str, *, kind: Kind) -> Json:
        """Return the JSON object at a path (``/drives/…``) or at a link that Graph gave.

        Raises:
            Refused: a 4xx or 501 whose meaning only the caller knows.
            PersonNeeded: the token is refused though it was renewed.
            Unavailable: failures went on. Transient: the pause is longer than the run.
        """
        return self._repeat(self._address(url_or_path), kind=kind, read=_read_json, token=True)

    def open_content(self, path: str) -> requests.Response:
        """Ask for content: the answer is a redirect to a content host, or the content itself, unread.

        Raises: as ``get``.
        """
        return self._repeat(self._address(path), kind=Kind.CONTENT, read=_leave_open, token=True)

    def open_download(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """Ask a content host, without a token; any answer but "not now" and a failing server is handed back, unread.

        Raises:
            Unavailable: failures went on. Transient: the pause is longer than the run.
        """
        return self._repeat(url, kind=Kind.DOWNLOAD, read=_leave_open, token=False, headers=headers)

    def _address(self, url_or_path: str) -> str:
        if url_or_path.startswith("/"):
            return f"{self.endpoints.graph}{_VERSION}{url_or_path}"
        if not self.endpoints.is_graph(url_or_path):
            raise Transient(
                "Microsoft Graph answered with a link to another host: it isn't followed.", reason="ForeignLink"
            )
        return url_or_path

    def _repeat(
        self,
        url: str,
        *,
        kind: Kind,
        read: Callable[[requests.Response], T],
        token: bool,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        failures = throttles = 0
        attempt = _Attempt(self._sign_in, self._renewing) if token else None
        while True:
            self.throttle.wait()
            try:
                response = self._send(url, kind, {**(headers or {}), **(attempt.headers() if attempt else {})})
                if response.status_code in THROTTLED:
                    throttles += 1
                    self._pause(response, throttles)
                    continue
                if response.status_code in _FAILED:
                    response.close()
                    self.throttle.pause(retry_after(response.headers, now=self.clock.now()) or 0.0)
                    raise _Unusable(response.status_code)
                if attempt is not None:
                    if attempt.renewed(response):
                        response.close()
                        continue
                    if response.status_code >= 400:
                        raise refused(response.status_code, response.headers, read_refusal(response))
                return read(response)
            # The causes' texts may hold a signed URL: only their kind is told.
            except (requests.RequestException, _Unusable) as error:
                failures += 1
                if failures >= self.patience.failures:
                    raise _unavailable(error) from None
            self.throttle.back_off(failures)

    def _send(self, url: str, kind: Kind, headers: Mapping[str, str]) -> requests.Response:
        with self._counting:
            self._by_kind[kind.value] += 1
        own = {"client-request-id": str(uuid.uuid4())} if kind is not Kind.DOWNLOAD else {}
        response = self._transport.get(url, {**own, **headers})
        self.throttle.pace(pace_for(response.headers))
        return response

    def _pause(self, response: requests.Response, throttles: int) -> None:
        asked = retry_after(response.headers, now=self.clock.now())
        response.close()
        with self._counting:
            self._throttled += 1
        # Asked again and again to wait "0 seconds", we wait longer each time.
        least = self.throttle.backoff(throttles) if asked is None or throttles > 1 else 0.0
        self.throttle.pause(max(asked or 0.0, least))
        if throttles >= self.patience.throttles:
            # Not before this pause is over either: a Job tries again within seconds.
            self.throttle.wait()
            raise Unavailable(
                "Microsoft keeps asking to wait.", reason="Throttled", retry_after=asked, status=response.status_code
            )


class _Attempt:
    """The token of one request: renewed once, not more."""

    def __init__(self, sign_in: Tokens, renewing: threading.Lock) -> None:
        self._sign_in = sign_in
        self._renewing = renewing
        self._token = ""
        self._tried = False

    def headers(self) -> dict[str, str]:
        if not self._tried:
            self._token = self._sign_in.token()
        return {"Authorization": f"Bearer {self._token}"}

    def renewed(self, response: requests.Response) -> bool:
        """Say whether the request is to be repeated with another token.

        Raises:
            PersonNeeded: the renewed one was refused too.
        """
        claims = claims_challenge(response.headers)
        if response.status_code != 401 and not (response.status_code == 403 and claims):
            return False
        if self._tried:
            response.close()
            raise PersonNeeded(
                "Microsoft Graph refuses the token of a fresh sign-in: check the permissions of the application, and "
                "the tenant's access policies.",
                reason="TokenRefused",
            )
        self._tried = True
        # Of all threads that were refused, the first one renews; the others take its token.
        with self._renewing:
            current = self._sign_in.token() if claims is None else self._token
            if current == self._token:
                current = self._sign_in.token(force=True, claims=claims)
            self._token = current
        return True


class _Unusable(Exception):
    """An answer that isn't one.

    Attributes:
        problem: what is wrong with its body, if anything is.
    """

    def __init__(self, status: int | None, problem: str = "unreadable") -> None:
        super().__init__(status, problem)
        self.status = status
        self.problem = problem


def default_user_agent() -> str:
    """Return the name under which Microsoft sees Bannette, so that it can be told apart when it throttles."""
    try:
        number = version("bannette")
    except PackageNotFoundError:
        number = "0"
    return f"NONISV|Bannette|Collector/{number}"


def _unavailable(error: Exception) -> Unavailable:
    status = error.status if isinstance(error, _Unusable) else None
    if isinstance(error, requests.exceptions.SSLError):
        return Unavailable(
            "The certificate of Microsoft Graph isn't trusted: if a proxy inspects HTTPS, set collector.caBundle.",
            reason="TlsFailed",
        )
    if isinstance(error, requests.RequestException):
        return Unavailable(f"Microsoft Graph can't be reached ({type(error).__name__}).", reason="Unreachable")
    if status is None or status < 400:
        problem = error.problem if isinstance(error, _Unusable) else "unreadable"
        return Unavailable(f"Microsoft Graph's answer is {problem}.", reason="UnexpectedAnswer", status=status)
    return Unavailable(f"Microsoft Graph keeps failing (HTTP {status}).", reason="ServiceFailing", status=status)


def _read_json(response: requests.Response) -> Json:
    try:
        raw = _read_body(response, _LARGEST_ANSWER)
        body = json.loads(raw)
    # Cut off, or an HTML page of some proxy.
    except (ValueError, RecursionError):
        raise _Unusable(response.status_code) from None
    if response.status_code != 200 or not isinstance(body, dict):
        raise _Unusable(response.status_code)
    return body


def read_refusal(response: requests.Response) -> object:
    """Return the JSON of a refusal; None if it has none."""
    try:
        return json.loads(_read_body(response, _LARGEST_REFUSAL))
    except (ValueError, RecursionError, _Unusable, requests.RequestException):
        return None


def _read_body(response: requests.Response, limit: int) -> bytes:
    status, until = response.status_code, time.monotonic() + _LONGEST_ANSWER
    body = bytearray()
    with response:
        if _declared(response) > limit:
            raise _too_large(status, limit)
        # One read at a time: asked for more, it would wait as long as bytes keep coming, however slowly.
        while piece := _next_piece(response):
            body += piece
            if len(body) > limit:
                raise _too_large(status, limit)
            if time.monotonic() > until:
                raise _Unusable(status, f"not complete after {_LONGEST_ANSWER:.0f} seconds")
    return bytes(body)


def _next_piece(response: requests.Response) -> bytes:
    try:
        piece: bytes = response.raw.read1(_PIECE, decode_content=True)
    except (urllib3.exceptions.HTTPError, OSError):
        raise _Unusable(response.status_code, "broken off") from None
    return piece


def _declared(response: requests.Response) -> int:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _too_large(status: int, limit: int) -> _Unusable:
    return _Unusable(status, f"larger than {limit // 1024} kB")


def _leave_open(response: requests.Response) -> requests.Response:
    return response
