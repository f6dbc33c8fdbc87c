"""A mail as it goes over the wire: headers and both forms. Pure but for the id that each mail gets."""

from __future__ import annotations

from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import idna

from bannette.errors import PersonNeeded
from bannette.notify.names import plain_header
from bannette.notify.rendering import Message
from bannette.notify.settings import MailSettings
from bannette.resources import Recipient
from bannette.resources.rules import EMAIL


def address_of(recipient: Recipient) -> str:
    """Return the recipient's address, its domain in ASCII (IDNA): only what is before the @ may then need SMTPUTF8.

    Raises:
        PersonNeeded: it isn't an address.
    """
    local, _, domain = recipient.email.rpartition("@")
    if not EMAIL.accepts(recipient.email) or not recipient.email.isprintable():
        raise _no_address(recipient)
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        return Address(username=local, domain=ascii_domain).addr_spec
    except (idna.IDNAError, MessageError, ValueError):
        raise _no_address(recipient) from None


def envelop(
    recipient: Recipient, message: Message, *, settings: MailSettings, now: datetime, message_id: str | None = None
) -> EmailMessage:
    """Return the whole mail.

    Args:
        message_id: what stands before its @, without blanks and angle brackets; None makes a new one.

    Raises:
        PersonNeeded: the recipient's address isn't one.

    Source: RFC 5322, RFC 3834 (Auto-Submitted), RFC 2046 (multipart/alternative: the last part is the best).
    """
    mail = EmailMessage(policy=SMTP)
    domain = settings.sender.rpartition("@")[2]
    mail["From"] = Address(display_name=settings.sender_name, addr_spec=settings.sender)
    local, _, its_domain = address_of(recipient).rpartition("@")
    mail["To"] = Address(display_name=plain_header(recipient.display_name), username=local, domain=its_domain)
    mail["Subject"] = plain_header(message.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@{domain}>" if message_id else make_msgid(domain=domain)
    # No answers of absence: neither by the standard nor, of Exchange, by its own header.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    # After the parts: what begins with Content- would have gone into the first of them.
    mail["Content-Language"] = message.language
    return mail


def _no_address(recipient: Recipient) -> PersonNeeded:
    return PersonNeeded(
        f'Recipient "{recipient.name}" of namespace "{recipient.namespace}" has no usable address: correct spec.email.',
        reason="MailAddressInvalid",
    )
