"""Says what is going on, with the time it took: on a terminal it counts the seconds, in a log it adds lines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOG_EVERY = 30.0  # seconds between signs of life of a long step, where nobody sees a counter
_running: list[str] = []  # steps within steps: the innermost one has the terminal's line


@contextmanager
def step(what: str) -> Iterator[None]:
    """Announce *what*, and how long it took once the block is left."""
    began = time.monotonic()
    over = threading.Event()
    terminal = sys.stderr.isatty()
    ticker = threading.Thread(target=_tick, args=(what, began, over, terminal), daemon=True)
    _running.append(what)
    ticker.start()
    outcome = "failed after"
    try:
        yield
        outcome = "done in"
    finally:
        over.set()
        ticker.join()
        _running.remove(what)
        _say(f"{what}: {outcome} {time.monotonic() - began:.1f} s", over_previous=terminal)


def say(text: str) -> None:
    """Print one line for the person at the terminal; standard output stays free for results."""
    _say(text, over_previous=False)


def _tick(what: str, began: float, over: threading.Event, terminal: bool) -> None:
    if terminal:
        while not over.wait(0.2):
            if _running[-1:] != [what]:
                continue
            sys.stderr.write(f"\r\033[K{what}… {time.monotonic() - began:.0f} s")
            sys.stderr.flush()
        return
    while not over.wait(LOG_EVERY):
        if _running[-1:] == [what]:
            _say(f"{what}… {time.monotonic() - began:.0f} s so far", over_previous=False)


def _say(text: str, *, over_previous: bool) -> None:
    sys.stderr.write(f"\r\033[K{text}\n" if over_previous else f"{text}\n")
    sys.stderr.flush()
