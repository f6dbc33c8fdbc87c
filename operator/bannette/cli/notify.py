"""``bannette notify test``: a sample of a mail, by the server that the environment names."""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bannette.errors import PersonNeeded
from bannette.notify import messages
from bannette.notify.mail import Mailer
from bannette.notify.rendering import Message
from bannette.notify.settings import MailSettings
from bannette.notify.subjects import Ask, Collected, Failure, Lapse, Loss
from bannette.resources import Locale, Recipient
from bannette.resources.rules import EMAIL

_NOWHERE: Final = "https://bannette.example/c/test/test"


def run(arguments: argparse.Namespace) -> int:
    if not EMAIL.accepts(arguments.to):
        raise PersonNeeded(f"--to: {EMAIL.message}.", reason="AddressInvalid")
    settings = MailSettings.from_environment(os.environ)
    recipient = Recipient(
        name="test",
        namespace="test",
        display_name=arguments.to.partition("@")[0],
        email=arguments.to,
        locale=Locale(arguments.locale),
    )
    message_id = Mailer(settings).send(recipient, sample(arguments.kind, recipient, now=datetime.now(UTC)))
    print(f"{settings.host}, port {settings.port}, took over the mail {message_id} to {arguments.to}.")
    return 0


def sample(kind: str, recipient: Recipient, *, now: datetime) -> Message:
    """Return a mail of *kind* about a channel that doesn't exist: its link leads nowhere."""
    source: dict[str, Any] = {"company": "Test", "channel": "test", "folder": "/Test", "account": recipient.email}
    ask: dict[str, Any] = {**source, "link": _NOWHERE, "expires": now + timedelta(days=14)}
    match kind:
        case "reminder":
            return messages.reminder(recipient, [Ask(**ask)])
        case "lost":
            return messages.connection_lost(recipient, [Loss(**ask, since=now, reason="PasswordChanged")])
        case "lapsing":
            return messages.connection_lapsing(recipient, [Lapse(**ask, lapses=now + timedelta(days=14))])
        case "first":
            return messages.first_collection(recipient, [Collected(**source, collected=12, duplicates=1, deferred=1)])
        case "digest":
            return messages.daily_digest(recipient, now.date(), [Collected(**source, collected=12, rejected=1)])
        case "failure":
            return messages.failure_notice(recipient, [Failure(**source, since=now, reason="FolderNotFound")])
    return messages.connect_request(recipient, [Ask(**ask)])
