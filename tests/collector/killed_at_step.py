"""``bannette`` in a process that kills itself before its n-th operation on the binder's store, and tells what it did.

Usage: python killed_at_step.py N LOG ARGUMENTS-OF-BANNETTE…; N beyond the last operation: it isn't killed.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from bannette.binder.folder_store import FolderStore
from bannette.cli.main import main

OPERATIONS = ("get", "head", "put_new", "put_new_durable", "put", "delete", "make_durable", "_write", "_name")
_lock = threading.Lock()
_done = 0


def counted(name, original, *, kill_at, log):
    def operation(self, *arguments, **options):
        global _done
        with _lock:
            if _done == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            _done += 1
            os.write(log, f"{name} {arguments[0] if arguments else ''}\n".encode())
        return original(self, *arguments, **options)

    return operation


if __name__ == "__main__":
    kill_at, log = int(sys.argv[1]), os.open(Path(sys.argv[2]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for name in OPERATIONS:
        setattr(FolderStore, name, counted(name, getattr(FolderStore, name), kill_at=kill_at, log=log))
    sys.exit(main(sys.argv[3:]))
