"""Where a run finds its channel and what belongs to it; two implementations, in files and in Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bannette.binder import Location
from bannette.collector.status import RunStatus
from bannette.notify.sink import Sink
from bannette.onedrive import Endpoints, Tokens
from bannette.resources import Binder, Channel, Recipient


class Assignment(Protocol):
    """A channel to collect, with what it refers to. Methods raise PersonNeeded and Transient."""

    @property
    def status(self) -> RunStatus:
        """Where the run reports."""

    @property
    def scratch(self) -> Path:
        """A folder of this run alone; what an earlier one left in it may be removed."""

    def channel(self) -> Channel: ...

    def binder(self, channel: Channel) -> Binder: ...

    def recipient(self, channel: Channel) -> Recipient: ...

    def storage(self, binder: Binder) -> Location:
        """Return where the binder's store is for this process."""

    def passwords(self, channel: Channel) -> tuple[str, ...]:
        """Return the passwords to try on encrypted documents."""

    def sink(self, binder: Binder) -> Sink:
        """Return who is told of the documents of *binder*, which has ``events``."""

    def sign_in(self, channel: Channel, endpoints: Endpoints, environ: Mapping[str, str]) -> Tokens:
        """Return what gives tokens for the channel's account."""


def secret_in_folder(folder: Path) -> dict[str, str]:
    """Return the members of a Secret that is mounted at *folder*; empty if it isn't."""
    if not folder.is_dir():
        return {}
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return {path.name: path.read_text(encoding="utf-8") for path in files}
