"""Sends one mail so that it is sent once: claimed in the recipient's status before, recorded there afterwards."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bannette import logs
from bannette.connect.asking.compose import Links, compose
from bannette.connect.asking.decide import NOTIFIED, mail_id, next_mail, refused, sent
from bannette.connect.asking.outage import Outage, is_of_one, pause_for_one
from bannette.connect.asking.person import Person
from bannette.connect.asking.register import uid_of, version_of
from bannette.connect.asking.settings import AskingSettings
from bannette.connect.metrics import Metrics
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.kube import ClusterApi, Conflict
from bannette.notify.mail import Mailer
from bannette.notify.plan import Mail
from bannette.resources import RECIPIENTS, Attempt, InvalidResource, Recipient, RecipientStatus
from bannette.resources.history import cut_message

logger = logging.getLogger(__name__)

# Longer than a mail may take. Whoever claimed it and hasn't said more by then is dead.
_CLAIM: Final = timedelta(minutes=5)
_LONGEST_CLAIM: Final = timedelta(hours=6)
# Until the watch has told what somebody else changed.
_SOON: Final = timedelta(seconds=5)
# Reasons why nothing can be written into a status either.
_OF_THE_API: Final = frozenset({"ApiUnavailable", "Forbidden", "Refused"})
_WRONG_CLOCK: Final = timedelta(days=2)
# Claims that are remembered: of one that was lost the next one tells.
_DOUBTS: Final = 4
_LONGEST_WAIT: Final = 30.0


class Post:
    """Hands mails over. Safe to share between threads, each with a person of its own.

    Args:
        links: what makes the links of a mail, from the keys of now.
        written: told of each recipient that was written, as the API server has it now.
        waiting: told now and then while the API server can't be written to.
        instance: tells this process from others.
    """

    def __init__(
        self,
        api: ClusterApi,
        mailer: Mailer,
        *,
        settings: AskingSettings,
        links: Callable[[datetime], Links],
        written: Callable[[dict[str, object]], None],
        waiting: Callable[[], None],
        instance: str,
        metrics: Metrics,
        now: Callable[[], datetime],
        stopped: threading.Event,
    ) -> None:
        self._api = api
        self._mailer = mailer
        self._settings = settings
        self._links = links
        self._written = written
        self._waiting = waiting
        self._instance = instance
        self._metrics = metrics
        self._now = now
        self._stopped = stopped
        self._outage = Outage()
        # Claims of others, and when they were first seen: their clocks aren't believed.
        self._claims: dict[str, tuple[Attempt, datetime]] = {}
        # By uid: own claims of which it isn't known whether they were made, the API server's answer lost.
        self._unsure: dict[str, list[Mapping[str, object]]] = {}

    def is_kept_from_all(self) -> bool:
        """Tell whether no mail can be sent to anybody."""
        return self._outage.lasts(self._now())

    def attend(self, person: Person) -> datetime | None:
        """Send a person what is due to them, if anything is; return when to look again, unless something changes."""
        now = self._now()
        found = next_mail(person, now=now, settings=self._settings)
        if found.mail is None:
            return found.look_again
        held = self._held(person.recipient, now)
        if held is not None and held > now:
            return held
        outage = self._outage.now(now)
        if outage is not None:
            error, until = outage
            if error.reason not in _OF_THE_API:
                self._tell(person, error, now)
            return until
        return self._post(person, found.mail, now)

    def _held(self, recipient: Recipient, now: datetime) -> datetime | None:
        """Return until when others hand a mail to this person over, or until when a refusal is to be waited for."""
        attempt = recipient.status.attempt
        if attempt is None or attempt.claimed_at is None:
            self._claims.pop(recipient.uid, None)
        if attempt is None or self._is_own(recipient):
            return None
        if attempt.claimed_at is not None:
            known, seen = self._claims.get(recipient.uid, (None, now))
            if known != attempt:
                seen = now
            self._claims[recipient.uid] = (attempt, seen)
            return seen + min(_CLAIM * 2.0 ** min(attempt.failures, 10), _LONGEST_CLAIM)
        # A corrected address is tried at once.
        is_of_this_spec = recipient.status.observed_generation == recipient.generation
        at = attempt.retry_at
        return at if is_of_this_spec and at is not None and at < now + _WRONG_CLOCK else None

    def _post(self, person: Person, mail: Mail, now: datetime) -> datetime | None:
        recipient = person.recipient
        try:
            message = compose(person, mail, now=now, pace=self._settings.pace, links=self._links(now))
        except PersonNeeded as error:
            self._metrics.mail_failed(mail.kind, error.reason)
            self._tell(person, error, now)
            return self._outage.began(error, now)
        failures = _failures(recipient, own=self._is_own(recipient))
        claim = Attempt(id=mail_id(person, mail, now=now), claimed_at=now, claimed_by=self._instance, failures=failures)
        try:
            claimed = self._patched(recipient, {"attempt": claim.to_dict()}, person.version)
        except Conflict:
            self._doubt(recipient, claim)
            return now + _SOON
        except (PersonNeeded, Transient) as error:
            if error.reason == "NotFound":
                return None
            self._doubt(recipient, claim)
            self._metrics.mail_failed(mail.kind, error.reason)
            self._hindered(recipient, error)
            return self._outage.began(error, now)
        self._unsure.pop(recipient.uid, None)
        person = replace(person, recipient=Recipient.parse(claimed), version=version_of(claimed))
        try:
            self._mailer.send(recipient, message, message_id=claim.id)
        except (PersonNeeded, Transient) as error:
            self._metrics.mail_failed(mail.kind, error.reason)
            return self._not_sent(person, claim, error)
        self._metrics.mail_sent(mail.kind)
        self._outage.ended()
        at, day = self._now().replace(microsecond=0), person.day_before(now)
        logs.event(
            logger, "mail.sent", recipient=_name(recipient), kind=mail.kind.value, channels=len(mail.keys), id=claim.id
        )
        self._record(
            person,
            lambda fresh: sent(fresh, mail, day=day, now=at),
            # The answer to the first try was lost.
            unless=lambda status: any(one.at == at and one.kind == mail.kind.value for one in status.mails),
        )
        return self._now()

    def _doubt(self, recipient: Recipient, claim: Attempt) -> None:
        self._unsure[recipient.uid] = [*self._unsure.get(recipient.uid, ()), claim.to_dict()][-_DOUBTS:]

    def _is_own(self, recipient: Recipient) -> bool:
        """Tell whether this process claimed the mail without knowing it: nothing was handed over under that claim."""
        attempt = recipient.status.attempt
        return attempt is not None and attempt.to_dict() in self._unsure.get(recipient.uid, ())

    def _not_sent(self, person: Person, claim: Attempt, error: PersonNeeded | Transient) -> datetime:
        now = self._now()
        attempt: Attempt | None = None
        if is_of_one(error) and not self._outage.speaks_of_all(error):
            failures = claim.failures + 1
            again = now + pause_for_one(error, failures)
            attempt = Attempt(id=claim.id, failures=failures, retry_at=again)
        else:
            again = self._outage.began(error, now)
        logs.event(
            logger,
            "mail.failed",
            level=logging.WARNING,
            recipient=_name(person.recipient),
            reason=error.reason,
            message=str(error),
            retry=again.isoformat(timespec="seconds"),
        )
        self._record(
            person,
            lambda fresh: refused(fresh.recipient, error, attempt=attempt, now=now),
            # Somebody else took it over meanwhile, and knows better.
            unless=lambda status: status.attempt is None or status.attempt.claimed_by != self._instance,
        )
        return again

    def _record(
        self,
        person: Person,
        change: Callable[[Person], RecipientStatus],
        *,
        unless: Callable[[RecipientStatus], bool],
    ) -> None:
        """Write what came of a mail, as often as somebody else was faster, or the API server is away."""
        wait = 1.0
        while True:
            try:
                self._patched(person.recipient, _differing(person.recipient.status, change(person)), person.version)
                return
            except (Conflict, Transient, PersonNeeded) as error:
                if error.reason == "NotFound":
                    return
                failure: BannetteError = error
            fresh = self._fresh(person)
            if fresh is not None:
                if fresh.recipient.uid != person.recipient.uid or unless(fresh.recipient.status):
                    return
                person = fresh
            if fresh is None or not isinstance(failure, Conflict):
                self._hindered(person.recipient, failure)
                self._waiting()
                # What isn't recorded is sent again by whoever comes next: so it isn't given up while it can be tried.
                if self._stopped.wait(wait):
                    return
                wait = min(wait * 2, _LONGEST_WAIT)

    def _fresh(self, person: Person) -> Person | None:
        recipient = person.recipient
        try:
            body = self._api.within(recipient.namespace).get(RECIPIENTS, recipient.name)
        except (PersonNeeded, Transient):
            return None
        try:
            fresh = Recipient.parse(body)
        except InvalidResource:
            # Changed meanwhile into somebody who can't be written to: that they were is recorded all the same.
            fresh = replace(recipient, uid=uid_of(body))
        return replace(person, recipient=fresh, version=version_of(body))

    def _tell(self, person: Person, error: BannetteError, now: datetime) -> None:
        """Say in the status of somebody who is waited for what keeps their mail, once."""
        recipient = person.recipient
        said = recipient.status.condition(NOTIFIED)
        if said is not None and said.reason == error.reason and said.message == cut_message(str(error)):
            return
        status = refused(recipient, error, attempt=recipient.status.attempt, now=now)
        try:
            self._patched(recipient, _differing(recipient.status, status), person.version)
        except Conflict:
            return
        except (PersonNeeded, Transient) as failure:
            self._hindered(recipient, failure)

    def _patched(self, recipient: Recipient, members: Mapping[str, object], version: str) -> dict[str, object]:
        api = self._api.within(recipient.namespace)
        body = api.patch_status(RECIPIENTS, recipient.name, {"status": members}, resource_version=version)
        self._written(body)
        return body

    def _hindered(self, recipient: Recipient, error: BannetteError) -> None:
        logs.event(
            logger,
            "mail.hindered",
            level=logging.WARNING,
            recipient=_name(recipient),
            reason=error.reason,
            message=str(error),
        )


def _failures(recipient: Recipient, *, own: bool) -> int:
    """Return how often the mail that is due was tried in vain. Who claimed it and said no more is one who failed.

    Args:
        own: whoever claimed it is about to send it.
    """
    attempt = recipient.status.attempt
    if attempt is None:
        return 0
    if attempt.claimed_at is not None:
        return attempt.failures + (0 if own else 1)
    return attempt.failures if recipient.status.observed_generation == recipient.generation else 0


def _differing(before: RecipientStatus, after: RecipientStatus) -> dict[str, object]:
    """Return the members to be patched: the channels of one recipient may be many."""
    old = before.to_dict()
    return {name: value for name, value in after.to_dict().items() if value != old[name]}


def _name(recipient: Recipient) -> str:
    return f"{recipient.namespace}/{recipient.name}"
