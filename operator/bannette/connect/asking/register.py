"""All recipients and channels, as the API server last told of them. Safe to share between threads."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from bannette.connect.asking.facts import ChannelFacts, facts_of
from bannette.connect.asking.person import Person
from bannette.kube import Change, What
from bannette.resources import BINDERS, CHANNELS, RECIPIENTS, Binder, InvalidResource, Recipient
from bannette.resources.recipient_status import MOST_CHANNELS

Key = tuple[str, str]
Parsed = TypeVar("Parsed")
KINDS: Final = (CHANNELS, BINDERS, RECIPIENTS)


class Register:
    """Keeps what is needed of each object, and tells which recipients a change may matter to."""

    def __init__(self, *, application: str) -> None:
        self._application = application
        self._lock = threading.Lock()
        self._channels: dict[Key, ChannelFacts] = {}
        self._of: dict[Key, set[Key]] = defaultdict(set)
        self._companies: dict[Key, str] = {}
        self._recipients: dict[Key, tuple[Recipient, str]] = {}
        self._listed: dict[str, set[str]] = defaultdict(set)

    def take(self, plural: str, realm: str, change: Change, *, now: datetime) -> set[Key]:
        """Take a change in, and return the recipients that it may matter to.

        Args:
            realm: the namespace that is followed, or empty for all of them.
        """
        with self._lock:
            if change.what is What.LISTED:
                return self._take_list(plural, realm)
            key = _key(change.body)
            gone = change.what is What.GONE
            take = {CHANNELS: self._take_channel, BINDERS: self._take_binder, RECIPIENTS: self._take_recipient}[plural]
            return {one for one in take(key, None if gone else change.body, now) if self._is_complete(one[0])}

    def person(self, key: Key) -> Person | None:
        """Return a recipient with their channels; None if there is no such recipient, or not all is known yet."""
        with self._lock:
            if key not in self._recipients or not self._is_complete(key[0]):
                return None
            recipient, version = self._recipients[key]
            # As many as a status holds: nobody is asked about those beyond, rather than again and again.
            names = sorted(self._of.get(key, ()))[:MOST_CHANNELS]
            channels = tuple(self._channels[one] for one in names)
            companies = {
                one.binder: self._companies[key[0], one.binder]
                for one in channels
                if (key[0], one.binder) in self._companies
            }
            return Person(recipient, version, channels, companies)

    def _take_list(self, plural: str, realm: str) -> set[Key]:
        self._listed[realm].add(plural)
        if len(self._listed[realm]) < len(KINDS):
            return set()
        return {key for key in self._recipients if realm in ("", key[0])}

    def _is_complete(self, namespace: str) -> bool:
        return any(len(self._listed.get(realm, ())) == len(KINDS) for realm in ("", namespace))

    def _take_channel(self, key: Key, body: Mapping[str, object] | None, now: datetime) -> set[Key]:
        before = self._channels.get(key)
        after = None
        if body is not None:
            after = facts_of(body, before=before, application=self._application, now=now)
        if before is not None:
            del self._channels[key]
            self._of[key[0], before.recipient].discard(key)
        if after is not None:
            self._channels[key] = after
            self._of[key[0], after.recipient].add(key)
        return set() if before == after else {(key[0], one.recipient) for one in (before, after) if one is not None}

    def _take_binder(self, key: Key, body: Mapping[str, object] | None, now: datetime) -> set[Key]:
        before = self._companies.pop(key, None)
        after = _parsed(Binder.parse, body)
        if after is not None:
            self._companies[key] = after.company
        # While all is listed nobody is looked at yet: thousands of binders aren't sought among thousands of channels.
        if (after and after.company) == before or not self._is_complete(key[0]):
            return set()
        return {
            (key[0], one.recipient) for at, one in self._channels.items() if at[0] == key[0] and one.binder == key[1]
        }

    def _take_recipient(self, key: Key, body: Mapping[str, object] | None, now: datetime) -> set[Key]:
        after = _parsed(Recipient.parse, body)
        if after is None or body is None:
            return {key} if self._recipients.pop(key, None) is not None else set()
        self._recipients[key] = (after, version_of(body))
        return {key}


def version_of(body: Mapping[str, object]) -> str:
    return _told(body, "resourceVersion")


def uid_of(body: Mapping[str, object]) -> str:
    return _told(body, "uid")


def _told(body: Mapping[str, object], member: str) -> str:
    metadata = body.get("metadata")
    return str(metadata.get(member, "")) if isinstance(metadata, Mapping) else ""


def _parsed(parse: Callable[[Mapping[str, object]], Parsed], body: Mapping[str, object] | None) -> Parsed | None:
    try:
        return parse(body) if body is not None else None
    except InvalidResource:
        return None


def _key(body: Mapping[str, object]) -> Key:
    metadata = body.get("metadata")
    found = metadata if isinstance(metadata, Mapping) else {}
    return str(found.get("namespace", "")), str(found.get("name", ""))
