"""A folder with a channel in a file, and the real `bannette collect` on it, measured."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.onedrive import OneDrive, Reader

_SAMPLE = Path(__file__).resolve().parent.parent / "manifests" / "samples" / "local.yaml"
_BINDER = "inbox-of-acme"


@dataclass(frozen=True, kw_only=True)
class Collected:
    """One run of ours; *entry* is its entry in the history."""

    reader: Reader
    entry: Mapping[str, object]

    def count(self, name: str) -> int:
        """A count of the entry: collected, alreadySeen…"""
        return int(str(self.entry[name]))


class Workplace:
    """A channel that watches the whole drive and doesn't read what it collects, unless *ocr*.

    Args:
        storage: the Binder's storage in YAML's flow style, by default a folder beside the channel.
        secrets: more YAML documents that the storage needs.
        name: of the channel: in a binder that is used again, a channel of another name walks from the start.
    """

    def __init__(
        self,
        onedrive: OneDrive,
        *,
        ocr: bool = False,
        storage: str | None = None,
        secrets: str = "",
        name: str = "acme-onedrive",
    ) -> None:
        self._onedrive = onedrive
        self._ocr = ocr
        self._storage = storage
        self._secrets = secrets
        self._name = name

    def __enter__(self) -> Workplace:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        channel = _SAMPLE.read_text().replace("    folder: /Factures\n", "").replace("acme-onedrive", self._name)
        if not self._ocr:
            channel = channel.replace("ocr: {languages", "ocr: {enabled: false, languages")
        if self._storage is not None:
            channel = channel.replace(f"storage: {{path: {_BINDER}}}", f"storage: {self._storage}")
        (self._folder / "acme.yaml").write_text(channel + self._secrets)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder)

    @property
    def binder(self) -> Path:
        """Where the binder is, if it is a folder."""
        return self._folder / _BINDER

    def forget(self) -> None:
        """Lose the status and the state of all runs: the next one walks from the start."""
        shutil.rmtree(self._folder / "state", ignore_errors=True)
        shutil.rmtree(self.binder / "state", ignore_errors=True)

    def collect(self) -> Collected:
        """Run `bannette collect` once."""
        command: list[str | Path] = [
            Path(sys.executable).with_name("bannette"),
            "collect",
            "-f",
            self._folder / "acme.yaml",
        ]
        environment = {**os.environ, **self._onedrive.environment, "XDG_STATE_HOME": str(self._folder / "state")}
        output, reader = self._onedrive.read_by(command, environment=environment)
        return Collected(reader=reader, entry=json.loads(output.splitlines()[-1]))
