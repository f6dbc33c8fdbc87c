"""What the service follows: each kind once in each namespace, for all who want to hear of it."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from bannette import logs
from bannette.kube import Change, ClusterApi, follow

logger = logging.getLogger(__name__)

# The kind's plural, the namespace that is followed (empty: all of them), and what changed.
Listener = Callable[[str, str, Change], None]


class Watching:
    """Follows the kinds that somebody listens to, each in a thread.

    Args:
        namespaces: those that are followed; none: all.
    """

    def __init__(self, api: ClusterApi, namespaces: Sequence[str]) -> None:
        self._api = api
        self._realms = tuple(namespaces) or ("",)
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def tell(self, plural: str, listener: Listener) -> None:
        """Have *listener* called with all objects of that kind, and each change; before ``start``.

        Kinds and namespaces call from threads of their own.
        """
        self._listeners[plural].append(listener)

    def start(self) -> None:
        for plural in self._listeners:
            for realm in self._realms:
                thread = threading.Thread(
                    target=self._run, args=(plural, realm), name=f"watch-{plural}-{realm}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def stop(self) -> None:
        """End when the API server next says something; nobody is told of that any more."""
        self._stopped.set()

    def is_healthy(self) -> bool:
        """Tell whether all threads live."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self, plural: str, realm: str) -> None:
        try:
            for change in follow(self._api.within(realm), plural, stopped=self._stopped):
                if self._stopped.is_set():
                    return
                for listener in self._listeners[plural]:
                    self._tell(listener, plural, realm, change)
        except Exception as error:  # noqa: BLE001 - the top of a thread
            logs.crash(logger, f"watch.bug plural={plural}", error)

    def _tell(self, listener: Listener, plural: str, realm: str, change: Change) -> None:
        try:
            listener(plural, realm, change)
        except Exception as error:  # noqa: BLE001 - one object may have what nobody foresaw: the others are told of
            logs.crash(logger, f"watch.bug plural={plural} object={_key(change.body)}", error)


def _key(body: Mapping[str, object]) -> str:
    metadata = body.get("metadata")
    found = metadata if isinstance(metadata, Mapping) else {}
    return f"{found.get('namespace')}/{found.get('name')}"
