"""A document may crash, hang or swallow memory; the collector may be killed. Nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import specimens
from PIL import Image

import bannette
from bannette.ocr import Limits, Outcome, Stopped, memory_needed, stop_all

MIB = 1024 * 1024


def processes_in(folder: Path) -> list[int]:
    """The processes whose working folder is below *folder*, though it is gone."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if str((process / "cwd").readlink()).startswith(str(folder)):
                    found.append(int(process.name))
            except OSError:
                continue
    return sorted(found)


def wait_for(what: str, condition, *, seconds: float = 120):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        threading.Event().wait(0.02)
    return result


def engines_in(folder: Path) -> list[int]:
    """The tesseracts that recognise a page, not those that are asked for their version."""
    found = []
    for pid in processes_in(folder):
        with suppress(OSError):
            if b"tessedit_create_tsv=1" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def child_of(parent: int, folder: Path) -> int:
    """The process in *folder* that *parent* started and that recognises no page."""
    engines = engines_in(folder)
    return next(pid for pid in processes_in(folder) if pid not in engines and parent_of(pid) == parent)


def parent_of(pid: int) -> int:
    # Behind the name, which may hold anything.
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def long_document(tmp_path):
    """A document that takes at least half a minute."""
    page = specimens.picture(specimens.INVOICE * 2, dpi=150)
    page.save(tmp_path / "long.tif", save_all=True, append_images=[page] * 29, dpi=(150, 150))
    return tmp_path / "long.tif"


def test_at_the_deadline_a_document_is_given_up_and_no_process_is_left(tmp_path, read_document, long_document):
    reading = read_document(long_document, limits=Limits(seconds=3))
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.FAILED, "TimedOut", {})
    assert 3 <= reading.seconds < 25
    assert not processes_in(tmp_path)


def test_a_document_that_needs_more_memory_than_allowed_fails_alone(tmp_path, read_document):
    path = tmp_path / "a.png"
    Image.new("RGB", (9_000, 9_000)).save(path)
    reading = read_document(path, limits=Limits(memory_bytes=200 * MIB))
    assert (reading.outcome, reading.reason, reading.files) == (Outcome.FAILED, "OutOfMemory", {})
    assert not processes_in(tmp_path)


def test_all_processes_of_a_document_together_are_bounded(tmp_path, read_document, long_document):
    # Each of worker and tesseract fits; both don't.
    reading = read_document(long_document, limits=Limits(memory_bytes=100 * MIB))
    assert (reading.outcome, reading.reason) == (Outcome.FAILED, "OutOfMemory")
    assert not processes_in(tmp_path)


def _read_in_thread(read_document, path):
    return ThreadPoolExecutor(1).submit(read_document, path)


@pytest.mark.parametrize("victim", ["guard", "worker"])
def test_a_killed_child_is_a_crash_of_that_document(tmp_path, read_document, long_document, victim):
    future = _read_in_thread(read_document, long_document)
    wait_for("tesseract", lambda: engines_in(tmp_path))
    guard = child_of(os.getpid(), tmp_path)
    os.kill(guard if victim == "guard" else child_of(guard, tmp_path), signal.SIGKILL)
    reading = future.result(timeout=120)
    assert (reading.outcome, reading.reason) == (Outcome.FAILED, "Crashed")
    assert not processes_in(tmp_path)


def test_an_engine_that_is_killed_at_the_only_page_is_a_crash_of_that_document(tmp_path, read_document):
    future = _read_in_thread(read_document, specimens.scan_pdf(tmp_path / "a"))

    def killed() -> bool:
        with suppress(ProcessLookupError):
            for engine in engines_in(tmp_path):
                os.kill(engine, signal.SIGSEGV)
                return True
        return False

    wait_for("tesseract", killed)
    reading = future.result(timeout=120)
    assert (reading.outcome, reading.reason) == (Outcome.FAILED, "Crashed")


def test_stopping_the_run_stops_all_readings_and_says_that_nothing_is_known(tmp_path, read_document, long_document):
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(read_document, long_document) for _ in range(2)]
        wait_for("two engines", lambda: len(engines_in(tmp_path)) == 2)
        stop_all()
        for future in futures:
            with pytest.raises(Stopped):
                future.result(timeout=120)
    assert not processes_in(tmp_path)


def test_a_killed_collector_leaves_no_process_behind(tmp_path, long_document):
    code = (
        "import pathlib, sys; from bannette.ocr import *; path = pathlib.Path(sys.argv[1]);"
        "read(path, detected=detect(path), languages=('eng',), limits=Limits(), workspace=path.parent)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(bannette.__file__).parents[1])}
    collector = subprocess.Popen([sys.executable, "-c", code, str(long_document)], cwd="/", env=environment)
    try:
        wait_for("tesseract", lambda: engines_in(tmp_path))
    finally:
        collector.kill()
        collector.wait()
    wait_for("the session to end", lambda: not processes_in(tmp_path))


def test_a_child_gets_no_secret_of_the_environment(tmp_path, monkeypatch, read_document, long_document):
    monkeypatch.setenv("BANNETTE_CLIENT_SECRET", "canary")
    future = _read_in_thread(read_document, long_document)

    def environment_of_an_engine() -> bytes:
        # A page is soon recognised, and its engine gone.
        with suppress(OSError):
            for engine in engines_in(tmp_path):
                return Path(f"/proc/{engine}/environ").read_bytes()
        return b""

    environment = wait_for("tesseract", environment_of_an_engine)
    stop_all()
    assert b"canary" not in environment
    assert b"OMP_THREAD_LIMIT=1" in environment
    with pytest.raises(Stopped):
        future.result(timeout=120)


def test_only_the_results_stay_in_the_workspace(tmp_path, read_document):
    reading = read_document(specimens.scan_pdf(tmp_path / "a.pdf"))
    left = [path for path in (tmp_path / "workspace").rglob("*") if path.is_file()]
    assert sorted(left) == sorted(reading.files.values())


def test_the_package_is_imported_without_the_libraries_that_read_documents():
    heavy = {"pypdfium2", "pikepdf", "ocrmypdf", "pytesseract", "PIL", "magic"}
    code = f"import bannette.ocr, sys; print(sorted({heavy!r} & sys.modules.keys()))"
    environment = os.environ | {"PYTHONPATH": str(Path(bannette.__file__).parents[1])}
    answer = subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True)
    assert answer.stdout == "[]\n"


def test_memory_is_needed_for_each_worker_and_the_collector():
    assert memory_needed(2, Limits(memory_bytes=600 * MIB)) == 1500 * MIB
