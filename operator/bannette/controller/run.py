"""The operator's process: watches, workers and kopf side by side; when one of them ends, all do."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import cache
from typing import Any, Final, cast

import uvloop
from prometheus_client import Counter

from bannette import logs
from bannette.controller.access import find_access
from bannette.controller.api import KubernetesApi, Manifest, Seen
from bannette.controller.endpoints import serving
from bannette.controller.framework import kopf
from bannette.controller.handlers import Sightings, kopf_settings, loss_of_watch, registry_for, until_served
from bannette.controller.health import Health
from bannette.controller.inboxes import Inboxes
from bannette.controller.lease import Lease
from bannette.controller.metrics import Metrics
from bannette.controller.names import BINDER, Key, Kind, resource_of
from bannette.controller.queue import WorkQueue
from bannette.controller.reconcile import Reconciler
from bannette.controller.settings import Settings
from bannette.controller.store import Store
from bannette.controller.watches import watches
from bannette.errors import BannetteError, ExitCode, PersonNeeded

logger = logging.getLogger(__name__)

_INBOX_WORKERS: Final = 4


async def operate(settings: Settings, *, stop: asyncio.Event | None = None) -> None:
    """Run the operator until a signal comes, or *stop* is set.

    Raises:
        PersonNeeded: there is no cluster to talk to.
        BannetteError: a part of it ended by itself, and the process must be started anew.
    """
    async with AsyncExitStack() as stack:
        store, health = Store(), Health()
        metrics = Metrics(store)
        if settings.listen is not None:
            await stack.enter_async_context(serving(*settings.listen, health=health, metrics=metrics))
        api = KubernetesApi(await find_access(settings.service_account), seen=_teller(health, metrics))
        stack.push_async_callback(api.close)
        parts: list[asyncio.Task[None]] = []
        stack.push_async_callback(_cancel, parts)
        if settings.lease is not None:
            lease = Lease(api, *settings.lease, holder=settings.instance)
            health.stands_by = True
            await lease.acquire()
            health.stands_by = False
            stack.push_async_callback(lease.release)
            parts.append(_start(lease.keep(), "lease"))

        queue = WorkQueue[Key](waited=metrics.queue_seconds.observe)
        reconciler = Reconciler(api, settings, store=store, queue=queue, metrics=metrics, health=health)
        following = watches(api, store, settings.namespaces, wake=queue.add, finished=reconciler.run_finished)
        parts += [_start(watch.run(), "watch") for watch in following]
        # Before all children are known, every channel would seem to lack its own.
        await _first_of(parts, _start(_all_listed([watch.listed for watch in following]), "lists"))
        await _first_of(parts, _start(until_served(api), "kinds"))
        health.started = True
        logs.event(logger, "operator.ready", namespaces=",".join(settings.namespaces) or "all")

        parts += [_start(reconciler.work(), f"worker {number}") for number in range(settings.workers)]
        parts.append(_start(stack.enter_context(loss_of_watch())(), "kopf's watches"))
        inboxes = Inboxes(api, settings, store)
        parts += [_start(inboxes.work(), f"inbox worker {number}") for number in range(_INBOX_WORKERS)]

        def reference_seen(kind: Kind, change: str | None, body: Manifest) -> None:
            metrics.reference_seen(kind, change, body)
            if kind == BINDER:
                inboxes.see(change, body)

        recent = reconciler.observer.recent
        sightings = Sightings(store, recent, queue.add, namespaces=settings.namespaces, reference=reference_seen)
        await _first_of(
            parts,
            _start(
                kopf.operator(
                    registry=registry_for(sightings, api),
                    settings=kopf_settings(namespaced=bool(settings.namespaces)),
                    # Else kopf asks for the user's name, and the image's user has none. Its type is not public.
                    identity=cast("Any", settings.instance),
                    standalone=True,
                    clusterwide=not settings.namespaces,
                    namespaces=settings.namespaces,
                    stop_flag=stop,
                ),
                "kopf",
            ),
        )


async def _operate_until_told(settings: Settings) -> None:
    """Run the operator; a signal cancels it while it waits for the Lease, or lists what there is.

    The first process of a container ends by no signal that it doesn't handle, and kopf handles them from its start on.
    """
    operating = _start(operate(settings), "operator")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, operating.cancel)
    await operating


def run(settings: Settings) -> int:
    """Run the operator until a signal comes; return the process's exit code."""
    logs.setup()
    # Modules stay, and lists of ten thousand objects are no cycles: a start needn't look for them again and again.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # kopf says every event that it sees.
    for chatty in ("kopf", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        # Its loop and TLS are compiled; asyncio's are Python.
        uvloop.run(_operate_until_told(settings))
    except asyncio.CancelledError:
        return ExitCode.DONE
    except PersonNeeded as error:
        logs.event(logger, "operator.stopped", level=logging.ERROR, error=error)
        return ExitCode.PERSON_NEEDED
    except BannetteError as error:
        logs.event(logger, "operator.stopped", level=logging.ERROR, error=error)
        return ExitCode.TRANSIENT
    return ExitCode.DONE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator as the command line and the environment say; return the process's exit code."""
    try:
        settings = Settings.from_arguments(sys.argv[1:] if arguments is None else arguments)
    except PersonNeeded as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.PERSON_NEEDED
    return run(settings)


def _teller(health: Health, metrics: Metrics) -> Seen:
    """Return what an answer of the API server is told to."""

    @cache
    def requests(method: str, resource: str, code: int) -> Counter:
        return metrics.api_requests.labels(method, resource, str(code) if code else "none")

    def tell(method: str, path: str, code: int) -> None:
        if 0 < code < 500:
            health.answered()
        if method != "WATCH":
            requests(method, resource_of(path), code).inc()

    return tell


def _start(part: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(part, name=name)


async def _all_listed(listed: Sequence[asyncio.Event]) -> None:
    for one in listed:
        await one.wait()


async def _first_of(parts: list[asyncio.Task[None]], awaited: asyncio.Task[None]) -> None:
    """Wait for *awaited*; *parts* should never end, so their end is an error."""
    try:
        await asyncio.wait([*parts, awaited], return_when=asyncio.FIRST_COMPLETED)
        for part in parts:
            if part.done():
                part.result()
        if awaited.done():
            awaited.result()
    finally:
        await _cancel([awaited])


async def _cancel(parts: list[asyncio.Task[None]]) -> None:
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)
