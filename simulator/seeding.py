"""What a drive holds at first: a folder of real files, the sample documents, or many generated files."""

from __future__ import annotations

import importlib
import re
import tempfile
from pathlib import Path

from simulator.content import Generated, InMemory, OnDisk
from simulator.drive import Drive, Item, Kind
from simulator.world import Populate, leave_empty

_GENERATE = re.compile(r"^generate:(?P<files>\d+)(?:x(?P<size>\d+)(?P<unit>B|kB|MB|GB)?)?(?:/(?P<folder>\d+))?$")
_UNITS = {None: 1, "B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
_GENERATED_AT = 1_767_225_600.0  # 2026-01-01T00:00:00Z

HELP = (
    "what the drive holds: a folder of real files; 'samples': invoices and receipts, most of them in /Factures; "
    "'empty'; or 'generate:FILES[xSIZE][/FILES PER FOLDER]', for example generate:100000x20kB/200"
)


def populate_from(content: str | Path) -> Populate:
    """Return what fills a drive with the named content.

    Raises:
        ValueError: there is no such content; the message says what there is.
    """
    if content == "empty":
        return leave_empty
    if content == "samples":
        return _Samples()
    found = _GENERATE.match(str(content))
    if found:
        size = int(found["size"] or 20_000) * _UNITS[found["unit"]]
        return _Generate(int(found["files"]), size, int(found["folder"] or 200))
    folder = Path(content)
    if not folder.is_dir():
        raise ValueError(f"No folder {content}. Content is {HELP}.")
    return _Folder(folder)


class _Folder:
    def __init__(self, folder: Path, *, below: str = "/") -> None:
        self._folder = folder
        self._below = below

    def __call__(self, drive: Drive, *, at: float) -> None:
        self._add(drive, drive.folder(self._below, at=at), self._folder)

    def _add(self, drive: Drive, parent: Item, folder: Path) -> None:
        for path in sorted(folder.iterdir()):
            modified = path.stat().st_mtime
            if path.is_dir():
                self._add(drive, drive.add(parent, path.name, Kind.FOLDER, at=modified), path)
            elif path.is_file():
                drive.add(parent, path.name, Kind.FILE, at=modified, content=OnDisk(path))


class _Samples:
    """The sample documents, written once and then held in memory."""

    def __init__(self) -> None:
        self._files: list[tuple[str, bytes]] = []

    def __call__(self, drive: Drive, *, at: float) -> None:
        if not self._files:
            # Needs the libraries that make documents: only who asks for samples pays for them.
            samples = importlib.import_module("simulator.samples")
            with tempfile.TemporaryDirectory() as scratch:
                samples.write_samples(Path(scratch))
                found = sorted(path for path in Path(scratch).rglob("*") if path.is_file())
                self._files = [(str(path.relative_to(scratch)), path.read_bytes()) for path in found]
        for name, data in self._files:
            folder, _, leaf = name.rpartition("/")
            drive.add(drive.folder(folder, at=at), leaf, Kind.FILE, at=at, content=InMemory(data))


class _Generate:
    def __init__(self, files: int, size: int, per_folder: int) -> None:
        self._files = files
        self._size = size
        self._per_folder = max(1, per_folder)

    def __call__(self, drive: Drive, *, at: float) -> None:
        folder = drive.root
        for number in range(self._files):
            if number % self._per_folder == 0:
                name = f"folder-{number // self._per_folder:05}"
                folder = drive.add(drive.root, name, Kind.FOLDER, at=_GENERATED_AT)
            content = Generated(number, self._size)
            drive.add(folder, f"document-{number:07}.bin", Kind.FILE, at=_GENERATED_AT + number, content=content)
