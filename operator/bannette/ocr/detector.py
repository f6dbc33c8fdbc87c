"""The type of each document of a run, found out in a child process that is asked again and again.

libmagic is a parser in C that is shown whatever clients drop. A file that crashes it, or on which it never ends, ends
the child, not the run; that file's type is unknown then.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import bannette
from bannette.ocr.detection import UNKNOWN, Detected, detect_pdf, detected
from bannette.ocr.supervision import Stopped

_PATIENCE = 20.0  # seconds for one file
_TRIES = 2
_KILL_EVERY = 0.05  # seconds
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "MAGIC", "PYTHONDONTWRITEBYTECODE")


class Detector:
    """Says what files are; safe to share between threads. The child starts with the first file that needs it."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def detect(self, path: Path) -> Detected:
        """Say what *path* holds; its name is never looked at.

        Raises:
            OSError: the file can't be read, or no process can be started.
            Stopped: the detector was closed meanwhile.
        """
        pdf = detect_pdf(path)
        if pdf is not None:
            return pdf
        with self._asking:
            for _ in range(_TRIES):
                answer = None if self._closed else self._ask(path.absolute())
                if answer is not None:
                    return detected(answer)
            if self._closed:
                raise Stopped(
                    "The run ended before the type of a document was known; the next run reads it.", reason="Stopped"
                )
        return UNKNOWN

    def close(self) -> None:
        """End the child, at once though somebody waits for its answer."""
        self._closed = True
        while not self._asking.acquire(timeout=_KILL_EVERY):
            child = self._child
            if child is not None:
                child.kill()
        try:
            self._end()
        finally:
            self._asking.release()

    def _ask(self, path: Path) -> str | None:
        """Return the media type; None if the child died of it, or had to be killed."""
        child = self._child = self._child or _start()
        assert child.stdin is not None  # noqa: S101 - PIPE was asked for
        assert child.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError):
            child.stdin.write(os.fsencode(path) + b"\n")
            child.stdin.flush()
        answer, deadline = b"", time.monotonic() + _PATIENCE
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(child.stdout.fileno(), 4096) if ready else b""
            if not piece:
                self._end()
                return None
            answer += piece
        return answer.decode("ascii", "replace").strip()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()


def _start() -> subprocess.Popen[bytes]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bannette.ocr.detector_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Libraries print what they find in documents.
        stderr=subprocess.DEVNULL,
        # The collector's environment holds secrets.
        env=passed_on | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(bannette.__file__).parents[1])},
        start_new_session=True,
    )
