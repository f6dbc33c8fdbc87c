"""``python -m benchmarks.bare_channels URL CA TOKEN NAMESPACE…``: the writes of 1,000 channels, and nothing else.

For every channel of the namespaces: its ServiceAccount, Role, RoleBinding and CronJob by server-side apply, and one
patch of its status, twenty channels at a time, by raw HTTP. Prints seconds and CPU seconds, without imports, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import Any

import aiohttp

from bannette.controller import builders, jobs
from bannette.controller.names import BINDER, CHANNEL, KINDS
from bannette.controller.settings import Settings
from bannette.resources import Binder, Channel

_IN_FLIGHT = 20
_STATUS = {"conditions": [{"type": "Ready", "status": "True", "reason": "Scheduled", "message": "Collects every day."}]}


async def main() -> None:
    url, ca_file, token, *namespaces = sys.argv[1:]
    trust = ssl.create_default_context(cafile=ca_file)
    settings = Settings(collector_image="registry.example/bannette-collector:1.0")
    connector = aiohttp.TCPConnector(limit=_IN_FLIGHT, ssl=trust)
    async with aiohttp.ClientSession(
        connector=connector, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as session:

        async def get(path: str) -> Any:
            async with session.get(url + path) as answer:
                return await answer.json()

        work = []
        for namespace in namespaces:
            binder = Binder.parse((await get(BINDER.path(namespace)))["items"][0])
            for body in (await get(CHANNEL.path(namespace)))["items"]:
                channel = Channel.parse({"apiVersion": CHANNEL.api_version, "kind": CHANNEL.kind, **body})
                children = (
                    builders.service_account(channel),
                    builders.role(channel, settings),
                    builders.role_binding(channel, settings),
                    jobs.cron_job(channel, binder, settings, suspend=False),
                )
                work.append((channel, children))

        free = asyncio.Semaphore(_IN_FLIGHT)

        async def patch(path: str, body: object, content_type: str) -> None:
            headers = {"Content-Type": content_type}
            async with session.patch(url + path, data=json.dumps(body), headers=headers) as answer:
                answer.raise_for_status()
                json.loads(await answer.read())

        async def write(channel: Channel, children: tuple[Any, ...]) -> None:
            async with free:
                for child in children:
                    path = KINDS[child["kind"]].path(channel.namespace, child["metadata"]["name"])
                    await patch(f"{path}?fieldManager=bare&force=true", child, "application/apply-patch+yaml")
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                conditions = [{**one, "lastTransitionTime": now} for one in _STATUS["conditions"]]
                status = {"observedGeneration": 1, "conditions": conditions}
                path = CHANNEL.path(channel.namespace, channel.name, "status")
                await patch(path, {"status": status}, "application/merge-patch+json")

        wall, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(write(channel, children) for channel, children in work))
        print(json.dumps({"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu, "channels": len(work)}))


asyncio.run(main())
