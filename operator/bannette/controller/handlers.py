"""kopf's part: it watches the custom resources, and every handler names a key.

``on.event`` alone writes nothing: no finalizer, no annotation; so a channel can be deleted while the operator is down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from bannette.controller.api import KubernetesApi, Manifest
from bannette.controller.framework import kopf
from bannette.controller.kopf_session import LoginPauses, response_class
from bannette.controller.names import BINDER, CHANNEL, RECIPIENT, Key, Kind
from bannette.controller.observe import RecentReads
from bannette.controller.store import Store
from bannette.errors import BannetteError, Transient
from bannette.logs import event
from bannette.resources import ADOPT, BINDERS, CHANNELS, GROUP, RECIPIENTS, VERSION

logger = logging.getLogger(__name__)

_LOOK_AGAIN_SECONDS: Final = 5.0


class Sightings:
    """What the watches of the custom resources have told, and whom it wakes.

    Nobody is woken before what channels name is listed: at a start, each of them would be looked at twice.

    Args:
        namespaces: that are watched; none: all.
        reference: told of each binder and recipient, with the kind of its change.
    """

    def __init__(
        self,
        store: Store,
        recent: RecentReads,
        wake: Callable[[Key], None],
        *,
        namespaces: Sequence[str],
        reference: Callable[[Kind, str | None, Manifest], None],
    ) -> None:
        self._store = store
        self._recent = recent
        self._wake_now = wake
        self._reference = reference
        self._awaited = {(kind, namespace) for kind in (BINDER, RECIPIENT) for namespace in (namespaces or (None,))}
        self._held: dict[Key, None] = {}
        self._seen: dict[tuple[Kind, str, str], tuple[object, ...]] = {}

    def listed(self, kind: Kind, body: Manifest) -> None:
        """Take in an object of a list."""
        self._told(kind, None, body)

    def all_listed(self, kind: Kind, namespace: str | None, uids: Container[str]) -> None:
        """Forget what a list has not: it went while nobody watched."""
        seen = self._store.channel_uids() if kind == CHANNEL else self._reference_uids(kind)
        for key, uid in seen:
            if namespace in (None, key.namespace) and uid not in uids:
                self._told(kind, "DELETED", {"metadata": {"namespace": key.namespace, "name": key.name, "uid": uid}})
        self._awaited.discard((kind, namespace))
        if not self._awaited:
            held, self._held = self._held, {}
            for key in held:
                self._wake_now(key)

    def _wake(self, key: Key) -> None:
        if self._awaited:
            self._held[key] = None
        else:
            self._wake_now(key)

    def _told(self, kind: Kind, change: str | None, body: Manifest) -> None:
        if kind == CHANNEL:
            self.channel(change, body)
        else:
            self.reference(kind, change, body)

    def _reference_uids(self, kind: Kind) -> list[tuple[Key, str]]:
        return [
            (Key(namespace, name), str(said[0]))
            for (of_kind, namespace, name), said in self._seen.items()
            if of_kind == kind
        ]

    def knows(self, kind: Kind, body: Manifest) -> bool:
        """Tell whether an object that is there is as it is known: what the operator wrote comes back to it."""
        return kind == CHANNEL and self._store.has_channel(body)

    def channel(self, change: str | None, body: Manifest) -> None:
        metadata = cast("dict[str, Any]", body["metadata"])
        key = Key(metadata["namespace"], metadata["name"])
        if change == "DELETED":
            self._store.lose_channel(body)
            self._wake(key)
        elif self._store.put_channel(body):
            self._wake(key)

    def reference(self, kind: Kind, change: str | None, body: Manifest) -> None:
        """Wake the channels that name this binder or recipient, unless only its status changed."""
        self._reference(kind, change, body)
        metadata = cast("dict[str, Any]", body["metadata"])
        namespace, name = metadata["namespace"], metadata["name"]
        place = (kind, namespace, name)
        says = (metadata["uid"], metadata.get("generation"), (metadata.get("annotations") or {}).get(ADOPT))
        if change == "DELETED":
            self._seen.pop(place, None)
        elif self._seen.get(place) == says:
            return
        else:
            self._seen[place] = says
        self._recent.forget(kind.path(namespace, name))
        named = {"binder": name} if kind == BINDER else {"recipient": name}
        for key in self._store.channels_naming(namespace, **named):
            self._wake(key)


def registry_for(sightings: Sightings, api: KubernetesApi) -> kopf.OperatorRegistry:
    """Return kopf's registry with our handlers in it, and nothing else."""
    registry = kopf.OperatorRegistry()
    responses, pauses = response_class(sightings), LoginPauses()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        # The same credentials as our own calls; kopf asks again when they were refused.
        seconds = pauses.next(asyncio.get_running_loop().time())
        if seconds:
            event(logger, "credentials.refused", level=logging.WARNING, seconds=f"{seconds:.0f}")
            await asyncio.sleep(seconds)
        session = await api.session(responses)
        return kopf.AiohttpSession(server=api.server, aiohttp_session=session)

    @kopf.on.event(GROUP, VERSION, CHANNELS, registry=registry)
    async def channel_seen(event: Any, **_: Any) -> None:
        sightings.channel(event["type"], event["object"])

    @kopf.on.event(GROUP, VERSION, BINDERS, registry=registry)
    async def binder_seen(event: Any, **_: Any) -> None:
        sightings.reference(BINDER, event["type"], event["object"])

    @kopf.on.event(GROUP, VERSION, RECIPIENTS, registry=registry)
    async def recipient_seen(event: Any, **_: Any) -> None:
        sightings.reference(RECIPIENT, event["type"], event["object"])

    return registry


