"""What a person sees of a command that takes long: one line that changes, on a terminal; else one now and then."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Final

from bannette import logs

logger = logging.getLogger(__name__)

_LINE_EVERY: Final = 10.0  # seconds
_CHANGE_EVERY: Final = 0.2
_CLEAR: Final = "\r\x1b[K"


class Stages:
    """Shows how far *what* is, on standard error."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._shown = time.monotonic()

    def show(self, stage: str, percent: int) -> None:
        now = time.monotonic()
        if now - self._shown < (_CHANGE_EVERY if self._terminal else _LINE_EVERY):
            return
        self._shown = now
        if self._terminal:
            print(f"{_CLEAR}{stage}: {percent} %", end="", file=sys.stderr, flush=True)
        else:
            logs.event(logger, f"{self._what}.progress", stage=stage, percent=percent)

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal:
            print(_CLEAR, end="", file=sys.stderr, flush=True)
