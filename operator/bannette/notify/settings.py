"""Which server takes mails, and how: read from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from bannette.errors import PersonNeeded
from bannette.notify.names import plain_header
from bannette.resources.rules import EMAIL

SECONDS: Final = 20.0
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_SENDER: Final = re.compile(r"\s*(?:\"?(?P<name>[^<>\"]*?)\"?\s*<(?P<between>[^<>]*)>|(?P<alone>[^<>]*))\s*")


class Security(StrEnum):
    """How the connection is encrypted, or that it isn't."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS: Final = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """A server for outgoing mail.

    Attributes:
        sender: address that mails come from.
        sender_name: the name before it; may be empty.
        username_file, password_file: files of a mounted Secret, read for each mail, since it rotates; both or none.
        ca_file: authorities to trust in place of the system's.
        seconds: how long the server may take for one answer; a whole mail takes at most three times as long.
    """

    host: str
    port: int
    security: Security
    sender: str
    sender_name: str = ""
    username_file: Path | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    seconds: float = SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> MailSettings:
        """Return the settings that ``BANNETTE_SMTP_…`` name.

        Raises:
            PersonNeeded: one is missing or wrong; or a password would go over the network as it is.
        """
        given = {name: environment.get(f"BANNETTE_SMTP_{name}", "").strip() for name in _NAMES}
        for needed in ("HOST", "FROM"):
            if not given[needed]:
                raise _wrong(needed, "is missing", _NAMES[needed])
        security = _security(given["SECURITY"])
        name, sender = _sender(given["FROM"])
        settings = cls(
            host=_host(given["HOST"]),
            port=_port(given["PORT"], security),
            security=security,
            sender=sender,
            sender_name=name,
            username_file=_path(given["USERNAME_FILE"]),
            password_file=_path(given["PASSWORD_FILE"]),
            ca_file=_path(given["CA_FILE"]),
        )
        if (settings.username_file is None) is not (settings.password_file is None):
            lacks = "PASSWORD_FILE" if settings.password_file is None else "USERNAME_FILE"
            raise _wrong(lacks, "is missing", "name both files, or none for a server that wants no sign-in")
        if security is Security.NONE and settings.password_file is not None and not _is_loopback(settings.host):
            raise _wrong("SECURITY", "is none, and the password would be readable on its way", "use starttls or tls")
        return settings


# Setting -> what to write.
_NAMES: Final = {
    "HOST": "write the name of the server that takes mails",
    "PORT": "write a number from 1 to 65535, or leave it out",
    "SECURITY": "write starttls, tls or none",
    "FROM": 'write the address that mails come from, for example "Acme <documents@acme.example>"',
    "USERNAME_FILE": "",
    "PASSWORD_FILE": "",
    "CA_FILE": "",
}


def _wrong(name: str, what: str, instead: str) -> PersonNeeded:
    return PersonNeeded(f"BANNETTE_SMTP_{name} {what}: {instead}.", reason="InvalidSetting")


def _security(text: str) -> Security:
    try:
        return Security(text.lower() or Security.STARTTLS)
    except ValueError:
        raise _wrong("SECURITY", "is unknown", _NAMES["SECURITY"]) from None


def _host(text: str) -> str:
    host = text.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(host):
        raise _wrong("HOST", "isn't a host", f"{_NAMES['HOST']}, without smtp:// and without a port")
    return host


def _port(text: str, security: Security) -> int:
    if not text:
        return _PORTS[security]
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise _wrong("PORT", "isn't a port", _NAMES["PORT"])
    return int(text)


def _sender(text: str) -> tuple[str, str]:
    found = _SENDER.fullmatch(text)
    address = (found["between"] or found["alone"] or "").strip() if found else ""
    if not found or not EMAIL.accepts(address) or not address.isascii() or not address.isprintable():
        raise _wrong("FROM", "isn't an address", _NAMES["FROM"])
    return plain_header(found["name"] or ""), address


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
