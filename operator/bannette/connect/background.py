"""What the service does without being asked by a browser: beside the pages, in threads of its own."""

from __future__ import annotations

from collections.abc import Mapping

from bannette.connect.attendant import Attendant
from bannette.connect.settings import namespaces_of
from bannette.connect.watching import Watching
from bannette.kube import ClusterApi


class Background:
    """Does what annotations of channels ask for."""

    def __init__(self, environ: Mapping[str, str], api: ClusterApi) -> None:
        self._watching = Watching(api, namespaces_of(environ))
        self._attendant = Attendant(api, environ)
        self._attendant.listen(self._watching)

    def start(self) -> None:
        self._watching.start()
        self._attendant.start()

    def stop(self) -> None:
        self._watching.stop()
        self._attendant.stop()

    def is_healthy(self) -> bool:
        """Tell whether all of it is still at work."""
        return self._watching.is_healthy() and self._attendant.is_healthy()
