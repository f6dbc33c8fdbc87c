"""Servers for mails: one that speaks SMTP (aiosmtpd), with TLS of a CA of its own, and one that follows a script."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from devcluster.processes import free_ports

_SECONDS = 60.0
USER, PASSWORD = "bannette", "p\u00e4ss =w\u00f6rd+1"


class Authority:
    """A CA, its certificate in a file, and contexts of servers that it vouches for."""

    def __init__(self, folder: Path, *, host: str = "localhost") -> None:
        ca = trustme.CA()
        self.file = folder / "mail-ca.crt"
        ca.cert_pem.write_to_path(str(self.file))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(host).configure_cert(self.context)


@dataclass
class Taken:
    """What a server took over, and what it saw on the way."""

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    senders: list[str | None] = field(default_factory=list)
    addressees: list[list[str]] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    mechanisms: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.raw.append(envelope.content)
        self.mails.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        self.senders.append(envelope.mail_from)
        self.addressees.append(envelope.rcpt_tos)
        self.greetings.append(session.host_name)
        self.encrypted.append(session.ssl is not None)
        return "250 taken over"

    def authenticate(self, server, session, envelope, mechanism, data):
        self.mechanisms.append(mechanism)
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == right, handled=False)


@dataclass(frozen=True)
class MailServer:
    """A running server: where it is, and what it has taken over."""

    port: int
    taken: Taken


@contextmanager
def mail_server(
    *,
    implicit_tls: ssl.SSLContext | None = None,
    port: int | None = None,
    taken: Taken | None = None,
    **options: object,
) -> Iterator[MailServer]:
    """Run a server on localhost; *options* are those of ``aiosmtpd.smtp.SMTP``."""
    taken = taken or Taken()
    if options.pop("with_sign_in", False):
        options |= {"authenticator": taken.authenticate, "auth_required": True}
    controller = _started(taken, implicit_tls, options, port)
    try:
        yield MailServer(controller.port, taken)
    finally:
        controller.stop()


def _started(taken: Taken, tls: ssl.SSLContext | None, options: dict[str, object], port: int | None) -> Controller:
    for last in (False, False, True):
        controller = Controller(
            taken,
            hostname="localhost",
            port=port or free_port(),
            ssl_context=tls,
            ready_timeout=_SECONDS,
            **options,
        )
        try:
            controller.start()
        except OSError:
            # Somebody else took the port meanwhile.
            if last:
                raise
        else:
            return controller
    raise AssertionError("unreachable")


def free_port() -> int:
    """Return a port that nobody listens on, and that no connection which somebody makes comes from."""
    (port,) = free_ports(1)
    return port


# What a server says in a conversation in which nothing goes wrong.
WELL: Mapping[str, str] = {
    "greeting": "220 localhost ready",
    "EHLO": "250-localhost\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
    "AUTH": "235 welcome",
    "MAIL": "250 fine",
    "RCPT": "250 fine",
    "DATA": "354 go on",
    "text": "250 taken over",
    "RSET": "250 fine",
    "QUIT": "221 bye",
}
CLOSE, HANG, DRIP = "close", "hang", "drip"


class ScriptedServer:
    """Answers each command as a script says: a line, or that it closes, says nothing any more, or drips for ever.

    Attributes:
        heard: the lines of clients.
    """

    def __init__(self, changes: Mapping[str, str]) -> None:
        self._script = {**WELL, **changes}
        self._listening = socket.create_server(("localhost", 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._listening.getsockname()[1]
        self.heard: list[str] = []

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(_SECONDS)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with suppress(OSError), connection:
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        if not self._answer(connection, "greeting"):
            return
        in_text = False
        for line in connection.makefile("r", encoding="utf-8", newline="\r\n"):
            self.heard.append(line.rstrip("\r\n"))
            verb = "text" if in_text else line[:4].strip().upper()
            if in_text and line != ".\r\n":
                continue
            if not self._answer(connection, verb):
                return
            in_text = verb == "DATA" and self._script["DATA"].startswith("354")

    def _answer(self, connection: socket.socket, moment: str) -> bool:
        said = self._script.get(moment, "500 what?")
        if said == HANG:
            self._ended.wait(60)
        while said == DRIP and not self._ended.wait(0.1):
            connection.sendall(b"250-more\r\n")
        if said in (CLOSE, HANG, DRIP):
            return False
        connection.sendall(f"{said}\r\n".encode())
        return True
