"""Where a binder can lie, and how it is opened there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bannette.binder.durability import LocalFolders
from bannette.binder.folder_store import FolderStore
from bannette.binder.store import Store
from bannette.binder.store_errors import meaning_of_os_error


@dataclass(frozen=True)
class StorePath:
    """A binder in a folder, which is made if it doesn't exist."""

    path: Path


def open_store(storage: StorePath) -> Store:
    """Open the store that *storage* describes.

    Raises: PersonNeeded or Transient, as the operations of Store do.
    """
    try:
        folder = storage.path.absolute()
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            LocalFolders(str(path.parent)).make_folder_durable("")
    except OSError as error:
        raise meaning_of_os_error(error, writing=True) from error
    return FolderStore(folder)
