"""Channels that others change, or make again, while the operator decides about them: it decides anew.

It knows the change from an answer then, so that what a watch says of it later is nothing new, and wakes nobody.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bannette.controller.access import Access
from bannette.controller.api import KubernetesApi
from bannette.controller.health import Health
from bannette.controller.metrics import Metrics
from bannette.controller.names import Key
from bannette.controller.queue import WorkQueue
from bannette.controller.reconcile import Reconciler
from bannette.controller.store import Store
from tests.controller.scene import SETTINGS, Body, channel_body

KEY = Key("acme", "acme-onedrive")
PATH = "/apis/bannette.io/v1alpha1/namespaces/acme/collectionchannels/acme-onedrive"
MARIE: Body = {
    "metadata": {"name": "marie", "namespace": "acme", "uid": "m"},
    "spec": {"displayName": "Marie", "email": "marie@acme.example"},
}
MOMENT = "2026-11-24T10:00:00Z"


def versioned(version: int, *, spec: Body | None = None, status: Body | None = None, **metadata: object) -> Any:
    return channel_body(
        metadata={"resourceVersion": str(version), "creationTimestamp": MOMENT, **metadata},
        status=status,
        **(spec or {}),
    )


class Server:
    """An API server with one channel and one recipient; *meanwhile* is what the first write of a status comes after."""

    def __init__(self, channel: Any, meanwhile: Any = None) -> None:
        self.channel = channel
        self.written = asyncio.Event()
        self.statuses: list[Any] = []
        self._meanwhile = meanwhile

    async def serve(self, request: web.BaseRequest) -> web.Response:
        body: Any = await request.json() if request.can_read_body else None
        if request.path == f"{PATH}/status":
            return self._write_status(body)
        if request.method == "GET":
            found = {PATH: self.channel, PATH.replace("collectionchannels/acme-onedrive", "recipients/marie"): MARIE}
            return _answer(found.get(request.path))
        return _answer({**body, "metadata": {**body["metadata"], "uid": "u", "resourceVersion": "3"}})

    def _write_status(self, patch: Any) -> web.Response:
        if self._meanwhile is not None:
            self.channel, self._meanwhile = self._meanwhile, None
        metadata = self.channel["metadata"]
        if patch.get("metadata", metadata)["resourceVersion"] != metadata["resourceVersion"]:
            return _answer(None, status=409)
        self.channel["status"] = {**self.channel["status"], **patch["status"]}
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)
        self.statuses.append(patch["status"])
        self.written.set()
        return _answer(self.channel)


def _answer(body: Any, *, status: int = 404) -> web.Response:
    return web.json_response(body or {"kind": "Status", "message": "No."}, status=200 if body else status)


def decided(known: Any, server: Callable[[], Server], until: Callable[[Any], bool]) -> Server:
    """Return the server when its channel is as *until* wants it, after one look at what the store knew."""

    async def story() -> Server:
        made = server()
        runner = web.ServerRunner(web.Server(made.serve))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        api = KubernetesApi(Access(f"http://127.0.0.1:{runner.addresses[0][1]}", ssl.create_default_context(), _nobody))
        store, queue = Store(), WorkQueue[Key]()
        metrics, health = Metrics(store), Health()
        reconciler = Reconciler(api, SETTINGS, store=store, queue=queue, metrics=metrics, health=health)
        store.put_channel(known)
        queue.add(KEY)
        worker = asyncio.create_task(reconciler.work())
        try:
            async with asyncio.timeout(120):
                while not until(made.channel):
                    made.written.clear()
                    await made.written.wait()
        finally:
            worker.cancel()
            await api.close()
            await runner.cleanup()
        return made

    return asyncio.run(story())


async def _nobody() -> None:
    return None


def condition(channel: Any, kind: str) -> Any:
    return next((one for one in channel["status"].get("conditions", ()) if one["type"] == kind), {})


def test_a_channel_that_is_mended_while_it_is_said_to_be_wrong_is_looked_at_again():
    wrong = versioned(5, spec={"schedule": {"time": "noon"}})
    # Its resourceVersion is what the write asks for: the change came just before the answer.
    mended = versioned(5, generation=2)
    channel = decided(
        wrong, lambda: Server(wrong, mended), lambda one: bool(condition(one, "PrerequisitesMet"))
    ).channel
    assert condition(channel, "Stalled") == {}
    assert channel["status"]["observedGeneration"] == 2


def test_what_a_channel_needs_is_looked_up_by_what_it_says_when_it_is_decided_about():
    run: Body = {
        "id": "r",
        "job": "acme-onedrive-collect-1",
        "trigger": "Scheduled",
        "startedAt": MOMENT,
        "heartbeat": MOMENT,
    }
    known = versioned(5, status={"activeRun": run})
    now = versioned(6, status={"activeRun": run}, spec={"recipient": {"name": "nobody"}}, generation=2)
    server = decided(known, lambda: Server(now), lambda one: bool(condition(one, "PrerequisitesMet")))
    assert all("nobody" in str(condition({"status": said}, "PrerequisitesMet")) for said in server.statuses)


def test_a_channel_that_was_made_again_is_looked_at_though_no_watch_tells_of_it():
    again = versioned(9, uid="another")
    server = decided(versioned(5), lambda: Server(versioned(5), again), lambda one: bool(condition(one, "Ready")))
    channel = server.channel
    assert channel["metadata"]["uid"] == "another"
    # The children of the earlier one are in its way.
    assert condition(channel, "Ready")["reason"] == "Replacing"
