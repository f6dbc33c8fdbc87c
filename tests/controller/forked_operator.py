"""Operators as processes that are forked from one that has imported what they run.

The import is most of what a start of the operator costs, and tests start hundreds. A forked operator is a process like
any other: it has its own number, and can be stopped and killed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["bannette.controller.run"])


class ForkedOperator:
    """An operator that was started so; its members are those of ``subprocess.Popen``.

    Args:
        arguments: those of the command.
        environment: the whole of it, but for what the loader reads (LD_PRELOAD). log: where its output goes.
    """

    def __init__(self, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        log.write_bytes(b"")
        # Of two threads that ask at once how it ended, one would be told nothing.
        self._asking = threading.Lock()
        self._process = _FORKS.Process(target=_operate, args=(list(arguments), dict(environment), log), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        with self._asking:
            return self._process.exitcode

    def wait(self, seconds: float) -> int:
        with self._asking:
            self._process.join(seconds)
            code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("the operator", seconds)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        # It may have ended since it was asked whether it had.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _operate(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    for descriptor in (sys.__stdout__, sys.__stderr__):
        assert descriptor is not None
        os.dup2(output, descriptor.fileno())
    from bannette.controller import main

    sys.exit(main(arguments))
