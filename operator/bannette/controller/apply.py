"""Doing what was planned, in order. Nothing is decided here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from bannette.controller.actions import Action, Announce, Apply, Confirm, Create, Delete, PatchStatus, Suspend
from bannette.controller.api import Conflict, KubernetesApi, Manifest
from bannette.controller.events import Announcement, event
from bannette.controller.names import CHANNEL, CHANNEL_UID_LABEL, CRON_JOB, EVENT, JOB, Key, Kind
from bannette.controller.store import Store
from bannette.errors import BannetteError, PersonNeeded
from bannette.logs import event as log

logger = logging.getLogger(__name__)


class ChannelGone(BannetteError):
    """The channel that was decided about doesn't exist any more."""


class ForeignObject(PersonNeeded):
    """An object that isn't the channel's has the name of one of its Jobs."""


class Applier:
    """Carries out plans, and remembers the answers before the watches bring them."""

    def __init__(self, api: KubernetesApi, store: Store, *, instance: str) -> None:
        self._api = api
        self._store = store
        self._instance = instance

    async def apply(self, actions: Iterable[Action], key: Key, uid: str) -> bool:
        """Do *actions*; tell whether the channel turned out to have changed since it was decided about.

        Raises:
            ChannelGone, ForeignObject, Conflict, Refused, Transient, NamespaceTerminating: what was left undone is
                decided again.
        """
        changed, applied = False, list[str]()
        try:
            for action in actions:
                if isinstance(action, Apply):
                    changed |= await self._apply_child(action, key)
                    applied.append(action.kind.kind)
                else:
                    changed |= await self._do(action, key, uid)
        finally:
            if applied:
                log(logger, "children.applied", channel=key, kinds=",".join(applied))
        return changed

    async def _do(self, action: Action, key: Key, uid: str) -> bool:
        match action:
            case Confirm(resource_version):
                await self._confirm(resource_version, key, uid)
            case PatchStatus(status, resource_version):
                return await self._patch_status(status, resource_version, key, uid)
            case Create(kind, manifest) if kind == JOB:
                await self._create_job(manifest, key, uid)
            case Create(kind, manifest):
                await self._api.create(kind.path(key.namespace), manifest)
                log(logger, "child.created", channel=key, kind=kind.kind, object=_name(manifest))
            case Delete(kind, name, job_uid):
                await self._api.delete(kind.path(key.namespace, name), uid=job_uid)
                log(logger, "child.deleted", channel=key, kind=kind.kind, object=name)
            case Suspend(name, cron_job_uid):
                await self._suspend(name, cron_job_uid, key)
            case Announce(announcement):
                await self._announce(announcement, key, uid)
        return False

    async def _apply_child(self, action: Apply, key: Key) -> bool:
        kind, name = action.kind, _name(action.manifest)
        with self._store.writing(kind, key.namespace, name) as answered, self._deciding_on(kind, name, action.uid, key):
            return answered(await self._api.apply(kind.path(key.namespace, name), action.manifest, uid=action.uid))

    async def _suspend(self, name: str, uid: str, key: Key) -> None:
        patch: Manifest = {"metadata": {"uid": uid}, "spec": {"suspend": True}}
        with self._deciding_on(CRON_JOB, name, uid, key):
            await self._api.merge(CRON_JOB.path(key.namespace, name), patch)
        log(logger, "child.suspended", channel=key, kind=CRON_JOB.kind, object=name)

    @contextmanager
    def _deciding_on(self, kind: Kind, name: str, uid: str | None, key: Key) -> Iterator[None]:
        """Write to the child with that uid meanwhile: if it turns out to be another, it is asked for next time."""
        try:
            yield
        except Conflict:
            if uid is not None:
                self._store.forget_child(kind, key.namespace, name, uid=uid)
            raise

    async def _confirm(self, resource_version: str, key: Key, uid: str) -> None:
        version, _ = await self._read(key, uid)
        if version != resource_version:
            raise Conflict(f"Channel {key} has changed.", reason="Conflict")

    async def _read(self, key: Key, uid: str) -> tuple[str, bool]:
        """Return the channel's version, and whether it has changed."""
        body = await self._api.get(CHANNEL.path(*key))
        if body is None or _metadata(body)["uid"] != uid:
            self._store.remove_channel(key, uid)
            if body is not None:
                self._store.put_channel(body)
            raise _gone(key)
        return _metadata(body)["resourceVersion"], self._store.put_channel(body)

    async def _create_job(self, manifest: Manifest, key: Key, uid: str) -> None:
        name = _name(manifest)
        try:
            body = await self._api.create(JOB.path(key.namespace), manifest)
            log(logger, "run.requested", channel=key, job=name)
        except Conflict:
            found = await self._api.get(JOB.path(key.namespace, name))
            if found is None:
                raise
            body = found
            if (_metadata(body).get("labels") or {}).get(CHANNEL_UID_LABEL) != uid:
                raise ForeignObject(
                    f'Not this channel\'s, and in its way: Job "{name}". Delete or rename it, or rename the channel.',
                    reason="ForeignObject",
                ) from None
        self._store.put_job(body)

    async def _patch_status(self, status: Manifest, resource_version: str | None, key: Key, uid: str) -> bool:
        if resource_version is not None:
            return await self._merge_status(status, resource_version, key, uid)
        # Of a status the API server ignores the uid: only by its version is a channel told from the next of its name.
        known = self._store.channel_version(key, uid)
        if known is None:
            raise _gone(key)
        try:
            return await self._merge_status(status, known, key, uid)
        except Conflict:
            version, changed = await self._read(key, uid)
        return await self._merge_status(status, version, key, uid) or changed

    async def _merge_status(self, status: Manifest, resource_version: str, key: Key, uid: str) -> bool:
        patch: Manifest = {"metadata": {"resourceVersion": resource_version}, "status": status}
        body = await self._api.merge(CHANNEL.path(*key, "status"), patch)
        if body is None:
            self._store.remove_channel(key, uid)
            raise _gone(key)
        log(logger, "status.written", level=logging.DEBUG, channel=key, members=",".join(sorted(status)))
        return self._store.put_channel(body, written=True)

    async def _announce(self, announcement: Announcement, key: Key, uid: str) -> None:
        body = event(key, uid, announcement, instance=self._instance, now=datetime.now(UTC))
        try:
            await self._api.create(EVENT.path(key.namespace), body)
        except BannetteError as error:
            # Events are a courtesy: what they say is in the status too.
            log(logger, "event.lost", level=logging.WARNING, channel=key, reason=announcement.reason, error=error)


def _gone(key: Key) -> ChannelGone:
    return ChannelGone(f"Channel {key} was deleted.", reason="ChannelGone")


def _metadata(body: Manifest) -> dict[str, Any]:
    return cast("dict[str, Any]", body["metadata"])


def _name(manifest: Manifest) -> str:
    return str(_metadata(manifest)["name"])
