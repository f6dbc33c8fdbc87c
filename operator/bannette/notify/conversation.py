"""A connection to a server for mails that can't last for ever."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from threading import Timer
from typing import TYPE_CHECKING, Final, Self

from bannette.errors import PersonNeeded
from bannette.notify.settings import MailSettings, Security

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_END_OF_TEXT: Final = b"\r\n.\r\n"


class Conversation(smtplib.SMTP):
    """An SMTP client for one mail.

    A server that sends a byte now and then never exceeds the time for one answer; so the whole is timed, too.

    Attributes:
        timed_out: the whole took too long, and the connection was cut.
        unconfirmed: the text was sent whole, and the server hasn't said what becomes of it.
    """

    def __init__(self, settings: MailSettings) -> None:
        # Without a host, it doesn't connect yet; with a name, it doesn't ask the DNS for its own.
        super().__init__(local_hostname="[127.0.0.1]", timeout=settings.seconds)
        self.timed_out = self.unconfirmed = False
        self._settings = settings
        self._trust = _trust(settings)
        # What the certificate must be of.
        self._host = settings.host
        self._watched: socket.socket | None = None
        self._timer = Timer(settings.seconds * 3, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            # The mail is handed over: whatever the farewell comes to changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                self.quit()
        self._timer.cancel()
        self.close()
        if self._watched is not None:
            self._watched.close()

    def send(self, s: Buffer | str) -> None:
        super().send(s)
        self.unconfirmed = isinstance(s, bytes) and s.endswith(_END_OF_TEXT)

    def begin(self) -> None:
        """Connect, greet, and encrypt.

        Raises:
            PersonNeeded: the server doesn't encrypt, though it should.
            OSError, smtplib.SMTPException: see mail_errors.
        """
        code, greeting = self.connect(self._settings.host, self._settings.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, greeting)
        self.ehlo_or_helo_if_needed()
        if self._settings.security is Security.STARTTLS:
            if not self.has_extn("starttls"):
                raise PersonNeeded(
                    f"{self._settings.host} offers no STARTTLS, so nothing was sent: set BANNETTE_SMTP_SECURITY to tls "
                    "and the port to its, or name another server.",
                    reason="MailNotEncrypted",
                )
            self.starttls(context=self._trust)
            self.ehlo_or_helo_if_needed()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((host, port), timeout)
        # Wrapped, a socket is another object; this one is of the same connection whatever becomes of it.
        self._watched = connected.dup()
        self._timer.start()
        # By address (RFC 5321, 4.1.4): the name of a pod means nothing outside.
        own = ip_address(connected.getsockname()[0].partition("%")[0])
        self.local_hostname = f"[IPv6:{own}]" if isinstance(own, IPv6Address) else f"[{own}]"
        if self._settings.security is not Security.TLS:
            return connected
        return self._trust.wrap_socket(connected, server_hostname=host)

    def _cut(self) -> None:
        self.timed_out = True
        if self._watched is not None:
            with suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)


def _trust(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        raise PersonNeeded(
            "The file of BANNETTE_SMTP_CA_FILE can't be read, or has no certificate: correct it, or leave it out.",
            reason="InvalidSetting",
        ) from None
