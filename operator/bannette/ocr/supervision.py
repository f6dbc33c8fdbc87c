"""One child process per document: started, bounded, ended, and its answer judged.

A document can make a library crash, loop or swallow all memory, and the libraries start processes of their own. So the
child leads a session of its own that is killed as a whole, at the deadline and always at the end; ``child.py`` says
what happens on the other side, and how a killed collector leaves nothing behind.
"""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import bannette
from bannette.errors import Transient
from bannette.ocr import families
from bannette.ocr.detection import Detected
from bannette.ocr.languages import engine_folder
from bannette.ocr.reading import Limits, Outcome, Part, Reading
from bannette.ocr.request import MOST_PART_BYTES, MOST_PARTS, NO_SPACE, Request, load_answer

# The collector itself: interpreter, sign-in, store, and the buffers of a download.
_COLLECTOR_BYTES = 300 * 1024 * 1024
# All that a child gets of the environment; the collector's holds secrets.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "PYTHONDONTWRITEBYTECODE")
_SECONDS_TO_DIE = 5
_LOOK_EVERY_MS = 25

_lock = threading.Lock()
_running: set[int] = set()
_stopped: set[int] = set()


class Stopped(Transient):
    """``stop_all`` ended this reading: nothing is known of the document."""


class _DeadlineReached(Exception):
    """The child still ran at its deadline."""


def read(
    path: Path,
    *,
    detected: Detected,
    languages: tuple[str, ...],
    limits: Limits,
    workspace: Path,
    passwords: tuple[str, ...] = (),
    tessdata: Path | None = None,
    most_parts: int = MOST_PARTS,
    part_bytes: int = MOST_PART_BYTES,
) -> Reading:
    """Read the document *path* in a child process.

    *path* is only read, never changed. The files of the reading lie below *workspace* and belong to the caller; the
    searchable PDF may be a hard link to the original. May be called from several threads at once.

    Args:
        languages: tesseract's names, the main language first.
        passwords: tried on encrypted documents, after the empty one.
        tessdata: the folder of tesseract's models, if it isn't tesseract's own.
        most_parts: how many documents may be taken out of a mail or archive; part_bytes: of how many bytes together.

    Raises:
        Stopped: ``stop_all`` was called meanwhile. A bad document never raises.
        OSError: *path* is gone, the disk is full, no process can be started.
    """
    began = time.monotonic()
    family = families.find(detected.media_type)
    if family is None:
        reason = "UnsupportedType" if path.stat().st_size else "Empty"
        return Reading(outcome=Outcome.UNSUPPORTED, reason=reason, seconds=_since(began))
    if path.stat().st_size > limits.original_bytes:
        return Reading(outcome=Outcome.SKIPPED, reason="TooLarge", seconds=_since(began))
    folder = Path(tempfile.mkdtemp(prefix="reading-", dir=workspace)).absolute()
    request = Request(
        path=path.absolute(),
        media_type=detected.media_type,
        family=family,
        languages=languages,
        limits=limits,
        folder=folder,
        passwords=passwords,
        most_parts=most_parts,
        part_bytes=part_bytes,
    )
    request.scratch.mkdir()
    ended = 0
    try:
        ended = _run(request, deadline=began + limits.seconds, tessdata=tessdata)
        reason = "TimedOut" if ended == -signal.SIGXCPU else "Crashed"
    except _DeadlineReached:
        reason = "TimedOut"
    finally:
        shutil.rmtree(request.scratch, ignore_errors=True)
    answer = load_answer(request.answer)
    request.answer.unlink(missing_ok=True)
    if (answer and answer.reason == NO_SPACE) or (not answer and ended == errno.ENOSPC):
        raise OSError(errno.ENOSPC, "No space left in the workspace of a reading")
    if answer is None:
        return Reading(outcome=Outcome.FAILED, reason=reason, languages=languages, seconds=_since(began))
    return Reading(
        outcome=answer.outcome,
        reason=answer.reason,
        engine=answer.engine,
        languages=languages if answer.outcome is Outcome.RECOGNISED else (),
        pages=answer.pages,
        confidence=answer.confidence,
        words=answer.words,
        unsure_words=answer.unsure_words,
        rotation=answer.rotation,
        seconds=_since(began),
        files={role: folder / name for role, name in answer.files.items()},
        invoice=answer.invoice,
        parts=tuple(Part(index=part.index, name=part.name, path=folder / part.file) for part in answer.parts),
    )


