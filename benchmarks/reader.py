"""``python -m benchmarks.reader SOURCE TARGET``: reads all files of a folder as a run does, one on each core.

Writes the text of each to TARGET, under its name and .txt, and prints the most memory that the process and all that it
started had at one moment (bytes resident; pages that they share count for each).
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bannette.ocr import Detector, Limits, read

_EVERY = 0.05


def main() -> int:
    source, target = (Path(argument) for argument in sys.argv[1:3])
    detector, over = Detector(), threading.Event()
    most = [0]

    def watch() -> None:
        while not over.wait(_EVERY):
            most[0] = max(most[0], _resident(os.getpid()))

    watching = threading.Thread(target=watch)
    watching.start()

    def act(path: Path) -> None:
        with tempfile.TemporaryDirectory() as workspace:
            reading = read(
                path,
                detected=detector.detect(path),
                languages=("fra", "eng"),
                limits=Limits(),
                workspace=Path(workspace),
            )
            text = reading.files["text"].read_bytes() if "text" in reading.files else b""
            (target / f"{path.name}.txt").write_bytes(text)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as workers:
        list(workers.map(act, sorted(source.iterdir())))
    detector.close()
    over.set()
    watching.join()
    print(most[0])
    return 0


def _resident(pid: int) -> int:
    pages, pids = 0, [pid]
    while pids:
        folder = Path(f"/proc/{pids.pop()}")
        try:
            pages += int((folder / "statm").read_bytes().split()[1])
            for children in folder.glob("task/*/children"):
                pids.extend(int(child) for child in children.read_bytes().split())
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
