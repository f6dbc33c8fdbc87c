"""What is: a channel, its children and runs, and what it refers to, gathered for one decision."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

from bannette.controller.api import Conflict, KubernetesApi, Manifest
from bannette.controller.history import unheard_of, unrecorded
from bannette.controller.names import (
    BINDER,
    CHANNEL,
    CHANNEL_LABEL,
    CHANNEL_UID_LABEL,
    CHILD_KINDS,
    JOB,
    MANAGED_BY,
    MANAGER,
    POD,
    RECIPIENT,
    SECRET,
    Key,
    Kind,
    child_name,
)
from bannette.controller.plan import Ended, Observed, has_begun
from bannette.controller.prerequisites import (
    Missing,
    Need,
    Prerequisites,
    Presence,
    needs,
    no_binder,
    no_recipient,
    unmet,
)
from bannette.controller.runs import Job, Pod, obstacle, parse_pod
from bannette.controller.store import Store
from bannette.resources import Binder, Channel, DelegatedAccount, InvalidResource, Recipient, token_secret_name

T = TypeVar("T")

_FRESH_SECONDS: Final = 2.0
# A list is worth while for so many channels without the child, unless the last one had too many names.
_WORTH_A_LIST: Final = 5
_LONG: Final = 1000
_TIME_TO_START: Final = timedelta(seconds=45)


class RecentReads:
    """GETs whose answer serves everyone who asks within two seconds: the channels of a tenant share what they need."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._reads: dict[str, tuple[float, asyncio.Future[object]]] = {}

    async def read(self, path: str, reduce: Callable[[Manifest], T]) -> T | None:
        """Return what *reduce* makes of the object; None if it doesn't exist. Nothing else of it is kept."""
        now = asyncio.get_running_loop().time()
        # They are in the order in which they were asked for.
        while self._reads and now - self._reads[oldest := next(iter(self._reads))][0] > _FRESH_SECONDS:
            del self._reads[oldest]
        if path not in self._reads:
            self._reads[path] = (now, asyncio.ensure_future(self._get(path, reduce)))
        future = self._reads[path][1]
        try:
            found = future.result() if future.done() else await asyncio.shield(future)
        except BaseException:
            self.forget(path)
            raise
        if found is None:
            self.forget(path)
        return cast("T | None", found)

    def forget(self, path: str) -> None:
        self._reads.pop(path, None)

    async def _get(self, path: str, reduce: Callable[[Manifest], object]) -> object:
        body = await self._api.get(path)
        return None if body is None else reduce(body)


class NameLists:
    """Which names a kind has in a namespace: one list in place of a GET for each of many channels that are new.

    An absence counts for two seconds, and only if the list began after the channel was first seen: what was made before
    the channel, by whomever, is in it.
    """

    def __init__(self, api: KubernetesApi, store: Store) -> None:
        self._api = api
        self._store = store
        self._lists: dict[tuple[Kind, str], tuple[float, asyncio.Future[frozenset[str]]]] = {}

    async def lacks(self, kind: Kind, key: Key, name: str) -> bool:
        """Tell whether there is no object of that name, for certain; else it must be asked for."""
        place = (kind, key.namespace)
        while True:
            self._forget_old()
            begun, names = self._lists.get(place, (0.0, None))
            if names is not None and begun >= self._store.seen_since(key):
                return name not in await asyncio.shield(names)
            if names is not None and not names.done():
                # It began too early for this channel: the next one serves all who wait with it.
                await asyncio.wait([names])
            elif self._store.lacking(*place) < _WORTH_A_LIST or (names is not None and len(names.result()) > _LONG):
                return False
            else:
                listing = asyncio.ensure_future(self._api.names(kind.path(key.namespace)))
                self._lists[place] = (time.monotonic(), listing)

    def _forget_old(self) -> None:
        now = time.monotonic()
        for place, (begun, names) in list(self._lists.items()):
            if names.done() and (names.exception() or now - begun > _FRESH_SECONDS):
                del self._lists[place]


@dataclass(frozen=True)
class _Ownership:
    mine: Manifest | None = None
    foreign: str | None = None
    leftover: str | None = None


@dataclass(frozen=True)
class _Unsaid:
    """What Observed calls ended, vanished and lost_request."""

    ended: tuple[Ended, ...] = ()
    vanished: bool = False
    lost_request: str | None = None


