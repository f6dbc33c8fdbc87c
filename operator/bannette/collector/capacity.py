"""How much a run may do at once: by the cores, the memory limit, and the scratch folder that it finds."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bannette import ocr
from bannette.errors import PersonNeeded

_MIB: Final = 1024 * 1024
# Beside the originals lie what OCR renders of them, and the files that it makes.
_SHARE_FOR_ORIGINALS: Final = 0.25
_MOST_SCRATCH: Final = 2 * 1024 * _MIB


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a run may do at once; *scratch_bytes* is for downloaded originals."""

    recognitions: int
    scratch_bytes: int


def capacity(
    *, scratch: Path, limits: ocr.Limits, reads: bool = True, cgroup: Path = Path("/sys/fs/cgroup")
) -> Capacity:
    """Return what this machine or container allows; *reads*: documents are read, not only delivered.

    Raises:
        PersonNeeded: MemoryLimitTooLow: not even one document could be read within the memory limit.
    """
    cores = _cores(cgroup)
    limit = _memory_limit(cgroup) if reads else None
    recognitions = cores
    while limit is not None and recognitions > 0 and ocr.memory_needed(recognitions, limits) > limit:
        recognitions -= 1
    if recognitions == 0:
        needed = math.ceil(ocr.memory_needed(1, limits) / _MIB)
        raise PersonNeeded(
            f"Reading one document may take {needed} MiB, and the memory limit is {(limit or 0) // _MIB} MiB: set "
            f"spec.collector.resources.limits.memory to {needed}Mi or more, or spec.ocr.limits.memoryMiB to less.",
            reason="MemoryLimitTooLow",
        )
    free = shutil.disk_usage(scratch).free
    return Capacity(recognitions=recognitions, scratch_bytes=min(_MOST_SCRATCH, int(free * _SHARE_FOR_ORIGINALS)))


def _cores(cgroup: Path) -> int:
    cores = len(os.sched_getaffinity(0))
    quota = _words(cgroup / "cpu.max")
    if len(quota) == 2 and quota[0].isdecimal() and quota[1].isdecimal() and int(quota[1]) > 0:
        cores = min(cores, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, cores)


def _memory_limit(cgroup: Path) -> int | None:
    """The memory limit in bytes; None without one, or where none is visible."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        words = _words(cgroup / name)
        if words and words[0].isdecimal():
            # Version 1 says "no limit" by a number beyond all memory.
            return int(words[0]) if int(words[0]) < 2**60 else None
    return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
