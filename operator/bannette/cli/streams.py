"""The standard streams of a command: closed ones, and an output that can't be written."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Final

_REFUSED: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def open_closed() -> None:
    """Give a process that was started without standard streams (``>&-``) some, so that no file takes their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is the one that is missing.
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - open as long as the process


def output_fault(error: Exception) -> str | None:
    """Return why standard output can't be written if that is what *error* says; None if it says something else."""
    if not isinstance(error, OSError) or error.errno not in _REFUSED or error.filename is not None:
        return None
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    # Commands write nothing but their output by themselves: files and stores have their own words for such errors.
    if trace is None or Path(trace.tb_frame.f_code.co_filename).parent != Path(__file__).parent:
        return None
    return os.strerror(error.errno)


def drop_output() -> None:
    """Let go of what still waits to be written, so that the end of the process doesn't try it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
