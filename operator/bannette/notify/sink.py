"""Sends events to a program of the company's, over HTTP, each at least once.

Source: CloudEvents 1.0.2, HTTP protocol binding (structured mode), and HTTP webhooks for event delivery.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from bannette.errors import ItemRejected, PersonNeeded, Transient
from bannette.notify.addresses import AddressRefused, new_session
from bannette.notify.events import Event

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_LONGEST_PAUSE: Final = 30.0
# What a server refuses about one event; what else it refuses is about all.
_ABOUT_THE_EVENT: Final = frozenset({400, 406, 409, 413, 414, 415, 422, 431})
_TOKEN: Final = re.compile(r"[!-~]+")
_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Where events go.

    Attributes:
        token: sent as Bearer; only over https, or to this machine.
        ca_file: authorities to trust in place of the public ones.
        seconds: how long it may take to connect, and then until it answers.

    Raises:
        PersonNeeded: the address or the token isn't one, or the token would be readable on its way.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    seconds: float = 10.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
            _ = parts.port
        except ValueError:
            usable = False
        if not usable or not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise PersonNeeded(
                "The address for events isn't one: write an https address without user and password.",
                reason="EventSinkInvalid",
            )
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise PersonNeeded("The token for events isn't one word in ASCII.", reason="EventSinkInvalid")
        if self.token is not None and parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise PersonNeeded(
                "The token for events would be readable on its way: write an https address.", reason="EventSinkInvalid"
            )

    @property
    def host(self) -> str:
        """Its host and port: what else its address has may be secret."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Delivery:
    """What became of one event: the sink has it, or refuses it, and would refuse it again."""

    id: str
    refused: ItemRejected | None = None


def deliver(
    sink: Sink,
    events: Iterable[Event],
    *,
    left: Callable[[], float],
    first_pause: float = 1.0,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Delivery]:
    """Send *events* in their order, and yield each when it is settled; then, and not before, it may be forgotten.

    Who is stopped between an answer and what comes of it sends that event again: at least once. What the sink puts off
    is repeated, as late as it asks for.

    Args:
        left: how many seconds there are until nothing is sent or repeated any more; an answer may come
            ``sink.seconds`` later.
        wait: waits for so many seconds, or returns sooner when ``left`` may say something else by now.

    Raises:
        PersonNeeded: the sink takes no events from here.
        Transient: it couldn't be done in time; what wasn't yielded is to be sent another time.
    """
    with new_session() as session:
        # No password from .netrc; a proxy, and the usual REQUESTS_CA_BUNDLE, are the environment's.
        session.auth = _NoAuth()
        for event in events:
            pause = first_pause
            while True:
                if left() <= 0:
                    raise Transient(f"{sink.host} didn't take all events in time.", reason="EventSinkSlow")
                try:
                    yield Delivery(event.id, _sent(session, sink, event))
                    break
                except Transient as error:
                    delay = max(pause * random.uniform(0.5, 1.0), error.retry_after or 0.0)  # noqa: S311 - jitter
                    again = time.monotonic() + delay
                    while (rest := again - time.monotonic()) > 0:
                        if rest >= left():
                            raise
                        wait(rest)
                    pause = min(pause * 2, _LONGEST_PAUSE)


def reach(sink: Sink) -> int:
    """Ask the sink what it allows, and return the status that it answers with: nothing is delivered, no token sent.

    Raises:
        PersonNeeded: nothing would be sent there: EventSinkForbidden, EventSinkUntrusted, EventSinkInvalid.
        Transient: EventSinkUnreachable.
    """
    with new_session() as session:
        session.auth = _NoAuth()
        return _answered(session, sink, "OPTIONS", {"User-Agent": "bannette"})[0]


class _NoAuth(requests.auth.AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _sent(session: requests.Session, sink: Sink, event: Event) -> ItemRejected | None:
    headers = {"Content-Type": CONTENT_TYPE, "User-Agent": "bannette"}
    if sink.token is not None:
        headers["Authorization"] = f"Bearer {sink.token}"
    status, later = _answered(session, sink, "POST", headers, body=event.body)
    return _judged(status, later, sink)


def _answered(
    session: requests.Session, sink: Sink, method: str, headers: Mapping[str, str], *, body: bytes | None = None
) -> tuple[int, str | None]:
    """Return the status that the sink answers with, and its Retry-After."""
    try:
        # Nothing of the answer but its head is read; where it redirects to never gets the token.
        with session.request(
            method,
            sink.url,
            data=body,
            headers=headers,
            timeout=sink.seconds,
            allow_redirects=False,
            stream=True,
            verify=True if sink.ca_file is None else str(sink.ca_file),
        ) as answer:
            return answer.status_code, answer.headers.get("Retry-After")
    except AddressRefused:
        raise PersonNeeded(
            f"{sink.host} leads to a link-local address or to a cloud's metadata: no event goes there.",
            reason="EventSinkForbidden",
        ) from None
    except requests.exceptions.RequestException as error:
        # What breaks off while the encryption is agreed on is an error of encryption, too.
        if isinstance(error, requests.exceptions.SSLError) and "EOF" not in str(error):
            raise PersonNeeded(
                f"The certificate of {sink.host} isn't trusted, or there is none: name its authority.",
                reason="EventSinkUntrusted",
            ) from None
        told = "isn't known to the name servers" if _is_unknown(error) else "can't be reached, or doesn't answer"
        raise Transient(f"{sink.host} {told}.", reason="EventSinkUnreachable") from None
    except OSError:
        raise PersonNeeded(
            "The file with the authorities for events can't be read: correct it, or leave it out.",
            reason="EventSinkInvalid",
        ) from None


def _is_unknown(error: requests.exceptions.RequestException) -> bool:
    """Whether the name has no address."""
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), urllib3.exceptions.NameResolutionError)


def _judged(status: int, retry_after: str | None, sink: Sink) -> ItemRejected | None:
    if 200 <= status <= 299:
        return None
    if status in _ABOUT_THE_EVENT:
        return ItemRejected(f"{sink.host} refuses an event with {status}.", reason="EventRefused")
    if status in _LATER or status >= 500:
        later = retry_after.strip() if retry_after else ""
        seconds = float(later) if later.isascii() and later.isdecimal() and len(later) <= 6 else None
        raise Transient(f"{sink.host} answers with {status}.", reason="EventSinkFailing", retry_after=seconds)
    raise PersonNeeded(
        f"{sink.host} takes no events from here: it answers with {status}. Correct its address or the token.",
        reason="EventSinkRefuses",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
