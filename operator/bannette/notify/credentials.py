"""Who signs in at the server for mails: read from files, told to nobody else."""

from __future__ import annotations

import smtplib
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from bannette.errors import PersonNeeded
from bannette.notify.settings import MailSettings


@dataclass(frozen=True)
class Credentials:
    """A user's name and password."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    @property
    def plain(self) -> str:
        """What AUTH PLAIN sends (RFC 4616: UTF-8)."""
        return _coded(f"\0{self.username}\0{self.password}")

    def hidden_in(self, text: str) -> str:
        """Return *text* without them, in whatever form a server may repeat them."""
        for secret in (self.plain, _coded(self.password), _coded(self.username), self.password):
            text = text.replace(secret, "[redacted]")
        return text


def read_credentials(settings: MailSettings) -> Credentials | None:
    """Return what the mounted Secret says now; None if the server wants no sign-in.

    Raises:
        PersonNeeded: a file is missing, empty, or isn't one line of text.
    """
    if settings.username_file is None or settings.password_file is None:
        return None
    return Credentials(_line(settings.username_file, "USERNAME"), _line(settings.password_file, "PASSWORD"))


def sign_in(server: smtplib.SMTP, credentials: Credentials) -> None:
    """Sign in by AUTH PLAIN or LOGIN; smtplib's own way fails at a password that isn't ASCII.

    Raises:
        PersonNeeded: the server offers neither.
        smtplib.SMTPAuthenticationError: it refuses.
    """
    offered = server.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, reply = server.docmd("AUTH", f"PLAIN {credentials.plain}")
    elif "LOGIN" in offered:
        code, reply = server.docmd("AUTH", "LOGIN")
        for answer in (credentials.username, credentials.password):
            if code == 334:
                code, reply = server.docmd(_coded(answer))
    else:
        raise PersonNeeded(
            "The server for mails offers no sign-in by password (AUTH PLAIN or LOGIN): leave out "
            "BANNETTE_SMTP_USERNAME_FILE and _PASSWORD_FILE if it wants none, or name another server.",
            reason="MailSignInUnsupported",
        )
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


def _line(path: Path, name: str) -> str:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text or not text.isprintable():
        raise PersonNeeded(
            f"The file of BANNETTE_SMTP_{name}_FILE isn't there, or isn't one line of text: check the Secret that is "
            "mounted there.",
            reason="MailCredentialsMissing",
        )
    return text


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")
