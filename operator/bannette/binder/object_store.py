"""A binder in an object store, by obstore. Imported only for a binder that lies in one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from bannette.binder.bucket_errors import FAILURES, is_conflict, is_of_no_object, meaning_of
from bannette.binder.layout import STAGING
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import AlreadyExists, NotFound, unavailable

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import ObjectStore as Objects

LARGE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


class ObjectStore(Store):
    """The objects of a bucket or container.

    Args:
        objects: any obstore store but a local one. An S3Store needs ``copy_if_not_exists="multipart"``.
        large: from this size on, in bytes, a new file goes through a staging key by multipart. Below it, it is held in
            memory, since obstore buffers what it puts only if absent.
    """

    def __init__(self, objects: Objects, *, large: int = LARGE) -> None:
        self._objects = objects
        self._large = large

    def get(self, key: str) -> bytes:
        with _reading(key):
            return bytes(obstore.get(self._objects, key).bytes())

    def pieces(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        part: GetOptions = (
            {} if end is None and not start else {"range": {"offset": start} if end is None else (start, end)}
        )
        with _reading(key):
            for piece in obstore.get(self._objects, key, options=part).stream(min_chunk_size=_CHUNK):
                yield bytes(piece)

    def head(self, key: str) -> Meta | None:
        try:
            with _reading(key):
                found = obstore.head(self._objects, key)
        except NotFound:
            return None
        return Meta(key=key, size=found["size"], modified_at=found["last_modified"])

    def put_new(self, key: str, data: bytes | Path) -> None:
        if isinstance(data, Path) and _size(data) >= self._large:
            self._put_new_by_staging(key, data)
            return
        with self._creating(key):
            obstore.put(self._objects, key, data, mode="create")

    def put_new_durable(self, key: str, data: bytes) -> None:
        self.put_new(key, data)

    def put(self, key: str, data: bytes | Path) -> None:
        with _asking():
            obstore.put(self._objects, key, data)

    def delete(self, key: str) -> None:
        with _asking(), suppress(FileNotFoundError):
            obstore.delete(self._objects, key)

    def list(self, folder: str, *, offset: str | None = None) -> Iterator[Meta]:
        with _asking():
            for chunk in obstore.list(self._objects, folder, offset=offset, chunk_size=1000):
                for found in chunk:
                    yield Meta(key=found["path"], size=found["size"], modified_at=found["last_modified"])

    def holds(self, key: str, data: bytes | Path) -> bool:
        expected_size = len(data) if isinstance(data, bytes) else _size(data)
        try:
            with _reading(key):
                found = obstore.get(self._objects, key)
                return found.meta["size"] == expected_size and all(
                    bytes(there) == here for there, here in _beside(found.stream(min_chunk_size=_CHUNK), data)
                )
        except NotFound:
            return False

    def make_durable(self, keys: Sequence[str]) -> None:
        """What an object store has confirmed is durable."""

    def _put_new_by_staging(self, key: str, data: Path) -> None:
        staged = f"{STAGING}/{uuid.uuid4().hex}"
        try:
            self.put(staged, data)
            with self._creating(key):
                obstore.rename(self._objects, staged, key, overwrite=False)
        except BaseException:
            with suppress(*FAILURES):
                obstore.delete(self._objects, staged)
            raise

    @contextmanager
    def _creating(self, key: str) -> Iterator[None]:
        try:
            yield
        except PreconditionError:
            raise AlreadyExists(key) from None
        except AlreadyExistsError as error:
            if is_conflict(error) and self.head(key) is None:
                raise unavailable("others wrote the same object") from error
            raise AlreadyExists(key) from None
        except FileNotFoundError as error:
            # The answer to a copy was lost, and its repeat found it done.
            if is_of_no_object(error) and self.head(key) is not None:
                raise AlreadyExists(key) from None
            raise meaning_of(error, creating=True) from error
        except FAILURES as error:
            raise meaning_of(error, creating=True) from error


@contextmanager
def _reading(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        if is_of_no_object(error):
            raise NotFound(key) from error
        raise meaning_of(error) from error
    except FAILURES as error:
        raise meaning_of(error) from error


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        raise meaning_of(error) from error


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
