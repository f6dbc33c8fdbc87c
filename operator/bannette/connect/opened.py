"""A link that a person has opened: the channel that it leads to, as that person's browser is shown it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bannette.accounts import application_of
from bannette.connect.case import Case
from bannette.connect.links import Ticket
from bannette.connect.replies import VISITOR, Asked, Reply
from bannette.connect.settings import Settings
from bannette.onedrive import admin_consent_url
from bannette.resources import Cloud
from bannette.web.sealing import Keys

# Where Microsoft's page goes on for personal accounts, which the browser must be let go to from a form.
_PERSONAL: Final = "https://login.live.com"
_FORM: Final = "form"


@dataclass
class Opened:
    """A link that was opened: the channel of it, for one browser."""

    asked: Asked
    ticket: Ticket
    keys: Keys
    visitor: str
    now: datetime
    language: str
    case: Case = field(init=False)

    @property
    def address(self) -> str:
        """The channel's page, in the language in which it is shown."""
        return f"/c/{self.asked.namespace}/{self.asked.name}?t={self.asked.token}&lang={self.language}"

    def is_own_form(self) -> bool:
        """Tell whether a form was sent from a page that this very browser was shown, of this channel."""
        held = self.keys.open(_FORM, self.asked.form) or {}
        return bool(self.asked.visitor) and all(held.get(name) == value for name, value in self._bound_to().items())

    def is_about_this_connection(self) -> bool:
        """Tell whether nobody has signed in since the form's page was shown: a way back may send it much later."""
        held = self.keys.open(_FORM, self.asked.form) or {}
        return self.case.connection is None or held.get("connection") == self.case.connection.id

    def page(self, name: str, settings: Settings) -> Reply:
        case = self.case
        endpoints = case.endpoints(settings.environ)
        targets = [endpoints.authority]
        if case.channel.onedrive.cloud is Cloud.GLOBAL:
            targets.append(_PERSONAL)
        channel, connection = case.channel, case.connection
        application = application_of(case.account, settings.environ) or ""
        facts: dict[str, object] = {
            "path": f"/c/{channel.namespace}/{channel.name}",
            "token": self.asked.token,
            "form": self.keys.seal(_FORM, {**self._bound_to(), "connection": connection.id if connection else ""}),
            "company": case.company,
            "channel": channel.name,
            "folder": channel.onedrive.folder,
            "account": case.account.login_hint,
            "authority": endpoints.authority.removeprefix("https://"),
            "lost": case.lost,
            "application": application,
            "consent_link": admin_consent_url(endpoints, application, redirect_uri=settings.redirect_uri),
            "suspended": channel.suspend,
            "zone": channel.schedule.time_zone,
            "next_run": channel.next_collection(self.now, first_begins=channel.status.last_run is None),
            "last_run": channel.status.last_run.started_at if channel.status.last_run else None,
            "connected_at": connection.connected_at if connection else None,
        }
        reply = Reply(name, language=self.language, facts=facts, form_targets=tuple(targets))
        if self.asked.visitor != self.visitor:
            reply.cookies[VISITOR] = (self.visitor, None)
        return reply

    def _bound_to(self) -> dict[str, object]:
        return {"visitor": hashlib.sha256(self.visitor.encode()).hexdigest(), "channel": self.ticket.channel}
