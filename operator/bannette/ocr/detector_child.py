"""The child process of Detector: ``python -m bannette.ocr.detector_child``."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from bannette.ocr.detection import detect

_MEMORY = 1024**3


def main() -> None:
    """Answer each line, a path, by a line, its media type, until standard input ends: with the collector."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for line in sys.stdin.buffer:
        answer = detect(Path(os.fsdecode(line.rstrip(b"\n")))).media_type
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
