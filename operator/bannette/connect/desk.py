"""What is done for a person who opens a link: it is shown, they go to Microsoft, what they bring is kept.

No HTTP here: requests come as texts, and go as replies.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from bannette import logs
from bannette.connect import visits
from bannette.connect.attendant import tell_change
from bannette.connect.case import Case, is_place, load_case, token_secret
from bannette.connect.faults import Fault, Stopped, stopped_by
from bannette.connect.links import LinkFault, make_token, read_token
from bannette.connect.metrics import Metrics
from bannette.connect.opened import Opened
from bannette.connect.replies import Asked, Reply, refused
from bannette.connect.settings import Settings
from bannette.errors import BannetteError
from bannette.kube import ClusterApi
from bannette.onedrive import Connection, Consent, admin_consent_url
from bannette.web.sealing import Keys

logger = logging.getLogger(__name__)

_ADVICE: Final = "open the link once more"
_TIMEOUT: Final = 10.0
_LANGUAGES: Final = ("fr", "en")
# Of seconds for which a page waits for the same one that was loaded a moment before; and so many pages at once.
_MEANWHILE: Final = 6.0
_LOOK: Final = 0.3
_MOST_WAITING: Final = 8
# What a state of msal's, or a visitor's cookie, can't be longer than.
_LONGEST: Final = 512
# Has the operator told later of what changed in the Secret of the channel with that namespace and name.
Untold = Callable[[str, str], None]


class Desk:
    """Serves people; safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        keys: Callable[[], Keys],
        api: ClusterApi,
        sends_mails: bool = False,
        untold: Untold | None = None,
        metrics: Metrics | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._sends_mails = sends_mails
        self._untold = untold
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        self._keys = keys
        self._api = api
        self._metrics = metrics or Metrics()
        self._now = now

    def show(self, asked: Asked) -> Reply:
        """Return the channel's page: what is asked for, or that the account is connected."""
        return self._for_channel(asked, self._shown)

    def begin(self, asked: Asked) -> Reply:
        """Send the person to Microsoft."""
        return self._for_channel(asked, self._begun, form=True)

    def confirm(self, asked: Asked) -> Reply:
        """Ask whether the account is really to be disconnected."""
        return self._for_channel(
            asked, lambda opened: opened.page("disconnect" if opened.case.connection else "ask", self._settings)
        )

    def disconnect(self, asked: Asked) -> Reply:
        """Forget the tokens."""
        return self._for_channel(asked, self._disconnected, form=True)

    def finish(self, answer: Mapping[str, str], cookies: Mapping[str, str], *, preferred: str) -> Reply:
        """Take Microsoft's *answer* about a visit, and lead back to the channel's page."""
        if answer.get("admin_consent", "").casefold() == "true":
            return self._about_the_application(answer, preferred)
        state = answer.get("state", "")
        name = visits.cookie_name(state) if 0 < len(state) <= _LONGEST else ""
        keys = self._keys()
        part = visits.BrowserPart.opened(cookies.get(name, ""), keys)
        if part is None:
            self._metrics.refused(Fault.VISIT_FOREIGN)
            return refused(Stopped(Fault.VISIT_FOREIGN), preferred)
        expires = datetime.fromtimestamp(part.link_expires, UTC)
        again = (
            f"/c/{part.namespace}/{part.name}?t={make_token(part.channel, keys, expires=expires)}&lang={part.language}"
        )
        try:
            case = load_case(self._api, part.namespace, part.name, uid=part.channel)
            # Whoever took the visit may have been killed before the browser heard of it.
            if not visits.has_connected(case.secret, part):
                self._connect(case, part, state, answer)
            self._tell(case)
        except (BannetteError, Stopped) as error:
            reply = self._stopped(error, part.language, channel=f"{part.namespace}/{part.name}", again=again)
            if reply.retry_after is not None:
                # The page may be loaded again: the visit goes on, unless it was taken.
                return reply
        else:
            reply = Reply(status=303, location=again)
        reply.cookies[name] = ("", 0)
        return reply

    def _about_the_application(self, answer: Mapping[str, str], preferred: str) -> Reply:
        """Return what an administrator sees who was asked to allow the application for their directory."""
        # The mark says what the answer is about; whoever declines brings it along, too (Microsoft, admin consent).
        if "error" not in answer:
            return Reply("allowed", language=preferred)
        return self._stopped(Stopped(Fault.NOT_ALLOWED), preferred, channel=None, again="")

    def _for_channel(self, asked: Asked, act: Callable[[Opened], Reply], *, form: bool = False) -> Reply:
        """Open the link and let *act* answer; *form*: only if the page's own form asks."""
        language = asked.chosen if asked.chosen in _LANGUAGES else ""
        keys, again = self._keys(), ""
        try:
            ticket = read_token(asked.token, keys, now=self._now())
            if isinstance(ticket, LinkFault):
                raise Stopped(Fault.LINK_EXPIRED if ticket is LinkFault.EXPIRED else Fault.LINK_FORGED)
            visitor = asked.visitor if 0 < len(asked.visitor) <= _LONGEST else visits.new_secret()
            opened = Opened(asked, ticket, keys, visitor, self._now(), language or asked.preferred)
            again = opened.address
            if form and not opened.is_own_form():
                raise Stopped(Fault.FORM)
            opened.case = load_case(self._api, asked.namespace, asked.name, uid=ticket.channel)
            language = opened.language = language or opened.case.language or asked.preferred
            again = opened.address
            return act(opened)
        except (BannetteError, Stopped) as error:
            known = f"{asked.namespace}/{asked.name}" if again else None
            reply = self._stopped(error, language or asked.preferred, channel=known, again=again)
            by_link = isinstance(error, Stopped) and error.fault in (Fault.LINK_EXPIRED, Fault.LINK_FORGED)
            if by_link and self._sends_mails and is_place(asked.namespace, asked.name):
                reply.facts["doorstep"] = f"/c/{asked.namespace}/{asked.name}?lang={reply.language}"
            return reply

    def _shown(self, opened: Opened) -> Reply:
        if opened.case.is_untold:
            self._tell(opened.case)
        connected = opened.case.connection is not None and opened.case.lost is None
        return opened.page("connected" if connected else "ask", self._settings)

    def _begun(self, opened: Opened) -> Reply:
        case = opened.case
        consent = self._consent(case)
        try:
            visit = consent.begin_visit(self._settings.redirect_uri, by="query")
        except BannetteError as error:
            raise self._said(error, case) from None
        secret, now = visits.new_secret(), self._now()
        disconnection = case.change_secret(
            lambda body: (visits.with_visit(body, visit, browser=secret, now=now), visits.disconnection_of(body))
        )
        part = visits.BrowserPart(
            namespace=case.channel.namespace,
            name=case.channel.name,
            channel=case.channel.uid,
            language=opened.language,
            link_expires=int(opened.ticket.expires.timestamp()),
            secret=secret,
            disconnection=disconnection,
        )
        self._metrics.sign_in_begun()
        logs.event(logger, "connect.begun", channel=case.key)
        cookies: dict[str, tuple[str, int | None]] = {
            visits.cookie_name(visit.state): (part.sealed(opened.keys), visits.COOKIE_SECONDS)
        }
        return Reply(status=303, location=visit.url, cookies=cookies)

    def _connect(self, case: Case, part: visits.BrowserPart, state: str, answer: Mapping[str, str]) -> None:
        """Keep the connection that Microsoft's *answer* makes. Raises: Stopped, PersonNeeded, Transient."""
        try:
            connection = self._brought(case, part, state, answer)
        except Stopped as stopped:
            if stopped.fault is Fault.VISIT_USED and self._connects_meanwhile(case, part, state):
                return
            raise
        hint = case.account.login_hint
        case.change_secret(lambda secret: (visits.connected(secret, connection, part, state, hint=hint), None))
        self._metrics.sign_in_finished()
        logs.event(logger, "connect.connected", channel=case.key, connection=connection.id)

    def _connects_meanwhile(self, case: Case, part: visits.BrowserPart, state: str) -> bool:
        """Tell whether the same page, loaded a moment before, connects the account: it is waited for a little."""
        waits = self._waiting.acquire(blocking=False)
        until = time.monotonic() + _MEANWHILE
        try:
            case.secret = token_secret(case.api, case.channel)
            while waits and time.monotonic() < until and visits.is_under_way(case.secret, state, part, now=self._now()):
                time.sleep(_LOOK)
                case.secret = token_secret(case.api, case.channel)
        finally:
            if waits:
                self._waiting.release()
        return visits.has_connected(case.secret, part)

    def _brought(self, case: Case, part: visits.BrowserPart, state: str, answer: Mapping[str, str]) -> Connection:
        """Return the connection that Microsoft's *answer* makes; the visit is over, whatever comes of it."""
        visit = case.change_secret(visits.taking(state, part, now=self._now()))
        try:
            connection = self._consent(case).finish_visit(visit, answer)
            return replace(connection, id=part.connection_id)
        except BannetteError as error:
            raise self._said(error, case) from None

    def _disconnected(self, opened: Opened) -> Reply:
        if not opened.is_about_this_connection():
            return opened.page("disconnect", self._settings)
        disconnection = visits.new_disconnection()
        opened.case.change_secret(lambda secret: (visits.disconnected(secret, by=disconnection), None))
        self._tell(opened.case)
        self._metrics.disconnected("page")
        logs.event(logger, "connect.disconnected", channel=opened.case.key)
        return opened.page("disconnected", self._settings)

    def _tell(self, case: Case) -> None:
        """Tell the operator that the channel's Secret has changed; if that can't be now, have it told later."""
        try:
            tell_change(case.api, case.channel, now=self._now())
        except BannetteError as error:
            logs.event(logger, "connect.untold", level=logging.WARNING, channel=case.key, reason=error.reason)
            if self._untold is not None:
                self._untold(case.channel.namespace, case.channel.name)

    def _consent(self, case: Case) -> Consent:
        environ = self._settings.environ
        return Consent(
            case.endpoints(environ),
            case.client(environ),
            login_hint=case.account.login_hint,
            advice=_ADVICE,
            timeout=_TIMEOUT,
        )

    def _said(self, error: BannetteError, case: Case) -> Stopped:
        """Return what Microsoft's refusal means, with the page for whoever can lift it."""
        stopped = stopped_by(error, told=True)
        if stopped.fault is Fault.ADMIN:
            environ = self._settings.environ
            stopped.admin_link = admin_consent_url(
                case.endpoints(environ), case.client(environ).client_id, redirect_uri=self._settings.redirect_uri
            )
        return stopped

    def _stopped(self, error: BannetteError | Stopped, language: str, *, channel: str | None, again: str) -> Reply:
        stopped = error if isinstance(error, Stopped) else stopped_by(error)
        told = stopped.detail if isinstance(error, Stopped) else str(error)
        self._metrics.refused(stopped.fault)
        logs.event(
            logger,
            "connect.refused",
            level=logging.WARNING if stopped.fault.status >= 500 else logging.INFO,
            channel=channel,
            fault=stopped.fault.text,
            reason=stopped.reason or None,
            message=told or None,
        )
        return refused(stopped, language, again=again)
