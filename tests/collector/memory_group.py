"""A control group with a memory limit, whose processes are all killed when they reach it, as a container's are.

Version 2 does that itself (memory.oom.group, which Kubernetes sets for containers). Version 1 kills a single process:
there the limit is the kernel's too, but its killing is turned off, and the test kills the group when the kernel says
that it ran out of memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.collector.local_channel import Ended

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")


class MemoryGroup:
    """One group."""

    def __init__(self, folder: Path, *, kills_itself: bool) -> None:
        self._folder = folder
        self._kills_itself = kills_itself

    def run(self, command: list[str], *, environment: Mapping[str, str], within: float = 300.0) -> Ended:
        """Run *command* in the group until no process is left in it."""
        script = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
        process = subprocess.Popen(
            ["sh", "-c", script, str(self._folder), *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )
        deadline = time.monotonic() + within
        while process.poll() is None:
            assert time.monotonic() < deadline, f"waited {within} s for {command[0]} to end"
            if not self._kills_itself and self._ran_out_of_memory():
                self._kill()
            time.sleep(0.01)
        stdout, stderr = process.communicate(timeout=60)
        while self._processes():
            assert time.monotonic() < deadline, "processes of the group outlived it"
            time.sleep(0.01)
        return Ended(process.returncode, stdout, stderr)

    def _ran_out_of_memory(self) -> bool:
        return "under_oom 1" in (self._folder / "memory.oom_control").read_text()

    def _processes(self) -> list[int]:
        return [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split()]

    def _kill(self) -> None:
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def memory_group(limit: int) -> Iterator[MemoryGroup]:
    """Make a group of at most *limit* bytes; skips the test where none can be made."""
    version_1 = (VERSION_1 / "memory.limit_in_bytes").exists()
    folder = (VERSION_1 if version_1 else VERSION_2) / f"bannette-test-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    try:
        if version_1:
            (folder / "memory.limit_in_bytes").write_text(str(limit))
            (folder / "memory.oom_control").write_text("1")
        elif (folder / "memory.max").exists():
            (folder / "memory.max").write_text(str(limit))
            (folder / "memory.oom.group").write_text("1")
        else:
            pytest.skip("memory isn't limited by control groups here")
        yield MemoryGroup(folder, kills_itself=not version_1)
    finally:
        folder.rmdir()
