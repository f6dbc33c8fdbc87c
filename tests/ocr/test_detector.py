"""Types are found out in a child process, whose end is nobody else's."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bannette.ocr import UNKNOWN, Detected, Detector, Stopped, detect, detector


@pytest.fixture
def asked():
    asked = Detector()
    yield asked
    asked.close()


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text("Facture n° 1\n" * 20)
    return path


def child_of(asked):
    return asked._child.pid


def test_it_says_what_the_library_says(asked, text, tmp_path):
    pdf, empty = tmp_path / "-pdf.txt", tmp_path / "empty"
    pdf.write_bytes(b"\xef\xbb\xbf%PDF-1.7\n")
    empty.touch()
    assert asked.detect(pdf) == Detected("application/pdf", "pdf")
    assert asked._child is None  # no process for what takes no library
    assert asked.detect(text) == detect(text) == Detected("text/plain", "txt")
    child = child_of(asked)
    assert asked.detect(empty).media_type == "inode/x-empty"
    assert child_of(asked) == child


def test_a_file_that_is_not_there_is_an_error_of_the_caller(asked, tmp_path):
    with pytest.raises(FileNotFoundError):
        asked.detect(tmp_path / "gone")


def test_a_child_that_died_is_followed_by_another(asked, text):
    asked.detect(text)
    os.kill(child_of(asked), signal.SIGKILL)
    assert asked.detect(text) == Detected("text/plain", "txt")


def test_a_file_on_which_the_child_never_ends_has_no_type_and_the_next_one_has(asked, text, tmp_path, monkeypatch):
    """A pipe stands for a file that is never read to its end."""
    monkeypatch.setattr(detector, "_PATIENCE", 0.5)
    monkeypatch.setattr(detector, "detect_pdf", lambda path: None)  # the caller's own look would wait as well
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert asked.detect(pipe) == UNKNOWN
    monkeypatch.setattr(detector, "_PATIENCE", 120.0)
    assert asked.detect(text) == Detected("text/plain", "txt")


def test_its_end_does_not_wait_for_a_file_on_which_the_child_never_ends(text, tmp_path, monkeypatch):
    """A run that is told to end has seconds. What was asked then has no type, and so isn't delivered under a wrong one.

    A pipe stands for a file that is never read to its end.
    """
    monkeypatch.setattr(detector, "detect_pdf", lambda path: None)
    monkeypatch.setattr(detector, "_PATIENCE", 3600.0)
    asked = Detector()
    asked.detect(text)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(3) as others:
        answers = [others.submit(asked.detect, pipe) for _ in range(3)]
        # Opened to be read by the child: now it hangs.
        writing = os.open(pipe, os.O_WRONLY)
        asked.close()
        for answer in answers:
            with pytest.raises(Stopped):
                answer.result(timeout=120)
        os.close(writing)


def test_the_child_ends_with_its_caller_and_sees_none_of_its_environment(asked, text, monkeypatch):
    monkeypatch.setenv("SECRET", "canary")
    asked.detect(text)
    child = child_of(asked)
    assert b"canary" not in Path(f"/proc/{child}/environ").read_bytes()
    asked._child.stdin.close()  # as the kernel does when the caller dies
    deadline = time.monotonic() + 60
    while asked._child.poll() is None:
        assert time.monotonic() < deadline, "the child outlives its caller"
        time.sleep(0.01)
    asked._child = None
