"""One level-triggered reconcile, and the workers that call it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import orjson

from bannette.controller import conditions
from bannette.controller.actions import Create
from bannette.controller.api import Conflict, KubernetesApi, Manifest, NamespaceTerminating, Refused
from bannette.controller.apply import Applier, ChannelGone, ForeignObject
from bannette.controller.conditions import Verdict
from bannette.controller.health import Health
from bannette.controller.metrics import Metrics
from bannette.controller.names import JOB, Key
from bannette.controller.observe import Observer
from bannette.controller.plan import known_runs, plan, refused
from bannette.controller.queue import WorkQueue
from bannette.controller.runs import Job
from bannette.controller.settings import Settings
from bannette.controller.slots import Slots
from bannette.controller.store import Store
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.logs import event
from bannette.resources import Channel, ChannelStatus, InvalidResource, RunResult

logger = logging.getLogger(__name__)


class Reconciler:
    """Makes the cluster say what the channels say, one channel at a time."""

    def __init__(
        self,
        api: KubernetesApi,
        settings: Settings,
        *,
        store: Store,
        queue: WorkQueue[Key],
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._settings = settings
        self._store = store
        self._queue = queue
        self.observer = Observer(api, store)
        self._applier = Applier(api, store, instance=settings.instance)
        self._slots = Slots(settings.max_concurrent_runs)
        # As JSON: as sets of text ten thousand channels would take 12 MB more.
        self._announced: dict[Key, bytes] = {}
        metrics.queue_depth.set_function(lambda: len(queue))
        metrics.run_slots.set(settings.max_concurrent_runs)
        metrics.run_slots_used.set_function(lambda: store.unfinished_on_demand)
        metrics.runs_waiting.set_function(lambda: self._slots.waiting)

    async def work(self) -> None:
        """Take keys from the queue until cancelled."""
        while True:
            key = await self._queue.take()
            self._health.begins(key)
            try:
                with self._metrics.reconcile_seconds.time():
                    await self._attempt(key)
            finally:
                self._health.ends(key)
                self._queue.done(key)

    def run_finished(self, job: Job) -> None:
        """A Job takes no slot any more: whoever waits for one goes on."""
        if job.on_demand:
            self._wake_waiting()

    async def reconcile(self, key: Key) -> timedelta | None:
        """Make what is what should be; return when to look again without being woken.

        Raises:
            BannetteError: not all of it could be done; it is to be tried again.
        """
        body = self._store.channel(key)
        if body is None:
            self._forget(key)
            return None
        try:
            channel = Channel.parse(body)
        except InvalidResource as error:
            self._leave_slots(key)
            await self._say(body, conditions.stalled(error.reason, f"{error}."))
            return None
        try:
            return await self._reconcile(key, channel, resource_version=_metadata(body)["resourceVersion"])
        except ForeignObject as error:
            await self._try_to_say(body, conditions.stalled(error.reason, str(error)))
            raise
        except Refused as error:
            await self._try_to_say(body, conditions.reconciling("ApplyFailed", f"{error.reason}: {error}"))
            raise

    async def _reconcile(self, key: Key, channel: Channel, *, resource_version: str) -> timedelta | None:
        if key not in self._announced:
            known = known_runs(channel.status, self._store.jobs(key, channel.uid))
            self._announced[key] = orjson.dumps(list(known))
        announced = frozenset[str](orjson.loads(self._announced[key]))
        observed = await self.observer.observe(channel, resource_version=resource_version, announced=announced)
        # From here to the reservation nothing is awaited, so that no other channel takes the same slot.
        free = self._slots.free_for(key, taken=self._store.unfinished_on_demand)
        planned = plan(replace(observed, free_slots=free), self._settings, now=datetime.now(UTC))
        starts = any(isinstance(action, Create) and action.kind == JOB for action in planned.actions)
        if starts:
            self._slots.reserve(key)
        self._queue_for_slot(key, waits=planned.waits_for_slot)
        try:
            changed = await self._applier.apply(planned.actions, key, channel.uid)
        finally:
            if starts:
                self._slots.release(key)
                # Since its Job was there it counted twice, and without one not any more: others may wait for nothing.
                self._wake_waiting()
        if planned.announced != announced:
            self._announced[key] = orjson.dumps(list(planned.announced))
        for entry in planned.ended_runs:
            self._metrics.run_ended(key, entry)
            level = logging.ERROR if entry.result is RunResult.FAILED else logging.INFO
            said = {"trigger": entry.trigger.value, "result": entry.result.value, "reason": entry.reason}
            event(logger, "run.ended", level=level, channel=key, run=entry.id, **said)
        if changed:
            self._queue.add(key)
        return planned.look_again

    async def _attempt(self, key: Key) -> None:
        try:
            look_again = await self.reconcile(key)
        except ChannelGone:
            self._queue.forget(key)
            # Another one of its name is known by an answer: no watch tells of it any more.
            self._queue.add(key)
        except NamespaceTerminating:
            self._queue.forget(key)
        except Conflict as error:
            self._metrics.reconcile_errors.labels(error.reason).inc()
            self._queue.retry(key)
        except Transient as error:
            self._metrics.reconcile_errors.labels(error.reason).inc()
            seconds = self._put_off(key, least=error.retry_after or 0)
            event(
                logger, "reconcile.postponed", level=logging.WARNING, channel=key, seconds=f"{seconds:.1f}", error=error
            )
        except PersonNeeded as error:
            self._metrics.reconcile_errors.labels(error.reason).inc()
            seconds = self._put_off(key)
            event(logger, "reconcile.refused", level=logging.ERROR, channel=key, seconds=f"{seconds:.1f}", error=error)
        except Exception:
            # The top of a worker: one channel's surprise must not stop the others.
            self._metrics.reconcile_errors.labels("UnexpectedError").inc()
            self._put_off(key)
            logger.exception("reconcile.failed channel=%s", key)
        else:
            self._queue.forget(key)
            if look_again is not None:
                self._queue.add_after(key, look_again.total_seconds())

    async def _say(self, body: Manifest, verdicts: tuple[Verdict, ...]) -> None:
        """Write into the status why nothing could be done."""
        metadata = _metadata(body)
        status = ChannelStatus.salvage(cast("Manifest", body.get("status") or {}))
        actions = refused(status, verdicts, generation=metadata.get("generation") or 0, now=datetime.now(UTC))
        key = Key(metadata["namespace"], metadata["name"])
        if await self._applier.apply(actions, key, metadata["uid"]):
            self._queue.add(key)

    async def _try_to_say(self, body: Manifest, verdicts: tuple[Verdict, ...]) -> None:
        """Write into the status why nothing could be done, which is tried again anyway."""
        try:
            await self._say(body, verdicts)
        except BannetteError as error:
            key = Key(_metadata(body)["namespace"], _metadata(body)["name"])
            event(logger, "status.lost", level=logging.WARNING, channel=key, error=error)

    def _queue_for_slot(self, key: Key, *, waits: bool) -> None:
        if waits:
            self._slots.wait(key)
        else:
            # It may have been its turn, and it may want no run any more.
            self._leave_slots(key)

    def _forget(self, key: Key) -> None:
        self._announced.pop(key, None)
        self._metrics.forget(key)
        self._leave_slots(key)

    def _put_off(self, key: Key, *, least: float = 0.0) -> float:
        # Those behind it in the queue for slots don't wait for what may never come right.
        self._leave_slots(key)
        return self._queue.retry(key, least=least)

    def _leave_slots(self, key: Key) -> None:
        self._slots.leave(key)
        self._wake_waiting()

    def _wake_waiting(self) -> None:
        for key in self._slots.next(taken=self._store.unfinished_on_demand):
            self._queue.add(key)


def _metadata(body: Manifest) -> dict[str, Any]:
    return cast("dict[str, Any]", body["metadata"])