class Observer:
    """Gathers what a decision about a channel rests on."""

    def __init__(self, api: KubernetesApi, store: Store) -> None:
        self._api = api
        self._store = store
        self.recent = RecentReads(api)
        self._names = NameLists(api, store)

    async def observe(self, channel: Channel, *, resource_version: str, announced: frozenset[str] | None) -> Observed:
        """Return all but the free slots, which must be counted when nothing can come between."""
        children = await self._children(channel)
        prerequisites, token = await self._prerequisites(channel)
        found = [*children.values(), token]
        channel, resource_version, unsaid = await self._unsaid(channel, resource_version)
        in_the_way = await self._obstacle(channel)
        return Observed(
            channel=channel,
            resource_version=resource_version,
            children={kind: child.mine for kind, child in children.items()},
            prerequisites=prerequisites,
            jobs=self._store.jobs(Key(channel.namespace, channel.name), channel.uid),
            foreign=tuple(one.foreign for one in found if one.foreign),
            leftovers=tuple(one.leftover for one in found if one.leftover),
            ended=unsaid.ended,
            obstacle=in_the_way,
            vanished=unsaid.vanished,
            lost_request=unsaid.lost_request,
            announced=announced,
        )

    async def _children(self, channel: Channel) -> dict[Kind, _Ownership]:
        names = {kind: child_name(kind, channel.name) for kind in CHILD_KINDS}
        bodies = {kind: self._store.child(kind, channel.namespace, name) for kind, name in names.items()}
        # It may be there without our labels, or the watch is late: what is absent in memory is asked for.
        absent = [kind for kind, body in bodies.items() if body is None]
        if absent:
            asked = await asyncio.gather(*(self._asked(kind, channel, names[kind]) for kind in absent))
            bodies |= zip(absent, asked, strict=True)
        return {
            kind: _Ownership() if body is None else _ownership(kind, body, channel) for kind, body in bodies.items()
        }

    async def _asked(self, kind: Kind, channel: Channel, name: str) -> Manifest | None:
        if await self._names.lacks(kind, Key(channel.namespace, channel.name), name):
            return None
        return await self._api.get(kind.path(channel.namespace, name))

    async def _prerequisites(self, channel: Channel) -> tuple[Prerequisites, _Ownership]:
        namespace = channel.namespace
        missing: list[Missing] = []
        recipient = await self.recent.read(RECIPIENT.path(namespace, channel.recipient), _parsed(Recipient.parse))
        binder = await self.recent.read(BINDER.path(namespace, channel.binder), _parsed(Binder.parse))
        if recipient is None:
            missing.append(no_recipient(channel))
        if binder is None:
            missing.append(no_binder(channel))
        missing += [_invalid(one) for one in (recipient, binder) if isinstance(one, InvalidResource)]
        valid_binder = binder if isinstance(binder, Binder) else None
        wanted = needs(channel, valid_binder)
        presences = {need: await self._presence(need, namespace) for need in wanted}
        missing += unmet(channel, valid_binder, presences)
        token, ownership = await self._token(channel)
        return (
            Prerequisites(recipient if isinstance(recipient, Recipient) else None, valid_binder, token, tuple(missing)),
            ownership,
        )

    async def _presence(self, need: Need, namespace: str) -> Presence | None:
        return await self.recent.read(need.kind.path(namespace, need.name), presence)

    async def _token(self, channel: Channel) -> tuple[Presence | None, _Ownership]:
        if not isinstance(channel.onedrive.account, DelegatedAccount):
            return None, _Ownership()
        path = SECRET.path(channel.namespace, token_secret_name(channel.name))
        body = await self._api.get(path)
        if body is None:
            return None, _Ownership()
        return presence(body), _ownership(SECRET, {"metadata": body["metadata"]}, channel)

    async def _unsaid(self, channel: Channel, version: str) -> tuple[Channel, str, _Unsaid]:
        """Return the runs that left no word, judged by the channel as it is now: its watch may be behind the Jobs'."""
        key = Key(channel.namespace, channel.name)
        lost = unheard_of(channel, self._store.jobs(key, channel.uid))
        if not self._lacks_entries(channel) and not self._lacks_active_job(channel) and lost is None:
            return channel, version, _Unsaid()
        body = await self._api.get(CHANNEL.path(*key))
        if body is None or cast("dict[str, Any]", body["metadata"])["uid"] != channel.uid:
            return channel, version, _Unsaid()
        self._store.put_channel(body)
        fresh, version = Channel.parse(body), cast("dict[str, str]", body["metadata"])["resourceVersion"]
        if fresh.generation != channel.generation:
            # What it needs was looked up by what it said before, and the store has told of its change by now.
            raise Conflict(f"Channel {key} has changed.", reason="Conflict")
        lacking = unrecorded(self._store.jobs(key, fresh.uid), fresh.status, limit=fresh.history_limit)
        ended = []
        for job in lacking:
            ended.append(Ended(job, await self._pods(job)))
        active = fresh.status.active_run
        vanished = (
            active is not None
            and active.job is not None
            and self._lacks_active_job(fresh)
            and await self._uid_of_job(key.namespace, active.job) != active.id
        )
        lost = unheard_of(fresh, self._store.jobs(key, fresh.uid))
        if lost is not None and await self._api.get(JOB.path(key.namespace, lost[1])) is not None:
            lost = None
        return fresh, version, _Unsaid(tuple(ended), vanished, lost[0] if lost is not None else None)

    async def _uid_of_job(self, namespace: str, name: str) -> str | None:
        body = await self._api.get(JOB.path(namespace, name))
        return cast("dict[str, str]", body["metadata"])["uid"] if body is not None else None

    async def _obstacle(self, channel: Channel) -> str | None:
        for job in self._store.jobs(Key(channel.namespace, channel.name), channel.uid):
            if not has_begun(job, channel.status) and datetime.now(UTC) - job.created_at > _TIME_TO_START:
                return obstacle(job.name, await self._pods(job), namespace=channel.namespace)
        return None

    async def _pods(self, job: Job) -> tuple[Pod, ...]:
        selector = f"batch.kubernetes.io/controller-uid={job.uid}"
        bodies = await self._api.list(POD.path(job.namespace), selector=selector)
        return tuple(parse_pod(body) for body in bodies)

    def _lacks_entries(self, channel: Channel) -> bool:
        jobs = self._store.jobs(Key(channel.namespace, channel.name), channel.uid)
        return bool(unrecorded(jobs, channel.status, limit=channel.history_limit))

    def _lacks_active_job(self, channel: Channel) -> bool:
        active = channel.status.active_run
        jobs = self._store.jobs(Key(channel.namespace, channel.name), channel.uid)
        return active is not None and not any(job.uid == active.id for job in jobs)


