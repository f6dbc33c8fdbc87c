"""Copying one file from a store to another, whole and verified, with bounded memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from pathlib import Path

from bannette.binder.store import Store
from bannette.binder.store_errors import AlreadyExists
from bannette.errors import Transient

_IN_MEMORY = 4 * 1024 * 1024
_LARGE_AT_ONCE = 2


class WrongContent(Exception):
    """The bytes at the source aren't those that its record describes."""


class FileCopies:
    """Copies files from *source* to *destination*; safe to use from several threads.

    Args:
        scratch: a folder for large ones on their way; at most two lie there at a time.
    """

    def __init__(self, source: Store, destination: Store, *, scratch: Path) -> None:
        self._from = source
        self._to = destination
        self._scratch = scratch
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)

    def copy(self, key: str, *, size: int, sha256: str | None) -> None:
        """Copy one object of *size* bytes; what the destination has under *key* isn't it, and is replaced.

        Its name becomes visible after its bytes are durable.

        Raises:
            WrongContent: it hasn't this SHA-256 (hex). NotFound.
            PersonNeeded, Transient: as the stores' operations do; ScratchFull.
        """
        if size <= _IN_MEMORY:
            data = self._from.get(key)
            if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
                raise WrongContent
            try:
                self._to.put_new_durable(key, data)
            except AlreadyExists:
                self._to.put(key, data)
            return
        with self._large, tempfile.NamedTemporaryFile(dir=self._scratch, prefix="copy-") as file:
            hashed = hashlib.sha256()
            pieces = self._from.pieces(key)
            try:
                for piece in pieces:
                    hashed.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            except OSError as error:
                raise Transient(
                    f"The scratch folder can't hold a large file on its way ({os.strerror(error.errno or 0)}): free "
                    "space, or let TMPDIR name a larger folder.",
                    reason="ScratchFull",
                ) from error
            if sha256 is not None and hashed.hexdigest() != sha256:
                raise WrongContent
            try:
                self._to.put_new(key, Path(file.name))
            except AlreadyExists:
                self._to.put(key, Path(file.name))
