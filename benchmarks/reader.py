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
from bannette.ocr.child import resident_bytes

_EVERY = 0.05


def main() -> int:
    source, target = (Path(argument) for argument in sys.argv[1:3])
    detector, over = Detector(), threading.Event()
    most = [0]

    def watch() -> None:
        while not over.wait(_EVERY):
            most[0] = max(most[0], resident_bytes(os.getpid()))

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


if __name__ == "__main__":
    sys.exit(main())
