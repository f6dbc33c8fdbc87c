"""`rclone copy` of the whole drive into a new folder, measured."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import rclone
from benchmarks.onedrive import OneDrive, Reader
from simulator.accounts import CLIENT_ID, SECRET


@dataclass(frozen=True, kw_only=True)
class Copied:
    """One run of the peer; *files* and *size* in bytes are what arrived."""

    reader: Reader
    files: int
    size: int


def copy(onedrive: OneDrive, *options: str) -> Copied:
    """Copy everything. rclone compares each copy's quickXorHash with OneDrive's, as it does unless told not to."""
    program = rclone.program()
    with tempfile.TemporaryDirectory(prefix="bench-copy-") as name:
        folder = Path(name)
        config = folder / "rclone.conf"
        config.write_text(
            rclone.configuration(onedrive.control, origin=onedrive.origin, client_id=CLIENT_ID, client_secret=SECRET)
        )
        command: list[str | Path] = [program, "copy", *options, "--config", config, "--ca-cert", onedrive.ca_file]
        command += ["sim:", folder / "to"]
        _, reader = onedrive.read_by(command, environment={"PATH": os.environ["PATH"], "HOME": name})
        sizes = [path.stat().st_size for path in (folder / "to").rglob("*") if path.is_file()]
        return Copied(reader=reader, files=len(sizes), size=sum(sizes))
