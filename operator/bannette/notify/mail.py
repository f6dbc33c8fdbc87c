"""Hands mails to a server (SMTP): one connection for each, encrypted, signed in."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime

from bannette.errors import PersonNeeded
from bannette.notify.conversation import Conversation
from bannette.notify.credentials import read_credentials, sign_in
from bannette.notify.envelope import address_of, envelop
from bannette.notify.mail_errors import explained
from bannette.notify.rendering import Message
from bannette.notify.settings import MailSettings
from bannette.resources import Recipient


class Mailer:
    """Sends mails by one server. Keeps nothing between two mails: credentials and authorities are read for each."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, to: Recipient, message: Message, *, message_id: str | None = None) -> str:
        """Hand *message* to the server, and return its Message-ID once the server has taken it over.

        Args:
            message_id: what stands before its @; the same for a mail that is sent again. None makes a new one.

        When a connection breaks after the text was sent, nobody knows whether it was taken over: the error is
        `Transient`, and whoever repeats sends it twice rather than never.

        Raises:
            PersonNeeded: the address, the sign-in, the certificate or a setting is refused.
            Transient: the server can't be reached, breaks off, takes too long, or puts it off.
        """
        settings = self._settings
        mail = envelop(to, message, settings=settings, now=datetime.now(UTC), message_id=message_id)
        address = address_of(to)
        credentials = read_credentials(settings)
        with Conversation(settings) as server:
            try:
                server.begin()
                if credentials is not None:
                    sign_in(server, credentials)
                if not address.isascii() and not server.has_extn("smtputf8"):
                    raise PersonNeeded(
                        f'The address of Recipient "{to.name}" of namespace "{to.namespace}" has letters that the '
                        "server for mails can't write to (no SMTPUTF8): name another address, or another server.",
                        reason="MailAddressRefused",
                    )
                server.send_message(mail, settings.sender, [address])
            except (OSError, smtplib.SMTPException) as error:
                raise explained(
                    error,
                    to=to,
                    settings=settings,
                    credentials=credentials,
                    timed_out=server.timed_out,
                    unconfirmed=server.unconfirmed,
                ) from None
        return str(mail["Message-ID"])
