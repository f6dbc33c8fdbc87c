"""What it means when a mail can't be handed over, and what to do. Pure.

Source: RFC 5321, 4.2.1: 4yz may be repeated, 5yz not as it is.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import Final

from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.logs import redact
from bannette.notify.credentials import Credentials
from bannette.notify.names import plain
from bannette.notify.settings import MailSettings
from bannette.resources import Recipient

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


def explained(
    error: OSError | smtplib.SMTPException,
    *,
    to: Recipient,
    settings: MailSettings,
    credentials: Credentials | None,
    timed_out: bool,
    unconfirmed: bool,
) -> BannetteError:
    """Return what *error* of a conversation means; of what the server said, a line without credentials."""
    server = f"{settings.host}, port {settings.port},"
    if unconfirmed and not isinstance(error, smtplib.SMTPResponseException):
        return Transient(
            f"{server} got the whole mail and didn't say that it took it over: it may have, so it is rarely tried "
            "again. Look at its log, and let it answer within "
            f"{settings.seconds:g} seconds.",
            reason="MailUnconfirmed",
        )
    if timed_out or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return Transient(
            f"{server} took too long: check host, port and BANNETTE_SMTP_SECURITY (a port for tls says nothing to a "
            "client that waits for its greeting), and that the network lets it through.",
            reason="MailTimedOut",
        )
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        ((code, words),) = error.recipients.values()
        return _answered(code, words, credentials, _address_refused(to))
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error.smtp_code, error.smtp_error, credentials, _refused(error, server))
    if isinstance(error, ssl.SSLError):
        return _encryption(error, server)
    if isinstance(error, socket.gaierror):
        return Transient(f"{server} has no address: check the name, and the DNS.", reason="MailUnreachable")
    what = "broke the connection off" if isinstance(error, smtplib.SMTPServerDisconnected) else "can't be reached"
    return Transient(f"{server} {what}: it is tried again.", reason="MailUnreachable")


def _answered(
    code: int, words: bytes | str, credentials: Credentials | None, refused: PersonNeeded
) -> PersonNeeded | Transient:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    if credentials is not None:
        said = credentials.hidden_in(said)
    quoted = f"{code} {plain(redact(said))}".strip()
    if 500 <= code <= 599:
        return PersonNeeded(f"{refused} It says: {quoted}", reason=refused.reason)
    return Transient(f"The server for mails puts it off. It says: {quoted}", reason="MailPutOff")


def _address_refused(to: Recipient) -> PersonNeeded:
    return PersonNeeded(
        f'The server for mails refuses the address of Recipient "{to.name}" of namespace "{to.namespace}": correct '
        "spec.email, or let the server accept it.",
        reason="MailAddressRefused",
    )


def _refused(error: smtplib.SMTPResponseException, server: str) -> PersonNeeded:
    match error:
        case smtplib.SMTPAuthenticationError():
            return PersonNeeded(
                f"{server} refuses the sign-in: correct the user and password in the mounted Secret.",
                reason="MailSignInRefused",
            )
        case smtplib.SMTPSenderRefused():
            return PersonNeeded(
                f"{server} refuses the sender: correct BANNETTE_SMTP_FROM, or let this user send from it.",
                reason="MailSenderRefused",
            )
        case smtplib.SMTPDataError():
            return PersonNeeded(f"{server} refuses the mail: see what it says.", reason="MailRefused")
    return PersonNeeded(f"{server} refuses to talk: name another server, or let it in.", reason="MailServerRefuses")


def _encryption(error: ssl.SSLError, server: str) -> BannetteError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return PersonNeeded(
            f"The certificate of {server} isn't trusted ({error.verify_message}): name its authority in "
            "BANNETTE_SMTP_CA_FILE, or the host as the certificate does.",
            reason="MailServerUntrusted",
        )
    if error.reason in _NO_TLS:
        return PersonNeeded(
            f"{server} doesn't speak TLS there: set BANNETTE_SMTP_SECURITY to starttls, or the port to its for TLS.",
            reason="MailNotEncrypted",
        )
    return Transient(f"{server} broke off while the encryption was agreed on.", reason="MailUnreachable")
