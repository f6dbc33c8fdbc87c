"""The status of a channel without Kubernetes: ``status.yaml`` in a folder, locked while a run goes on."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from bannette import logs
from bannette.collector.interruption import Interruption
from bannette.collector.status import with_condition
from bannette.errors import PersonNeeded
from bannette.resources import API_VERSION, ChannelStatus, Condition, InvalidResource, format_time, load_documents

logger = logging.getLogger(__name__)

_STATUS: Final = "status.yaml"
_LOCK: Final = "lock"
_POLL: Final = 0.2  # seconds


class FileStatus:
    """The status of the channel *name* in *folder*, in the form in which Kubernetes would show it."""

    def __init__(self, folder: Path, *, namespace: str, name: str, binder: str) -> None:
        self._folder = folder
        self._path = folder / _STATUS
        self._metadata = {"name": name, "namespace": namespace}
        self._binder_metadata = {"name": binder, "namespace": namespace}
        self._lock = threading.Lock()
        self._turn: int | None = None
        # Those of the binder, as they were when the file was last read.
        self._conditions: object = None
        self._is_ours = False

    def wait_for_turn(self, run: str, interruption: Interruption) -> None:
        """Lock the folder.

        Raises:
            PersonNeeded: it can't be written, or it is another channel's.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._turn = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        told = False
        while not self._try_lock(self._turn):
            if not told:
                logs.event(logger, "run.waiting", run=run, reason="AnotherRunIsActive")
                told = True
            if interruption.wait(_POLL):
                return
        self._check_owner()
        self._is_ours = True

    def read(self) -> ChannelStatus:
        with self._lock:
            return self._read()[0]

    def update(self, change: Callable[[ChannelStatus], ChannelStatus]) -> ChannelStatus:
        with self._lock:
            status, binder = self._read()
            status = change(status)
            self._write(status, binder)
            return status

    def count_arrivals(self, *, documents: int, size: int, at: datetime) -> None:
        with self._lock:
            status, binder = self._read()
            added = {
                "documents": _number(binder, "documents") + documents,
                "bytes": _number(binder, "bytes") + size,
                "lastArrival": format_time(at),
            }
            self._write(status, {**binder, **added})

    def show_in_binder(self, kind: str, condition: Condition | None) -> None:
        with self._lock:
            if with_condition(self._conditions, kind, condition, now=datetime.now(UTC)) is None:
                return
            status, binder = self._read()
            conditions = with_condition(binder.get("conditions"), kind, condition, now=datetime.now(UTC))
            if conditions is not None:
                self._write(status, {**binder, "conditions": conditions})

    def close(self) -> None:
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None

    def _try_lock(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _check_owner(self) -> None:
        for document in _documents(self._path):
            metadata = document.get("metadata")
            if document.get("kind") == "CollectionChannel" and metadata != self._metadata:
                raise PersonNeeded(
                    f"The state folder {self._folder} holds the status of another channel: name another one with "
                    "--state.",
                    reason="StateOfAnotherChannel",
                )

    def _read(self) -> tuple[ChannelStatus, dict[str, object]]:
        """Return the channel's status and the binder's; empty ones if the file is lost or damaged."""
        documents = _documents(self._path)
        binder = _status(documents, "Binder")
        self._conditions = binder.get("conditions")
        return _status_of_channel(documents), binder

    def _write(self, status: ChannelStatus, binder: dict[str, object]) -> None:
        if not self._is_ours:
            # The run ends without its turn: what stands here is another run's, or another channel's.
            return
        documents = [_document("CollectionChannel", self._metadata, status.to_dict())]
        if binder:
            documents.append(_document("Binder", self._binder_metadata, binder))
        beside = self._path.with_suffix(".tmp")
        try:
            beside.write_text(_dump(documents), encoding="utf-8")
            beside.replace(self._path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> PersonNeeded:
        return PersonNeeded(
            f"The state folder {self._folder} can't be written ({error.strerror}): name another one with --state.",
            reason="StateUnwritable",
        )


def status_in(folder: Path) -> ChannelStatus:
    """Return the status of the channel whose state folder this is.

    Raises:
        PersonNeeded: it isn't one.
    """
    if not (folder / _STATUS).exists():
        raise PersonNeeded(f"{folder} has no {_STATUS}: name the folder given to --state.", reason="NoStatus")
    return _status_of_channel(_documents(folder / _STATUS))


def _documents(path: Path) -> list[dict[str, object]]:
    try:
        return load_documents(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (InvalidResource, UnicodeDecodeError, OSError):
        # The binder decides what is collected; a status only shows it.
        logs.event(logger, "status.unreadable", level=logging.WARNING)
        return []


def _status(documents: list[dict[str, object]], kind: str) -> dict[str, object]:
    found = (document.get("status") for document in documents if document.get("kind") == kind)
    return next((status for status in found if isinstance(status, dict)), {})


def _status_of_channel(documents: list[dict[str, object]]) -> ChannelStatus:
    try:
        return ChannelStatus.parse(_status(documents, "CollectionChannel"))
    except InvalidResource:
        logs.event(logger, "status.unreadable", level=logging.WARNING)
        return ChannelStatus()


def _document(kind: str, metadata: dict[str, str], status: dict[str, object]) -> dict[str, object]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "status": status}


def _dump(documents: list[dict[str, object]]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return "".join(
        f"---\n{yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True)}" for document in documents
    )


def _number(members: dict[str, object], name: str) -> int:
    value = members.get(name)
    return value if isinstance(value, int) else 0
