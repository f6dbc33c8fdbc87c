"""The store that a binder lies in: a folder now, an object store by the same few operations."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore

from bannette.binder.durability import LocalFolders
from bannette.binder.layout import STAGING
from bannette.binder.store_errors import AlreadyExists, NotFound, meaning

if TYPE_CHECKING:
    from obstore.store import ObjectStore

LARGE = 64 * 1024 * 1024
_CHUNK = 1024 * 1024
_FAILURES = (BaseError, OSError, NotImplementedError)


@dataclass(frozen=True)
class StorePath:
    """A binder in a folder, which is made if it doesn't exist."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class Meta:
    """One object; size in bytes."""

    key: str
    size: int
    modified_at: datetime


class Store:
    """Whole objects under keys. Every operation that changes a binder is one call of a method here.

    All methods raise PersonNeeded (StoreReadOnly, StoreAccessDenied, NoHardLinks, StoreUnusable, …) and Transient
    (StoreFull, StoreUnavailable). Safe to use from several threads.

    Args:
        objects: any obstore store. An S3Store needs ``copy_if_not_exists="multipart"``.
        large: from this size on, in bytes, a new file goes through a staging key by multipart. Below it, it is held in
            memory, since obstore buffers what it puts only if absent.
    """

    def __init__(self, objects: ObjectStore, *, large: int = LARGE) -> None:
        self._objects = objects
        self._large = large
        prefix = objects.prefix if isinstance(objects, LocalStore) else None
        self._folders = LocalFolders(str(prefix)) if prefix is not None else None

    def get(self, key: str) -> bytes:
        """Raises: NotFound."""
        with _translated(key, writing=False):
            return bytes(obstore.get(self._objects, key).bytes())

    def head(self, key: str) -> Meta | None:
        try:
            with _translated(key, writing=False):
                found = obstore.head(self._objects, key)
        except NotFound:
            return None
        return Meta(key=key, size=found["size"], modified_at=found["last_modified"])

    def put_new(self, key: str, data: bytes | Path) -> None:
        """Put *data* unless *key* exists; of several writers exactly one succeeds. Memory is bounded.

        Raises: AlreadyExists.
        """
        if isinstance(data, Path) and _size(data) >= self._large:
            self._put_new_by_staging(key, data, durable=False)
            return
        with _translated(key, writing=True, creating=True):
            obstore.put(self._objects, key, data, mode="create")

    def put_new_durable(self, key: str, data: bytes) -> None:
        """Like put_new, and the object never exists with other content than *data*, not even after a power failure.

        Raises: AlreadyExists.
        """
        if self._folders is None:
            self.put_new(key, data)
            return
        # A name that reaches the disk before its bytes would be a collected document without a readable record.
        self._put_new_by_staging(key, data, durable=True)
        with _translated(key, writing=True):
            self._folders.make_names_durable([key])

    def put(self, key: str, data: bytes | Path) -> None:
        """Put *data*, whatever the key had; a reader sees the old object or the new one, whole."""
        with _translated(key, writing=True):
            obstore.put(self._objects, key, data)

    def delete(self, key: str) -> None:
        """Delete the object, if there is one."""
        with _translated(key, writing=True), suppress(FileNotFoundError):
            obstore.delete(self._objects, key)

    def list(self, folder: str, *, offset: str | None = None) -> Iterator[Meta]:
        """Yield the objects below *folder*, in any order; those after the key *offset* if given."""
        with _translated(folder, writing=False):
            for chunk in obstore.list(self._objects, folder, offset=offset, chunk_size=1000):
                for found in chunk:
                    yield Meta(key=found["path"], size=found["size"], modified_at=found["last_modified"])

    def holds(self, key: str, data: bytes | Path) -> bool:
        """Whether the object is byte-identical to *data*; reads it in pieces."""
        expected_size = len(data) if isinstance(data, bytes) else _size(data)
        try:
            with _translated(key, writing=False):
                found = obstore.get(self._objects, key)
                return found.meta["size"] == expected_size and all(
                    bytes(there) == here for there, here in _beside(found.stream(min_chunk_size=_CHUNK), data)
                )
        except NotFound:
            return False

    def make_durable(self, keys: Sequence[str]) -> None:
        """Return when these objects survive a power failure. obstore never fsyncs; object stores need nothing."""
        if self._folders is not None:
            with _translated("", writing=True):
                self._folders.make_durable(keys)

    def _put_new_by_staging(self, key: str, data: bytes | Path, *, durable: bool) -> None:
        staged = f"{STAGING}/{uuid.uuid4().hex}"
        try:
            self.put(staged, data)
            if durable and self._folders is not None:
                with _translated(staged, writing=True):
                    self._folders.make_file_durable(staged)
            with _translated(key, writing=True, creating=True):
                obstore.rename(self._objects, staged, key, overwrite=False)
        except BaseException:
            with suppress(*_FAILURES):
                obstore.delete(self._objects, staged)
            raise


def open_store(storage: StorePath) -> Store:
    """Open the store that *storage* describes.

    Raises: PersonNeeded or Transient, as the operations of Store do.
    """
    with _translated("", writing=True):
        folder = storage.path.absolute()
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for path in missing:
            LocalFolders(str(path.parent)).make_folder_durable("")
        return Store(LocalStore(folder))


@contextmanager
def _translated(key: str, *, writing: bool, creating: bool = False) -> Iterator[None]:
    try:
        yield
    except (AlreadyExistsError, PreconditionError):
        raise AlreadyExists(key) from None
    except FileNotFoundError as error:
        raise (meaning(error, writing=True) if writing else NotFound(key)) from error
    except _FAILURES as error:
        raise meaning(error, writing=writing, creating=creating) from error


def _size(path: Path) -> int:
    return path.stat().st_size


def _beside(stream: Iterable[object], data: bytes | Path) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of equally long pieces of *stream* and *data*."""
    if isinstance(data, bytes):
        at = 0
        for piece in stream:
            there = bytes(piece)  # type: ignore[call-overload]
            yield there, data[at : at + len(there)]
            at += len(there)
        return
    with data.open("rb") as file:
        for piece in stream:
            there = bytes(piece)  # type: ignore[call-overload]
            yield there, file.read(len(there))
