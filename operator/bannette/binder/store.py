"""The store that a binder lies in: whole objects under keys, by the few operations that every kind of store has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Meta:
    """One object; size in bytes."""

    key: str
    size: int
    modified_at: datetime


class Store(ABC):
    """Whole objects under keys. Every operation that changes a binder is one call of a method here.

    All methods raise PersonNeeded (StoreReadOnly, StoreAccessDenied, NoHardLinks, StoreUnusable, …) and Transient
    (StoreFull, StoreUnavailable). Safe to use from several threads.
    """

    @abstractmethod
    def get(self, key: str) -> bytes:
        """Raises: NotFound."""

    @abstractmethod
    def pieces(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the object's bytes in order, about 1 MB at a time; from *start* up to *end*, which isn't empty.

        Raises: NotFound.
        """

    @abstractmethod
    def head(self, key: str) -> Meta | None:
        """Return what is known of the object without reading it; None if there is none."""

    @abstractmethod
    def put_new(self, key: str, data: bytes | Path) -> None:
        """Put *data* unless *key* exists; of several writers exactly one succeeds. Memory is bounded.

        A file may be taken over as it is: it must not be changed in place afterwards, only removed.

        Raises: AlreadyExists.
        """

    @abstractmethod
    def put_new_durable(self, key: str, data: bytes) -> None:
        """Like put_new, and the object never exists with other content than *data*, not even after a power failure.

        Raises: AlreadyExists.
        """

    @abstractmethod
    def put(self, key: str, data: bytes | Path) -> None:
        """Put *data*, whatever the key had; a reader sees the old object or the new one, whole."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete the object, if there is one."""

    @abstractmethod
    def list(self, folder: str, *, offset: str | None = None) -> Iterator[Meta]:
        """Yield the objects below *folder*, in any order; those after the key *offset* if given."""

    def keys(self, folder: str) -> Iterator[str]:
        """Yield the keys below *folder*, in any order: what a listing costs least for."""
        for found in self.list(folder):
            yield found.key

    def unfinished(self, folder: str) -> Iterator[Meta]:
        """Yield what killed writers were writing below *folder*, and what no listing shows."""
        return iter(())

    @abstractmethod
    def holds(self, key: str, data: bytes | Path) -> bool:
        """Whether the object is byte-identical to *data*; reads it in pieces."""

    @abstractmethod
    def make_durable(self, keys: Sequence[str]) -> None:
        """Return when these objects survive a power failure."""