def _ownership(kind: Kind, body: Manifest, channel: Channel) -> _Ownership:
    metadata = cast("dict[str, Any]", body["metadata"])
    labels, owners = metadata.get("labels") or {}, metadata.get("ownerReferences") or ()
    description = f'{kind.kind} "{metadata["name"]}"'
    if any(owner["uid"] == channel.uid for owner in owners) or labels.get(CHANNEL_UID_LABEL) == channel.uid:
        return _Ownership(leftover=description) if "deletionTimestamp" in metadata else _Ownership(mine=body)
    earlier = any(owner["kind"] == CHANNEL.kind and owner["name"] == channel.name for owner in owners)
    if earlier and labels.get(MANAGED_BY) == MANAGER and labels.get(CHANNEL_LABEL) == channel.name:
        return _Ownership(leftover=description)
    return _Ownership(foreign=description)


def presence(body: Manifest) -> Presence:
    """Reduce a Secret or ConfigMap to the names of keys that have a value: values go no further than here."""
    metadata = cast("dict[str, Any]", body["metadata"])
    data = {
        **cast("dict[str, object]", body.get("data") or {}),
        **cast("dict[str, object]", body.get("binaryData") or {}),
    }
    return Presence(frozenset(key for key, value in data.items() if value), metadata.get("annotations") or {})


def _parsed(parse: Callable[[Manifest], T]) -> Callable[[Manifest], T | InvalidResource]:
    def attempt(body: Manifest) -> T | InvalidResource:
        try:
            return parse(body)
        except InvalidResource as error:
            return error

    return attempt


def _invalid(error: InvalidResource) -> Missing:
    return Missing(error.reason, f"{error}.")
