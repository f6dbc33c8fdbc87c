"""Opening the inboxes of binders: for each that a console asks for, one Job that serves it for as long as it is used.

Nobody watches these Jobs: an inbox that is being opened, or is open, is looked at from time to time, and one that is
closed costs nothing.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final, cast

from bannette.controller.api import Conflict, KubernetesApi, Manifest, NamespaceTerminating
from bannette.controller.inbox_job import image_of, inbox_job, inbox_job_name, is_ours
from bannette.controller.inbox_plan import Decision, ReaderPod, Seen, Wish, address_of, decide, wish_of
from bannette.controller.names import BINDER, JOB, POD, Key
from bannette.controller.observe import presence
from bannette.controller.prerequisites import lacking, storage_needs
from bannette.controller.queue import WorkQueue
from bannette.controller.runs import parse_pod
from bannette.controller.settings import Settings
from bannette.controller.store import Store
from bannette.errors import BannetteError
from bannette.logs import event
from bannette.resources import Binder, Channel, InboxState, InboxStatus, InvalidResource, PathStorage

logger = logging.getLogger(__name__)

_AT_WORK: Final = (InboxState.OPENING, InboxState.OPEN)


class Inboxes:
    """Makes, replaces and forgets what serves inboxes, one binder at a time."""

    def __init__(self, api: KubernetesApi, settings: Settings, store: Store) -> None:
        self._api = api
        self._settings = settings
        self._store = store
        self._queue = WorkQueue[Key]()
        self._asked: dict[Key, tuple[str, Wish | None]] = {}
        # Those whose Job may be unfinished.
        self._taken: set[Key] = set()

    def see(self, change: str | None, body: Manifest) -> None:
        """Take notice of a Binder that a watch tells of; one that asks for nothing new costs nothing."""
        metadata = cast("dict[str, Any]", body["metadata"])
        key = Key(metadata["namespace"], metadata["name"])
        if change == "DELETED":
            self._asked.pop(key, None)
            self._taken.discard(key)
            return
        wish, status = wish_of(body), InboxStatus.salvage(body)
        says = (metadata["uid"], wish)
        if wish is None and status is None and key not in self._asked:
            return
        if self._asked.get(key) == says:
            return
        first = key not in self._asked
        self._asked[key] = says
        if status is not None and status.state in _AT_WORK:
            self._taken.add(key)
        at_rest = status is not None and status.state is InboxState.CLOSED and wish is not None
        if first and at_rest and status is not None and wish == Wish(status.reader, status.opened):
            return
        self._queue.add(key)

    async def work(self) -> None:
        """Take binders from the queue until cancelled."""
        while True:
            key = await self._queue.take()
            try:
                await self._attempt(key)
            finally:
                self._queue.done(key)

    async def _attempt(self, key: Key) -> None:
        try:
            decision = await self._reconcile(key)
        except NamespaceTerminating:
            self._taken.discard(key)
            self._queue.forget(key)
        except BannetteError as error:
            level = logging.DEBUG if isinstance(error, Conflict) else logging.WARNING
            event(logger, "inbox.postponed", level=level, binder=key, error=error)
            self._queue.retry(key)
        except Exception:
            # The top of a worker: one binder's surprise must not stop the others.
            logger.exception("inbox.failed binder=%s", key)
            self._queue.retry(key)
        else:
            self._queue.forget(key)
            if decision is not None and decision.look_again is not None:
                self._queue.add_after(key, decision.look_again.total_seconds())

    async def _reconcile(self, key: Key) -> Decision | None:
        body = await self._api.get(BINDER.path(*key))
        if body is None:
            self._taken.discard(key)
            return None
        uid = cast("dict[str, Any]", body["metadata"])["uid"]
        job = await self._api.get(JOB.path(key.namespace, inbox_job_name(key.name)))
        ours = job is not None and is_ours(job, uid)
        wish = wish_of(body)
        binder, problem = await self._storable(body) if job is None and wish is not None else (None, "")
        pods = await self._pods(job) if job is not None and ours else ()
        if not ours:
            self._taken.discard(key)
        slot = len(self._taken) < self._settings.max_open_inboxes
        seen = Seen(
            uid,
            wish,
            InboxStatus.salvage(body),
            job,
            pods,
            lacking=problem,
            slot=slot,
            outdated=job is not None and image_of(job) != self._settings.collector_image,
        )
        decision = decide(seen, now=datetime.now(UTC))
        if decision.create and wish is not None and binder is not None:
            # Before anything is awaited: another binder may be about to take the same slot.
            self._taken.add(key)
            await self._create(key, binder, body, wish)
        if decision.delete and job is not None:
            name, job_uid = inbox_job_name(key.name), cast("dict[str, str]", job["metadata"])["uid"]
            await self._api.delete(JOB.path(key.namespace, name), uid=job_uid)
            self._taken.discard(key)
            event(logger, "inbox.closed", binder=key, job=name)
        if decision.status is not None and decision.status.state is InboxState.CLOSED:
            self._taken.discard(key)
        await self._say(body, seen.status, decision.status)
        return decision

    async def _create(self, key: Key, binder: Binder, body: Manifest, wish: Wish) -> None:
        manifest = inbox_job(
            binder, body, self._channel_of(key), self._settings, reader=wish.reader, opened=wish.opened
        )
        try:
            await self._api.create(JOB.path(key.namespace), manifest)
        except BannetteError:
            self._taken.discard(key)
            raise
        event(logger, "inbox.opened", binder=key, job=inbox_job_name(key.name))

    async def _storable(self, body: Manifest) -> tuple[Binder | None, str]:
        """Return the Binder, and what its storage lacks."""
        try:
            binder = Binder.parse(body)
        except InvalidResource as error:
            return None, f"{error}."
        if isinstance(binder.storage, PathStorage):
            return None, "The binder is a folder of one machine, which no pod can mount."
        found = {
            need: None if thing is None else presence(thing)
            for need in storage_needs(binder)
            for thing in [await self._api.get(need.kind.path(binder.namespace, need.name))]
        }
        return binder, " ".join(one.message for one in lacking(found, namespace=binder.namespace))

    def _channel_of(self, key: Key) -> Channel | None:
        """Return a channel that collects into the binder; the first one, so that it is the same again."""
        for channel in sorted(self._store.channels_naming(key.namespace, binder=key.name)):
            body = self._store.channel(channel)
            try:
                found = Channel.parse(body) if body is not None else None
            except InvalidResource:
                continue
            if found is not None and found.binder == key.name:
                return found
        return None

    async def _pods(self, job: Manifest) -> tuple[ReaderPod, ...]:
        metadata = cast("dict[str, str]", job["metadata"])
        selector = f"batch.kubernetes.io/controller-uid={metadata['uid']}"
        found = []
        for body in await self._api.list(POD.path(metadata["namespace"]), selector=selector):
            status = cast("dict[str, Any]", body.get("status") or {})
            ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())
            found.append(
                ReaderPod(address_of(status["podIP"]) if ready and status.get("podIP") else "", parse_pod(body))
            )
        return tuple(found)

    async def _say(self, body: Manifest, before: InboxStatus | None, now: InboxStatus | None) -> None:
        if now == before:
            return
        try:
            await self._write(body, now)
        except Conflict:
            # Runs count documents there all the time: that alone is no reason to decide again.
            metadata = cast("dict[str, str]", body["metadata"])
            again = await self._api.get(BINDER.path(metadata["namespace"], metadata["name"]))
            if again is None or _decisive(again) != _decisive(body):
                raise
            await self._write(again, now)

    async def _write(self, body: Manifest, now: InboxStatus | None) -> None:
        metadata = cast("dict[str, str]", body["metadata"])
        # Of a status the API server ignores the uid: only by its version is a Binder told from the next of its name.
        patch: Manifest = {
            "metadata": {"resourceVersion": metadata["resourceVersion"]},
            "status": {"inbox": None if now is None else now.to_dict()},
        }
        await self._api.merge(BINDER.path(metadata["namespace"], metadata["name"], "status"), patch)


def _decisive(body: Manifest) -> tuple[str, Wish | None, InboxStatus | None]:
    """Return what of a Binder decisions rest on."""
    return cast("dict[str, str]", body["metadata"])["uid"], wish_of(body), InboxStatus.salvage(body)
