"""Runs of the real ``bannette``, each in a process forked from one that has imported everything.

A run costs a few milliseconds more than its work, so that tests afford thousands, and it is a process like any other:
it can be killed by SIGKILL anywhere, and what it leaves is what a killed process leaves.
"""

from __future__ import annotations

import builtins
import errno
import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Seconds that a run may take.
LONGEST = 120
#: What a run loads by and by.
LOADED = (
    "bannette.cli.main",
    "bannette.cli.collect",
    "bannette.binder",
    "bannette.onedrive",
    "msal",
    "obstore",
    "yaml",
)
#: What is done to the binder's folder, parts of it as well.
OPERATIONS = ("get", "head", "put_new", "put_new_durable", "put", "delete", "make_durable", "_write", "_name")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run.

    Attributes:
        kill_at: SIGKILL before the n-th line of the binder's code that it executes, in whichever thread.
        kill_at_operation: SIGKILL before the n-th operation on the binder's folder…
        operations: …a file that tells those that were begun, one a line.
        fail_at: from the n-th system call on the binder's files on, *failures* of them fail…
        error: …with this error number.
        patience: seconds for which a document waits for another one with the same bytes that seems under way.
    """

    arguments: list[str]
    environment: Mapping[str, str]
    output: str
    binder: str
    kill_at: int | None = None
    kill_at_operation: int | None = None
    operations: str | None = None
    fail_at: int | None = None
    failures: int = 1
    error: int = errno.EIO
    patience: float = 0.2


@dataclass(frozen=True)
class Ended:
    """How a run ended; *code* is negative for a signal."""

    code: int
    stdout: str
    stderr: str

    @property
    def entry(self) -> dict[str, object]:
        return json.loads(self.stdout.splitlines()[-1])


class Nursery:
    """The process that forks, while the context is entered."""

    def __enter__(self) -> Nursery:
        paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def run(self, *orders: Order) -> list[Ended]:
        """Do these runs at the same time; return when all have ended."""
        self._process.stdin.write(json.dumps([asdict(order) for order in orders]) + "\n")
        self._process.stdin.flush()
        codes = json.loads(self._process.stdout.readline())
        return [
            Ended(code, Path(f"{order.output}.out").read_text(), Path(f"{order.output}.err").read_text())
            for code, order in zip(codes, orders, strict=True)
        ]


def main() -> None:
    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        children = [_fork(Order(**order)) for order in json.loads(line)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps(codes), flush=True)


def _fork(order: Order) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _run(order)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return child


def _run(order: Order) -> int:
    from bannette.binder import Binder
    from bannette.cli.main import main as bannette

    # A run that hangs ends by a signal that nobody expects.
    signal.alarm(LONGEST)
    os.environ.update(order.environment)
    for descriptor, ending in ((1, "out"), (2, "err")):
        file = os.open(f"{order.output}.{ending}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, descriptor)
    Binder.open = partial(Binder.open, patience=order.patience)
    if order.kill_at is not None:
        _kill_at(order.kill_at)
    if order.operations is not None:
        _kill_at_operation(order.kill_at_operation, Path(order.operations))
    if order.fail_at is not None:
        _fail_at(order)
    return bannette(order.arguments)


def _kill_at(line: int) -> None:
    lines = itertools.count()
    binder = str(Path("bannette", "binder")) + os.sep

    def inside(frame, event, argument):
        if event == "line" and next(lines) == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return inside

    def anywhere(frame, event, argument):
        return inside if binder in frame.f_code.co_filename else None

    threading.settrace(anywhere)
    sys.settrace(anywhere)


def _kill_at_operation(kill_at: int | None, told: Path) -> None:
    from bannette.binder.folder_store import FolderStore

    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    begun, one_at_a_time = itertools.count(), threading.Lock()

    def told_before(name, original):
        def operation(self, *arguments, **options):
            with one_at_a_time:
                if next(begun) == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                os.write(log, f"{name} {arguments[0] if arguments else ''}\n".encode())
            return original(self, *arguments, **options)

        return operation

    for name in OPERATIONS:
        setattr(FolderStore, name, told_before(name, getattr(FolderStore, name)))


def _fail_at(order: Order) -> None:
    """Let calls of the operating system fail. Python says of most of them beforehand that they come."""
    calls = itertools.count()
    failing = range(order.fail_at or 0, (order.fail_at or 0) + order.failures)
    folder = order.binder + os.sep

    def called(path: object) -> None:
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(folder) and next(calls) in failing:
            raise OSError(order.error, os.strerror(order.error))

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.remove", "os.scandir", "os.mkdir"):
            called(arguments[0])
        elif event in ("os.link", "os.rename"):
            called(arguments[1])

    def synced(descriptor: int, sync=os.fsync) -> None:
        called(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    def looked(path, *arguments, stat=os.stat, **options):
        called(path)
        return stat(path, *arguments, **options)

    os.fsync, os.stat = synced, looked
    sys.addaudithook(heard)


if __name__ == "__main__":
    # The parent's pipe is for the answers alone.
    answers = os.fdopen(os.dup(1), "w")
    builtins.print = partial(print, file=answers)
    main()
