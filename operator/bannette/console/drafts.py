"""A channel as somebody describes it in a form: what is to be created, and where what is wrong is said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: The fields of the form, in its order; each is text.
FIELDS: Final = (
    "name", "account", "login_hint", "tenant", "user", "client", "secret", "folder", "recipient",
    "recipient_name", "display_name", "email", "locale", "binder", "time", "zone",
)  # fmt: skip
#: Chosen in place of a recipient: one that is made along with the channel. No object has such a name.
NEW: Final = "+"
_DEFAULTS: Final = {"account": "delegated", "folder": "/", "zone": "Europe/Paris"}

_CHANNEL_FIELDS: Final = (
    ("spec.onedrive.account.delegated.loginHint", "login_hint"),
    ("spec.onedrive.account.application.tenantId", "tenant"),
    ("spec.onedrive.account.application.user", "user"),
    ("spec.onedrive.account.application.clientId", "client"),
    ("spec.onedrive.account.application.credentialsSecret", "secret"),
    ("spec.onedrive.account", "account"),
    ("spec.onedrive.folder", "folder"),
    ("spec.recipient", "recipient"),
    ("spec.destination", "binder"),
    ("spec.schedule.timeZone", "zone"),
    ("spec.schedule", "time"),
    ("metadata", "name"),
)
_RECIPIENT_FIELDS: Final = (
    ("spec.displayName", "display_name"),
    ("spec.email", "email"),
    ("spec.locale", "locale"),
    ("metadata", "recipient_name"),
)
# Said of an object as a whole where the rule is about its name.
_OF_THE_NAME: Final = "choose a name"


@dataclass(frozen=True)
class Draft:
    """What was written into the form."""

    values: Mapping[str, str]

    @property
    def makes_recipient(self) -> bool:
        return self.values["recipient"] == NEW

    @property
    def is_delegated(self) -> bool:
        return self.values["account"] != "application"

    @property
    def name(self) -> str:
        return self.values["name"]

    @property
    def recipient(self) -> str:
        return self.values["recipient_name" if self.makes_recipient else "recipient"]

    def recipient_spec(self) -> dict[str, Any]:
        return _written(
            displayName=self.values["display_name"], email=self.values["email"], locale=self.values["locale"]
        )

    def channel_spec(self) -> dict[str, Any]:
        """Return the channel's spec; what was left empty is absent, so that the API server says what it needs."""
        values = self.values
        if self.is_delegated:
            account = {"delegated": _written(loginHint=values["login_hint"])}
        else:
            secret = _written(name=values["secret"])
            account = {
                "application": _written(
                    tenantId=values["tenant"],
                    user=values["user"],
                    clientId=values["client"],
                    credentialsSecret=secret or None,
                )
            }
        return {
            "type": "OneDrive",
            "recipient": _written(name=self.recipient),
            "destination": _written(binder=values["binder"]),
            "schedule": _written(time=values["time"], timeZone=values["zone"]),
            "onedrive": _written(folder=values["folder"], account=account),
        }


def draft_of(fields: Mapping[str, str]) -> Draft:
    """Return what a form was sent with, without blanks around it."""
    return Draft({name: fields.get(name, "").strip() for name in FIELDS})


def empty_draft(*, recipients: bool, language: str) -> Draft:
    """Return what the form begins with; without *recipients* to choose from, one is to be made."""
    chosen = {"locale": language} | ({} if recipients else {"recipient": NEW})
    return Draft(dict.fromkeys(FIELDS, "") | _DEFAULTS | chosen)


def channel_complaints(said: Mapping[str, str]) -> dict[str, str]:
    """Return what the API server said of a channel, by the form's fields; empty: of none of them."""
    return _by_field(said, _CHANNEL_FIELDS)


def recipient_complaints(said: Mapping[str, str]) -> dict[str, str]:
    """Return what the API server said of a recipient, by the form's fields."""
    return _by_field(said, _RECIPIENT_FIELDS)


def _by_field(said: Mapping[str, str], fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, message in said.items():
        about = next((field for begin, field in fields if path.startswith(begin)), "")
        if not about and message.startswith(_OF_THE_NAME):
            about = next(field for begin, field in fields if begin == "metadata")
        found.setdefault(about, message)
    return found


def _written(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None)}
