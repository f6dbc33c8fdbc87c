"""The Lease that one replica of several holds: it works, the others wait, and who loses it ends."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Final, cast

from bannette.controller.api import Conflict, KubernetesApi, Manifest
from bannette.controller.names import LEASE
from bannette.errors import BannetteError, Transient
from bannette.logs import event

logger = logging.getLogger(__name__)

DURATION: Final = 30.0
RENEWAL: Final = 10.0
RETRY: Final = 5.0


class LeaseLost(BannetteError):
    """Another replica may be at work: this one must end at once."""


class Lease:
    """A Lease object, held by *holder*.

    Another holder's Lease is taken over when it hasn't changed for its duration by this process's own clock: the
    clocks of two nodes are not compared.
    """

    def __init__(self, api: KubernetesApi, namespace: str, name: str, *, holder: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._holder = holder

    async def acquire(self) -> None:
        """Wait until the Lease is held."""
        seen: tuple[object, float] | None = None
        awaited: object = None
        while True:
            try:
                body = await self._api.get(LEASE.path(self._namespace, self._name))
                spec = cast("dict[str, Any]", (body or {}).get("spec") or {})
                now = asyncio.get_running_loop().time()
                if seen is None or seen[0] != spec:
                    seen = (spec, now)
                patience = float(spec.get("leaseDurationSeconds") or 0)
                if not spec.get("holderIdentity") or spec["holderIdentity"] == self._holder or now - seen[1] > patience:
                    await self._write(body)
                    event(logger, "lease.held", namespace=self._namespace, holder=self._holder)
                    return
                if spec["holderIdentity"] != awaited:
                    awaited = spec["holderIdentity"]
                    event(logger, "lease.awaited", namespace=self._namespace, holder=awaited)
            except (Conflict, Transient) as error:
                event(logger, "lease.postponed", namespace=self._namespace, error=error)
            await asyncio.sleep(RETRY)

    async def keep(self) -> None:
        """Renew the Lease until cancelled.

        Raises:
            LeaseLost: it couldn't be renewed in time, or another replica took it.
        """
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while True:
            await asyncio.sleep(RENEWAL)
            try:
                async with asyncio.timeout(RENEWAL):
                    body = await self._api.get(LEASE.path(self._namespace, self._name))
                    spec = cast("dict[str, Any]", (body or {}).get("spec") or {})
                    if spec.get("holderIdentity") != self._holder:
                        raise LeaseLost(f"The lease is {spec.get('holderIdentity')}'s now.", reason="LeaseLost")
                    await self._write(body)
                    renewed = loop.time()
            except (Conflict, Transient, TimeoutError) as error:
                event(logger, "lease.unrenewed", level=logging.WARNING, error=error)
            # Half of a renewal before others may take it.
            if loop.time() - renewed > DURATION - RENEWAL / 2:
                raise LeaseLost("The lease couldn't be renewed in time.", reason="LeaseLost")

    async def release(self) -> None:
        """Let the next replica begin at once."""
        try:
            body = await self._api.get(LEASE.path(self._namespace, self._name))
            spec = cast("dict[str, Any]", (body or {}).get("spec") or {})
            if body is not None and spec.get("holderIdentity") == self._holder:
                await self._api.replace(
                    LEASE.path(self._namespace, self._name), body | {"spec": spec | {"holderIdentity": ""}}
                )
        except BannetteError as error:
            event(logger, "lease.unreleased", level=logging.WARNING, error=error)

    async def _write(self, body: Manifest | None) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        old = cast("dict[str, Any]", (body or {}).get("spec") or {})
        is_new_holder = old.get("holderIdentity") != self._holder
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": int(DURATION),
            "acquireTime": now if is_new_holder else old.get("acquireTime") or now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + int(is_new_holder),
        }
        if body is None:
            metadata = {"name": self._name, "namespace": self._namespace}
            lease = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
            await self._api.create(LEASE.path(self._namespace), lease)
        else:
            await self._api.replace(LEASE.path(self._namespace, self._name), body | {"spec": spec})
