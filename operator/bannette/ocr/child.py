"""The child process of one document: ``python -m bannette.ocr.child`` with a Request on standard input.

It is two processes. The worker reads the document, and may be stuck in a library or dead. The guard only watches: it
kills the whole session when the collector is gone (standard input ends, whatever killed it) or when all processes
together hold too much memory, and it inherits the orphans of a worker that died.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import sys
from pathlib import Path

from bannette.ocr import families
from bannette.ocr.reading import Outcome
from bannette.ocr.request import NO_SPACE, Answer, NotRead, Request
from bannette.ocr.thumbnail import add_thumbnail

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY = 0.1  # seconds
_PICTURE_SECONDS = 10
_FILE_BYTES = 2 * 1024**3
# In the collector's stead, should the machine run out of memory.
_OOM_SCORE = "900"
_REASONS = {errno.ENOMEM: "OutOfMemory", errno.ENOSPC: NO_SPACE, errno.EDQUOT: NO_SPACE, errno.EFBIG: "TooLarge"}


def main() -> None:
    """Read one document; the answer is a file, the exit status that of the worker."""
    request = Request.from_line(_read_line(sys.stdin.fileno()))
    Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    guard, deaths = os.getpid(), _hear_of_deaths()
    worker = os.fork()
    if worker == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == guard:
            _work(request)
        os._exit(0)
    _end_like(_watch(worker, deaths, request))


def _hear_of_deaths() -> int:
    """Return a descriptor that can be read when a child of this process has ended."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    return heard


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            sys.exit(0)
        line += piece
    return line


def _work(request: Request) -> None:
    limits = request.limits
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    answer = _read(request)
    try:
        answer.save(request.answer)
        # Only now: what was read mustn't be lost over a picture, though drawing it never ends.
        signal.setitimer(signal.ITIMER_REAL, _PICTURE_SECONDS)
        with_thumbnail = add_thumbnail(request, answer)
        if with_thumbnail is not answer:
            with_thumbnail.save(request.answer)
    except OSError as error:
        os._exit(error.errno or 1)


def _read(request: Request) -> Answer:
    try:
        return families.named(request.family).read(request)
    except NotRead as error:
        return Answer(outcome=error.outcome, reason=error.reason)
    except MemoryError:
        return Answer(outcome=Outcome.FAILED, reason="OutOfMemory")
    except OSError as error:
        return Answer(outcome=Outcome.FAILED, reason=_REASONS.get(error.errno or 0, "EngineFailed"))
    except Exception:  # noqa: BLE001 - the top of a process; what it says may quote the document
        return Answer(outcome=Outcome.FAILED, reason="EngineFailed")


def _watch(worker: int, deaths: int, request: Request) -> int:
    """Return the wait status of *worker* when it has ended; kill the session, this process too, if it must end now."""
    while True:
        ready, _, _ = select.select([sys.stdin, deaths], [], [], _LOOK_EVERY)
        if sys.stdin in ready:
            os.killpg(0, signal.SIGKILL)
        if deaths in ready:
            os.read(deaths, 4096)
        if resident_bytes(os.getpid()) > request.limits.memory_bytes:
            Answer(outcome=Outcome.FAILED, reason="OutOfMemory").save(request.answer)
            os.killpg(0, signal.SIGKILL)
        ended, status = os.waitpid(-1, os.WNOHANG)
        while ended:
            if ended == worker:
                return status
            ended, status = os.waitpid(-1, os.WNOHANG)


def resident_bytes(pid: int) -> int:
    """Sum the resident memory of *pid* and all its descendants; pages that they share count for each."""
    pages, pids = 0, [pid]
    while pids:
        folder = Path(f"/proc/{pids.pop()}")
        try:
            pages += int((folder / "statm").read_bytes().split()[1])
            for children in folder.glob("task/*/children"):
                pids.extend(int(child) for child in children.read_bytes().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * resource.getpagesize()


def _end_like(status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