async def until_served(api: KubernetesApi) -> None:
    """Wait until the API server has the kinds that kopf is to watch: it looks for them once."""
    while True:
        try:
            body = await api.get(f"/apis/{GROUP}/{VERSION}") or {}
        except BannetteError as error:
            event(logger, "kinds.unknown", level=logging.WARNING, error=error)
        else:
            found = {one["name"] for one in cast("list[dict[str, str]]", body.get("resources") or [])}
            missing = {CHANNELS, BINDERS, RECIPIENTS} - found
            if not missing:
                return
            event(logger, "kinds.missing", level=logging.WARNING, group=GROUP, kinds=",".join(sorted(missing)))
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def kopf_settings(*, namespaced: bool) -> kopf.OperatorSettings:
    """Return settings for many objects: kopf's defaults keep several times as much in memory for each."""
    settings = kopf.OperatorSettings()
    settings.watching.chunk_size = 200
    settings.queueing.idle_timeout = 0.2
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = namespaced
    settings.process.ultimate_exiting_timeout = 30
    settings.persistence.diffbase_storage = _NoDiffBase()
    return settings


class _LossOfWatch(logging.Handler):
    """Tells when kopf has lost a watch for good.

    Refusals and errors of a watch that kopf doesn't know how to go on from end that watch: kopf logs it, and serves
    on without it, deaf. So it does when a kind isn't served: it looks for it again when its definition changes, but
    the API server serves it a little later than that. The process must be started anew then.
    """

    def __init__(self, lost: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and " has failed: " in message:
            self._lost(message.partition(" has failed: ")[0])
        elif message.startswith("Unresolved resources cannot be served"):
            self._lost("A kind that isn't served any more")


@contextmanager
def loss_of_watch() -> Iterator[Callable[[], Coroutine[object, object, None]]]:
    """Yield what waits until kopf loses a watch, and raises then.

    Raises:
        Transient: WatchLost, from what is yielded.
    """
    loop = asyncio.get_running_loop()
    lost: asyncio.Future[str] = loop.create_future()

    def settle(what: str) -> None:
        if not lost.done():
            lost.set_result(what)

    def tell(what: str) -> None:
        loop.call_soon_threadsafe(settle, what)

    async def wait() -> None:
        raise Transient(f"{await lost} was lost: the operator must be started anew.", reason="WatchLost")

    handler, logger = _LossOfWatch(tell), logging.getLogger("kopf")
    logger.addHandler(handler)
    try:
        yield wait
    finally:
        logger.removeHandler(handler)


class _NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing: without change handlers nobody asks for the difference."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:
        return cast("kopf.BodyEssence", {})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        return None
