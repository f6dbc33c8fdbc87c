"""A binder in a folder: plain files, put by link(2), so that of several writers exactly one succeeds.

The operating system is called directly: one document is a dozen operations of some microseconds each, and an
asynchronous store's threads cost more than the work.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from itertools import count
from pathlib import Path

from bannette.binder.durability import LocalFolders
from bannette.binder.layout import STAGING
from bannette.binder.store import Meta, Store
from bannette.binder.store_errors import AlreadyExists, NotFound, meaning_of_os_error

_PIECE = 1024 * 1024
# Names that other writers give to files on their way (obstore's local store does).
_ON_ITS_WAY = re.compile(r"#\d+$")
# On another file system, in another mount, of another user: copied instead.
_NOT_LINKED = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}
_ACCESS_LIST = "system.posix_acl_access"
_MODE = 0o666
_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class FolderStore(Store):
    """The files below *folder*, which exists. Folders are made as needed and never removed."""

    def __init__(self, folder: Path) -> None:
        self._root = str(folder.absolute())
        self._folders = LocalFolders(self._root)
        self._writer = uuid.uuid4().hex
        self._numbers = count()
        self._made_here: tuple[int, int, bool] | None = None

    def get(self, key: str) -> bytes:
        with _reading(key), open(self._path(key), "rb", buffering=0) as file:
            return file.readall()

    def pieces(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with _reading(key), open(self._path(key), "rb", buffering=0) as file:
            file.seek(start)
            while piece := file.read(_PIECE if end is None else min(_PIECE, end - file.tell())):
                yield piece

    def head(self, key: str) -> Meta | None:
        try:
            with _reading(key):
                found = os.stat(self._path(key))
        except NotFound:
            return None
        return _meta(key, found)

    def put_new(self, key: str, data: bytes | Path) -> None:
        if isinstance(data, Path) and self._take_over(key, data):
            return
        self._put(key, data, new=True, durable=False)

    def put_new_durable(self, key: str, data: bytes) -> None:
        # A name that reaches the disk before its bytes would be a collected document without a readable record.
        self._put(key, data, new=True, durable=True)
        with _writing(key):
            self._folders.make_names_durable([key])

    def put(self, key: str, data: bytes | Path) -> None:
        self._put(key, data, new=False, durable=False)

    def delete(self, key: str) -> None:
        with _writing(key), suppress(FileNotFoundError):
            os.unlink(self._path(key))

    def list(self, folder: str, *, offset: str | None = None) -> Iterator[Meta]:
        for key, entry in self._entries(folder):
            if offset is None or key > offset:
                with _reading(key), suppress(FileNotFoundError):
                    yield _meta(key, entry.stat())

    def keys(self, folder: str) -> Iterator[str]:
        for key, _ in self._entries(folder):
            yield key

    def unfinished(self, folder: str) -> Iterator[Meta]:
        for key, entry in self._entries(folder, on_their_way=True):
            with _reading(key), suppress(FileNotFoundError):
                yield _meta(key, entry.stat())

    def holds(self, key: str, data: bytes | Path) -> bool:
        try:
            with _reading(key), open(self._path(key), "rb", buffering=0) as there:
                if isinstance(data, bytes):
                    return os.fstat(there.fileno()).st_size == len(data) and there.readall() == data
                with data.open("rb", buffering=0) as here:
                    if os.fstat(there.fileno()).st_size != os.fstat(here.fileno()).st_size:
                        return False
                    while piece := here.read(_PIECE):
                        if there.read(len(piece)) != piece:
                            return False
                return True
        except NotFound:
            return False

    def make_durable(self, keys: Sequence[str]) -> None:
        with _writing(""):
            self._folders.make_durable(keys)

    def _path(self, key: str) -> str:
        # Keys come from records too, and what stands in a record isn't ours to trust.
        if key.startswith("/") or ".." in key.split("/"):
            raise NotFound(key)
        return f"{self._root}/{key}"

    def _take_over(self, key: str, file: Path) -> bool:
        """Give *file* its second name, *key*; False where the kernel doesn't let it have one."""
        with _writing(key, linking=True):
            try:
                if not self._becomes_as_if_made_here(file):
                    return False
                # Objects are as old as their put, not as their download: what is old may be swept.
                os.utime(file)
                self._name(key, lambda path: os.link(file, path))
            except OSError as error:
                if error.errno not in _NOT_LINKED:
                    raise
                return False
        return True

    def _becomes_as_if_made_here(self, file: Path) -> bool:
        """Let those read *file* who may read what is made in the binder's folder; False if only a copy lets them.

        Such a folder may give its files a group (setgid) or an access list of its own, for those who enter the data.
        """
        mode, group, listed = self._made_here = self._made_here or self._what_is_made_here()
        found = os.stat(file)
        if listed or found.st_gid != group:
            return False
        if stat.S_IMODE(found.st_mode) != mode:
            os.chmod(file, mode)
        return True

    def _what_is_made_here(self) -> tuple[int, int, bool]:
        """The mode and the group of a new file, and whether it has an access list."""
        staged = self._new_staged_name()
        try:
            self._write(staged, b"", durable=False)
            made = os.stat(staged)
            try:
                listed = _ACCESS_LIST in os.listxattr(staged)
            except OSError:  # No file of this file system has any.
                listed = False
            return stat.S_IMODE(made.st_mode), made.st_gid, listed
        finally:
            with suppress(OSError):
                os.unlink(staged)

    def _new_staged_name(self) -> str:
        return f"{self._root}/{STAGING}/{self._writer}-{next(self._numbers)}"

    def _put(self, key: str, data: bytes | Path, *, new: bool, durable: bool) -> None:
        staged = self._new_staged_name()
        try:
            with _writing(key):
                self._write(staged, data, durable=durable)
            with _writing(key, linking=new):
                self._name(key, lambda path: os.link(staged, path) if new else os.replace(staged, path))
        finally:
            with suppress(OSError):
                os.unlink(staged)

    def _write(self, path: str, data: bytes | Path, *, durable: bool) -> None:
        try:
            descriptor = os.open(path, _CREATING, _MODE)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            descriptor = os.open(path, _CREATING, _MODE)
        with open(descriptor, "wb", buffering=0) as target:
            if isinstance(data, bytes):
                _write_whole(target, data)
            else:
                with data.open("rb", buffering=0) as source:
                    while piece := source.read(_PIECE):
                        _write_whole(target, piece)
            if durable:
                os.fsync(descriptor)

    def _name(self, key: str, give: Callable[[str], None]) -> None:
        """Let *give* put a file at the key's path, whose folder is made if it is missing."""
        path = self._path(key)
        try:
            give(path)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            give(path)

    def _entries(self, folder: str, *, on_their_way: bool = False) -> Iterator[tuple[str, os.DirEntry[str]]]:
        waiting = [folder.strip("/")]
        while waiting:
            inside = waiting.pop()
            with _reading(inside), suppress(FileNotFoundError), os.scandir(self._path(inside)) as entries:
                for entry in entries:
                    key = f"{inside}/{entry.name}" if inside else entry.name
                    if entry.is_dir():
                        waiting.append(key)
                    elif bool(_ON_ITS_WAY.search(entry.name)) is on_their_way:
                        yield key, entry


@contextmanager
def _reading(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(key) from error
    except OSError as error:
        raise meaning_of_os_error(error, writing=False) from error


@contextmanager
def _writing(key: str, *, linking: bool = False) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        if linking:
            raise AlreadyExists(key) from None
        raise meaning_of_os_error(error, writing=True) from error
    except OSError as error:
        raise meaning_of_os_error(error, writing=True, linking=linking) from error


def _write_whole(target: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[target.write(rest) :]


def _meta(key: str, found: os.stat_result) -> Meta:
    return Meta(key=key, size=found.st_size, modified_at=datetime.fromtimestamp(found.st_mtime, UTC))