def memory_needed(workers: int, limits: Limits) -> int:
    """Return the bytes that *workers* readings at once and the process that calls them may occupy."""
    return workers * limits.memory_bytes + _COLLECTOR_BYTES


def stop_all() -> None:
    """Kill every running child with all that it started; each ``read`` that waits for one raises Stopped."""
    with _lock:
        _stopped.update(_running)
        for pid in _running:
            _kill_session(pid)


def _run(request: Request, *, deadline: float, tessdata: Path | None) -> int:
    """Run the child to its end and return its exit status, negative for a signal.

    Raises:
        _DeadlineReached: it was killed at *deadline*, a time of the monotonic clock.
        Stopped: ``stop_all`` killed it.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "bannette.ocr.child"],
        # The other end of this pipe closes when this process dies, whatever killed it.
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # Libraries print what they find in documents.
        stderr=subprocess.DEVNULL,
        cwd=request.scratch,
        env=_environment(request, tessdata),
        start_new_session=True,
    )
    with _lock:
        _running.add(process.pid)
    pipe = process.stdin
    assert pipe is not None  # noqa: S101 - PIPE was asked for
    try:
        with suppress(BrokenPipeError):
            pipe.write(request.to_line())
            pipe.flush()
        _wait(process.pid, pipe, deadline=deadline)
    finally:
        with _lock:
            # The child isn't reaped before this, so its number can't be another's by now.
            _kill_session(process.pid)
            status = process.wait()
            _running.discard(process.pid)
            stopped = process.pid in _stopped
            _stopped.discard(process.pid)
        with suppress(BrokenPipeError):
            pipe.close()
        _wait_for_session(process.pid)
    if stopped:
        raise Stopped("The reading of a document was stopped with the run; the next run reads it.", reason="Stopped")
    return status


def _wait(pid: int, pipe: IO[bytes], *, deadline: float) -> None:
    """Wait until process *pid*, which alone reads from *pipe*, has ended, without reaping it."""
    poll = select.poll()
    # For no event but the one that is always told: nobody reads any more.
    poll.register(pipe, 0)
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= deadline:
            raise _DeadlineReached
        if poll.poll(_LOOK_EVERY_MS):
            # It is about to be waited for.
            time.sleep(0.001)


def _wait_for_session(pid: int) -> None:
    """Wait until the killed session *pid* is gone: death takes a moment, and holds memory until then."""
    patience = time.monotonic() + _SECONDS_TO_DIE
    with suppress(ProcessLookupError):
        while time.monotonic() < patience:
            # In a container the collector may be the first process: orphans are its own to bury.
            with suppress(ChildProcessError):
                os.waitpid(-pid, os.WNOHANG)
            os.killpg(pid, 0)
            time.sleep(0.002)


def _kill_session(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _environment(request: Request, tessdata: Path | None) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if tessdata is not None:
        passed_on["TESSDATA_PREFIX"] = str(_with_settings(tessdata, request.scratch / "tessdata"))
    return passed_on | {
        "LC_ALL": "C.UTF-8",
        "HOME": str(request.scratch),
        "TMPDIR": str(request.scratch),
        # Tesseract opens four threads whatever the cores, and takes six times the CPU.
        "OMP_THREAD_LIMIT": "1",
        "PYTHONPATH": str(Path(bannette.__file__).parents[1]),
    }


def _with_settings(tessdata: Path, target: Path) -> Path:
    """Fill the folder *target* with links: the models of *tessdata*, beside the engine's own settings and fonts.

    A folder of models alone isn't enough for tesseract to write a PDF, or to find out how a page lies.
    """
    target.mkdir()
    own = _engine_folder()
    wanted = {path.name: path for path in (own.iterdir() if own else ()) if path.suffix != ".traineddata"}
    wanted |= {path.name: path for path in (own.glob("osd.traineddata") if own else ())}
    wanted |= {path.name: path.absolute() for path in tessdata.iterdir()}
    for name, path in wanted.items():
        (target / name).symlink_to(path)
    return target


_engine_folder = cache(engine_folder)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
