"""The reader of one binder, as the console asks it: over HTTP, within the cluster's network.

Nothing that it answers is trusted further than as facts to be shown: a pod of the tenant's namespace gives it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import HTTPResponse

from bannette.console.faults import Fault, Stopped
from bannette.web.sealing import Keys

_PURPOSE: Final = "inbox-reader"
# To connect, and for the next bytes; and for the head of an answer, then for the rest of one that isn't a file.
_TIMEOUT: Final = (3.0, 20.0)
_LONGEST: Final = 30.0
_LARGEST_ANSWER: Final = 8 * 1024 * 1024
_PIECE: Final = 256 * 1024
_ID: Final = re.compile("[0-9a-f]{32}")
_ROLE: Final = re.compile("[A-Za-z][A-Za-z0-9-]{0,40}")
_RELAYED: Final = ("Content-Length", "Content-Range", "ETag", "Accept-Ranges")


class NobodyThere(Exception):
    """What served the inbox doesn't answer any more."""


def token_of(keys: Keys, uid: str, *, reader: str = "") -> str:
    """Return the token by which the reader of the Binder with that uid is asked; every replica knows it.

    It is the one with the hash *reader*, if one of the keys makes that: while keys change, replicas that have the new
    one go on with what another opened. Else it is that of the newest key.
    """
    tokens = [
        hmac.digest(keys.by_id[name], f"{_PURPOSE}\n{uid}".encode(), hashlib.sha256).hex()
        for name in sorted(keys.by_id, key=lambda name: (name == keys.newest, name), reverse=True)
    ]
    return next((token for token in tokens if digest_of(token) == reader), tokens[0])


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def is_id(text: str) -> bool:
    """Whether *text* can be the id of a document."""
    return _ID.fullmatch(text) is not None


def is_of_a_pod(address: str, *, port: int) -> bool:
    """Whether *address* can be that of a pod which serves an inbox: whoever wrote it may be any pod of the tenant's."""
    host, _, told = address.rpartition(":")
    try:
        ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return told == str(port) and not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)


@dataclass(frozen=True)
class File:
    """A file, or a part of it, on its way; to be read to its end, or closed."""

    status: int
    headers: Mapping[str, str]
    media_type: str
    disposition: str
    pieces: Iterator[bytes] = field(repr=False)


class Reader:
    """One binder's reader.

    Methods raise:
        NobodyThere: it doesn't listen, or isn't the one that it was.
        Stopped: NOT_FOUND, REQUEST; UNREADABLE, with what it says; UNAVAILABLE.
    """

    def __init__(self, address: str, token: str, *, seconds: float = _LONGEST) -> None:
        self._seconds = seconds
        self._session = _SESSION if seconds == _LONGEST else new_session(seconds)
        self._origin = f"http://{address}"
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}

    def documents(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        return self._json("GET", f"/documents?{urlencode(query)}")

    def document(self, document: str) -> Mapping[str, Any]:
        return self._json("GET", self._place(document))

    def mark(self, document: str, *, done: bool) -> Mapping[str, Any]:
        return self._json("POST", f"{self._place(document)}/{'done' if done else 'undone'}")

    def runs(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        return self._json("GET", f"/runs?{urlencode(query)}")

    def channels(self) -> list[str]:
        found = self._json("GET", "/channels").get("channels")
        return [str(name) for name in found] if isinstance(found, list) else []

    def file(self, document: str, role: str, conditions: Mapping[str, str], *, known_only: bool = False) -> File:
        """Return a file.

        Args:
            conditions: Range and the like, as the browser sent them.
            known_only: what is said of it is enough, without its bytes.
        """
        if not _ROLE.fullmatch(role):
            raise Stopped(Fault.NOT_FOUND)
        method = "HEAD" if known_only else "GET"
        answer = self._ask(method, f"{self._place(document)}/files/{quote(role)}", conditions)
        if answer.status_code not in (200, 206, 304, 416):
            if known_only:
                answer.close()
                raise _refusal(answer.status_code, "")
            self._checked(answer)
            answer.close()
            raise Stopped(Fault.UNAVAILABLE)
        return File(
            answer.status_code,
            {name: answer.headers[name] for name in _RELAYED if name in answer.headers},
            answer.headers.get("Content-Type", ""),
            answer.headers.get("Content-Disposition", ""),
            _pieces(answer),
        )

    def _place(self, document: str) -> str:
        if not is_id(document):
            raise Stopped(Fault.NOT_FOUND)
        return f"/documents/{document}"

    def _json(self, method: str, path: str) -> Mapping[str, Any]:
        return self._checked(self._ask(method, path, {}))

    def _ask(self, method: str, path: str, more: Mapping[str, str]) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._origin + path,
                headers={**self._headers, **more},
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        except (requests.ConnectionError, requests.Timeout):
            raise NobodyThere from None
        except requests.RequestException:
            raise Stopped(Fault.UNAVAILABLE) from None

    def _checked(self, answer: requests.Response) -> Mapping[str, Any]:
        try:
            with answer:
                data = self._whole(answer)
            found = json.loads(data) if len(data) <= _LARGEST_ANSWER else None
        except (ValueError, RecursionError):
            raise Stopped(Fault.UNAVAILABLE) from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise NobodyThere from None
        if not isinstance(found, dict):
            raise Stopped(Fault.UNAVAILABLE)
        if answer.ok:
            return found
        raise _refusal(answer.status_code, str(found.get("message") or ""))

    def _whole(self, answer: requests.Response) -> bytes:
        """Return a body, or more of it than it may have."""
        until, data = time.monotonic() + self._seconds, bytearray()
        # What has come, not as much as was asked for: a reader that drips would be waited for without end.
        while len(data) <= _LARGEST_ANSWER and (piece := answer.raw.read1(_PIECE)):
            data += piece
            if time.monotonic() > until:
                raise NobodyThere
        return bytes(data)


def _refusal(status: int, told: str) -> NobodyThere | Stopped:
    """Return what an answer with this status means."""
    if status == 401:
        # Another pod has the address now.
        return NobodyThere()
    faults = {400: Fault.REQUEST, 404: Fault.NOT_FOUND, 409: Fault.UNREADABLE}
    return Stopped(faults.get(status, Fault.UNAVAILABLE), told)


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    with answer:
        while piece := answer.raw.read1(_PIECE):
            yield piece


class _Connection(HTTPConnection):
    """Is cut when the head of an answer takes longer than it may; a time for the next bytes alone never ends.

    Attributes:
        longest: in seconds.
    """

    longest: float

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        timer = threading.Timer(self.longest, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()
        finally:
            timer.cancel()

    def _cut(self) -> None:
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _Adapter(HTTPAdapter):
    def __init__(self, seconds: float) -> None:
        class Connection(_Connection):
            longest = seconds

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__(pool_connections=32, pool_maxsize=32, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}


def new_session(seconds: float) -> requests.Session:
    """Return what asks readers; *seconds*: how long the head of an answer may take."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", _Adapter(seconds))
    return session


_SESSION: Final = new_session(_LONGEST)
