"""Watches on the objects that have our labels: listed in chunks, followed by events, and listed again when in doubt.

kopf watches the custom resources; it doesn't watch these, since it would hand every Job of the cluster to Python.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

from bannette.controller.api import Gone, KubernetesApi, Manifest
from bannette.controller.names import CHILD_KINDS, JOB, SELECTOR, Key, Kind
from bannette.controller.runs import Job
from bannette.controller.store import Store
from bannette.errors import BannetteError
from bannette.logs import event

logger = logging.getLogger(__name__)

_LONGEST_PAUSE: Final = 30.0
_PAUSE_BETWEEN_STREAMS: Final = 0.1
_FAILURES_BEFORE_A_NEW_LIST: Final = 3
# One is decoded while the server makes the other; each has 5 MB of dictionaries in memory.
_LISTS_AT_ONCE: Final = 2


class Restored(BannetteError):
    """The cluster is as it was before: what is remembered isn't what there is, and the process must be started anew."""


class Watch:
    """One kind of object in one namespace, or in all (None), followed into the store."""

    def __init__(
        self,
        api: KubernetesApi,
        store: Store,
        kind: Kind,
        namespace: str | None,
        *,
        wake: Callable[[Key], None],
        finished: Callable[[Job], None],
        lists: asyncio.Semaphore,
    ) -> None:
        self._api = api
        self._store = store
        self._kind = kind
        self._namespace = namespace
        self._wake = wake
        self._finished = finished
        self._lists = lists
        self.listed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            Restored: the API server's versions have gone back.
        """
        failures = 0
        version: str | None = None
        while True:
            try:
                if version is None:
                    async with self._lists:
                        version = await self._list()
                    self.listed.set()
                else:
                    await self._see_whether_restored(version)
                async for seen in self._follow(version):
                    version, failures = seen, 0
                await asyncio.sleep(_PAUSE_BETWEEN_STREAMS)
            except Gone:
                version = None
            except Restored:
                raise
            except BannetteError as error:
                failures += 1
                version = version if failures < _FAILURES_BEFORE_A_NEW_LIST else None
                event(logger, "watch.failed", level=logging.WARNING, kind=self._kind.plural, error=error)
                pause = min(0.5 * 2.0 ** min(failures, 10), _LONGEST_PAUSE)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _see_whether_restored(self, version: str) -> None:
        # A watch from a version that is yet to come is silent until it has come, whatever happens before.
        now = await self._api.version(self._kind.path(self._namespace))
        if now.isdecimal() and version.isdecimal() and int(now) < int(version):
            raise Restored(
                f"The cluster was restored from a backup: its version is {now}, and was {version} before.",
                reason="Restored",
            )

    async def _list(self) -> str:
        version, listed = "0", set[str]()
        # No more than a chunk is in memory as it came: ten thousand CronJobs would take 400 MB.
        async for items, of_page in self._api.pages(self._kind.path(self._namespace), selector=SELECTOR):
            version = of_page
            for item in items:
                listed.add(cast("dict[str, str]", item["metadata"])["uid"])
                self._seen(item)
        if self._kind == JOB:
            for job in self._store.keep_only_jobs(self._namespace, listed):
                self._job_gone(job)
        else:
            for key in self._store.keep_only(self._kind, self._namespace, listed):
                self._tell(key)
        return version

    async def _follow(self, since: str) -> AsyncIterator[str]:
        stream = self._api.watch(self._kind.path(self._namespace), selector=SELECTOR, since=since)
        async for change, item in stream:
            if change == "DELETED":
                self._gone(item)
            elif change in ("ADDED", "MODIFIED"):
                self._seen(item)
            metadata = cast("dict[str, str]", item["metadata"])
            yield metadata["resourceVersion"]

    def _seen(self, item: Manifest) -> None:
        if self._kind == JOB:
            job = self._store.put_job(item)
            if job is not None:
                self._tell(job.key)
                if job.finished:
                    self._finished(job)
        else:
            key = self._store.put_child(self._kind, item)
            if key is not None:
                self._tell(key)

    def _gone(self, item: Manifest) -> None:
        if self._kind == JOB:
            job = self._store.remove_job(item)
            if job is not None:
                self._job_gone(job)
        else:
            key = self._store.remove_child(self._kind, item)
            if key is not None:
                self._tell(key)

    def _tell(self, key: Key) -> None:
        # A channel that isn't known yet is looked at when it is: at a start, all of them.
        if self._store.knows(key):
            self._wake(key)

    def _job_gone(self, job: Job) -> None:
        self._tell(job.key)
        self._finished(job)


def watches(
    api: KubernetesApi,
    store: Store,
    namespaces: tuple[str, ...],
    *,
    wake: Callable[[Key], None],
    finished: Callable[[Job], None],
) -> list[Watch]:
    """Return the watches on Jobs and children of *namespaces*; of the whole cluster if there are none.

    Args:
        wake: called with the channel that a change is about.
        finished: called with a Job that takes no slot any more.
    """
    lists = asyncio.Semaphore(_LISTS_AT_ONCE)
    return [
        Watch(api, store, kind, namespace, wake=wake, finished=finished, lists=lists)
        for kind in (JOB, *CHILD_KINDS)
        for namespace in (namespaces or (None,))
    ]
