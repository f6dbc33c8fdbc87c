"""Child processes that end with us, whatever happens to us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import DevclusterError

PR_SET_PDEATHSIG = 1
PORTS = range(20_000, 30_000)  # below the ports that the kernel gives to clients, and below NodePorts
_REMEMBERED = 200

_libc = ctypes.CDLL(None, use_errno=True)
# The kernel signals a child when the *thread* that started it ends: this one lives as long as the process.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-starter")
# For each port that this process was given lately, what keeps it from others: see `_is_ours`.
_given: deque[socket.socket] = deque()


@dataclass(frozen=True)
class Process:
    """A running program whose output goes to a file."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, *, patience: float) -> None:
        """Ask it to end, and make it end after *patience* seconds; 0 doesn't ask."""
        if patience and self.running:
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(patience)
        if self.running:
            self.popen.kill()
        self.popen.wait()


def start(
    name: str, command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> Process:
    """Start *command*; it is killed by the kernel when this process ends, even by SIGKILL."""

    def launch() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
                start_new_session=True,  # Ctrl-C is ours to handle
            )

    return Process(name=name, popen=_starter.submit(launch).result(), log=log)


def wait_until(
    condition: Callable[[], bool], *, what: str, seconds: float, needs: Iterable[Process] = (), every: float = 0.05
) -> None:
    """Wait for *condition*, not longer than *seconds*.

    Raises:
        DevclusterError: it did not come true, or one of the processes that it *needs* ended; has the logs' last lines.
    """
    needs = list(needs)
    deadline = time.monotonic() + seconds
    while not condition():
        ended = next((process for process in needs if not process.running), None)
        if ended:
            raise DevclusterError(
                f"{ended.name} ended with exit code {ended.popen.returncode} before {what}; {ended.log} says:\n"
                f"{ended.tail()}"
            )
        if time.monotonic() > deadline:
            logs = "\n".join(f"{process.log} says:\n{process.tail()}" for process in needs)
            raise DevclusterError(f"Waited {seconds:.0f} s in vain: {what}. {logs}".rstrip())
        time.sleep(every)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now, and that nobody who asks here is given while we run.

    Of many, those given first are free to others again. Who doesn't ask here may be faster, so be ready to try again.
    """
    ports: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if not _is_ours(port):
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise DevclusterError(f"No {count} free ports between {PORTS.start} and {PORTS.stop}")


def _is_ours(port: int) -> bool:
    """Take *port* for this process, unless another one has it: by a name of the kernel's that goes with us."""
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0bannette-port-{port}")
    except OSError:
        name.close()
        return False
    _given.append(name)
    # They are files, of which a process may have only so many open.
    while len(_given) > _REMEMBERED:
        _given.popleft().close()
    return True


def _die_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return prepare
