"""The mailbox of everybody: a server that takes every mail over SMTP with STARTTLS, and keeps it to be looked at."""

from __future__ import annotations

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulator.world import World

_MOST = 1000


async def start_mailbox(world: World, host: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
    """Take mails at *host* and *port* (0: a free one); ``world.mails`` has them, the latest last."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(_Handler(world), tls_context=context, require_starttls=True, enable_SMTPUTF8=True, loop=loop),
        host,
        port,
    )


class _Handler:
    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, _class=EmailMessage, policy=policy.default)
        self._world.mails.append(
            {
                "to": list(envelope.rcpt_tos),
                "from": envelope.mail_from,
                "subject": str(message["Subject"]),
                "text": _part(message, "plain"),
                "html": _part(message, "html"),
            }
        )
        del self._world.mails[:-_MOST]
        return "250 taken over"


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
