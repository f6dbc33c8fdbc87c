"""How tests send mails."""

from __future__ import annotations

from bannette.notify import messages
from bannette.notify.mail import Mailer
from bannette.notify.settings import MailSettings, Security
from bannette.resources import Locale
from tests.notify.mails import ask, recipient

MESSAGE = messages.connect_request(recipient(Locale.FRENCH), [ask(company="Été & Fils")])


def settings(port, security=Security.NONE, **others):
    given = {"host": "localhost", "sender": "documents@acme.example", "sender_name": "Acme", "seconds": 30.0, **others}
    return MailSettings(port=port, security=security, **given)


def send(port, security=Security.NONE, *, to=None, message=MESSAGE, **others):
    return Mailer(settings(port, security, **others)).send(to or recipient(), message)
