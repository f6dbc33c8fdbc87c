"""What the standard library raises for a ZIP that is damaged: many things, here one."""

from __future__ import annotations

import errno
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

# NotImplementedError: a compression that it doesn't know. RuntimeError: encrypted.
_RAISED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


class DamagedZip(Exception):
    """It can't be read, or not this part of it."""


@contextmanager
def damage_noticed() -> Iterator[None]:
    """Raise DamagedZip for whatever a damaged ZIP makes zipfile raise; let errors of the machine through."""
    try:
        yield
    except _RAISED as error:
        raise DamagedZip from error
    except OSError as error:
        # Offsets before the beginning of the file; bz2's own, for what it can't unpack, have no number.
        if error.errno not in (errno.EINVAL, None):
            raise
        raise DamagedZip from error
