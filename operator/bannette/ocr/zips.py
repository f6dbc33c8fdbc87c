"""What the standard library raises for a ZIP that is damaged: many things, here one."""

from __future__ import annotations

import errno
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

# NotImplementedError: a compression that it doesn't know. RuntimeError: encrypted.
_RAISED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)


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
        # Offsets before the beginning of the file.
        if error.errno != errno.EINVAL:
            raise
        raise DamagedZip from error
