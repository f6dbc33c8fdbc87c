"""``python -m benchmarks.steps URL TOKEN``: what the bytes of the file at URL cost in each step of their way, alone.

A process of its own, which prints the seconds of each step as JSON; the benchmark of the large file runs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from bannette.onedrive import QuickXorHash
from bannette.onedrive.transport import Transport

#: As much as a download gathers before it writes and hashes.
_PIECE = 256 * 1024


def main() -> int:
    url, token = sys.argv[1:]
    item = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).json()
    size = int(item["size"])
    seconds: dict[str, float] = {}
    piece = os.urandom(_PIECE)

    @contextmanager
    def step(name: str, clock: Callable[[], float] = time.process_time) -> Iterator[None]:
        started = clock()
        yield
        seconds[name] = clock() - started

    with step("received by TLS"):
        _receive(item["@microsoft.graph.downloadUrl"], size)
    for name, digest in (("SHA-256", hashlib.sha256()), ("quickXorHash", QuickXorHash())):
        with step(name):
            for _ in range(size // _PIECE):
                digest.update(piece)
    with tempfile.TemporaryFile() as file:
        with step("written"):
            for _ in range(size // _PIECE):
                file.write(piece)
            file.flush()
        with step("waited for the disk", time.monotonic):
            os.fsync(file.fileno())
    print(json.dumps(seconds))
    return 0


def _receive(url: str, size: int) -> None:
    # requests alone would write the URL's escapes in another way, and break its signature.
    transport = Transport(
        ca_file=os.environ["REQUESTS_CA_BUNDLE"], user_agent="bannette-benchmark", connect=10, read=60
    )
    came = 0
    with transport.get(url, {"Accept-Encoding": "identity"}) as response:
        response.raise_for_status()
        while piece := response.raw.read1(_PIECE):
            came += len(piece)
    if came != size:
        raise RuntimeError(f"{came} of {size} bytes came.")


if __name__ == "__main__":
    sys.exit(main())
