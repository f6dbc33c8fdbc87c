"""Making files and folders survive a power failure (fsync), without asking twice for the same folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence

# File systems that can't sync a folder say so in one of these ways; they have nothing to sync then.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP}
# Deeper folders belong to one document each: remembering them would only cost memory.
_REMEMBERED_DEPTH = 3


class LocalFolders:
    """The folders below *root*, and which of them are known to exist durably. Folders are never removed."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._durable = {""}

    def make_durable(self, keys: Sequence[str]) -> None:
        """Sync the files, and their names.

        Raises: OSError.
        """
        for key in keys:
            self.make_file_durable(key)
        self.make_names_durable(keys)

    def make_names_durable(self, keys: Iterable[str]) -> None:
        """Sync the folders that hold these files, and every folder above that may be new."""
        folders: set[str] = set()
        for key in keys:
            folder = key
            known = False
            while folder and not known:
                folder = folder.rpartition("/")[0]
                folders.add(folder)
                known = folder in self._durable
        for folder in sorted(folders, key=len, reverse=True):
            self.make_folder_durable(folder)
        self._durable.update(folder for folder in folders if folder.count("/") < _REMEMBERED_DEPTH - 1)

    def make_file_durable(self, key: str) -> None:
        self._sync(key, 0)

    def make_folder_durable(self, folder: str) -> None:
        try:
            self._sync(folder, os.O_DIRECTORY)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise

    def _sync(self, name: str, flags: int) -> None:
        descriptor = os.open(f"{self._root}/{name}", os.O_RDONLY | os.O_CLOEXEC | flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
