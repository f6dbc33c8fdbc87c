"""All channels as lists show them, kept in memory: who sees which of them is decided at each page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bannette import logs
from bannette.console.cluster import Cluster
from bannette.console.summaries import Summary, summary_of
from bannette.kube import Change, ClusterApi, What, follow
from bannette.resources import CHANNELS

logger = logging.getLogger(__name__)

# Asked about one by one, for whoever may not list the channels of all namespaces.
_MOST_NAMESPACES: Final = 500
_AT_ONCE: Final = 8


class Catalogue:
    """Follows the channels of some namespaces (none: all) as the service itself sees them.

    The API server would take seconds for 10,000 channels, at each page; it can neither search nor sort them.
    """

    def __init__(self, api: ClusterApi, namespaces: Sequence[str]) -> None:
        self._apis = [api.within(namespace) for namespace in namespaces or ("",)]
        self._lock = threading.Lock()
        self._channels: dict[str, dict[str, Summary]] = {}
        self._unread = len(self._apis)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to follow, in the background, until the process ends or ``stop`` is called."""
        for api in self._apis:
            threading.Thread(target=self._follow, args=(api,), name="catalogue", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    @property
    def is_read(self) -> bool:
        """Whether all channels have been seen once."""
        return not self._unread

    def channels(self, namespaces: Sequence[str] | None) -> list[Summary]:
        """Return the channels of *namespaces*; None: of all."""
        with self._lock:
            wanted = self._channels if namespaces is None else namespaces
            return [one for namespace in wanted for one in self._channels.get(namespace, {}).values()]

    def namespaces(self) -> list[str]:
        """Return the namespaces that have channels, in order."""
        with self._lock:
            return sorted(self._channels)

    def visible_to(self, cluster: Cluster) -> list[str] | None:
        """Return the namespaces with channels that a person may list, in order; None: they may list those of all."""
        if cluster.may("list", CHANNELS, ""):
            return None
        names = self.namespaces()[:_MOST_NAMESPACES]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            allowed = pool.map(lambda namespace: cluster.may("list", CHANNELS, namespace), names)
            return [name for name, may in zip(names, allowed, strict=True) if may]

    def _follow(self, api: ClusterApi) -> None:
        waits = True
        for change in follow(api, CHANNELS, stopped=self._stopped):
            if change.what is What.LISTED:
                if waits:
                    self._unread -= 1
                    waits = False
                    logs.event(logger, "console.read", channels=len(self.channels(None)))
                continue
            try:
                self._take(change)
            except Exception as error:  # noqa: BLE001 - the top of a thread: one channel isn't to end the list
                logs.crash(logger, "console.unreadable", error)

    def _take(self, change: Change) -> None:
        metadata = change.body["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]  # type: ignore[index]
        summary = summary_of(change.body) if change.what is What.PRESENT else None
        with self._lock:
            if summary is not None:
                self._channels.setdefault(namespace, {})[name] = summary
                return
            within = self._channels.get(namespace, {})
            within.pop(name, None)
            if not within:
                self._channels.pop(namespace, None)
