"""What a store's errors mean to the caller: a person is needed, or repeating may help."""

from __future__ import annotations

import errno
import os

from bannette.errors import BannetteError, PersonNeeded, Transient

_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_LINK = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP}


class AlreadyExists(BannetteError):
    """The key has an object: somebody was first."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} exists in the binder already.", reason="AlreadyExists")
        self.key = key


class NotFound(BannetteError):
    """The key has no object."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} doesn't exist in the binder.", reason="NotFound")
        self.key = key


def meaning_of_os_error(error: OSError, *, writing: bool, linking: bool = False) -> BannetteError:
    """Return what *error* means for a binder in a folder; *linking*: it is link(2)'s."""
    code = error.errno
    cause = os.strerror(code) if code is not None else type(error).__name__
    if linking and code in _NO_LINK:
        return PersonNeeded(
            f"The binder's file system has no hard links ({cause}), so a document could be collected twice: use a "
            "volume that has them (ext4, XFS, NFS), or an object store.",
            reason="NoHardLinks",
        )
    if code in _FULL:
        return store_full(cause)
    if code == errno.EFBIG:
        return refuses_size(cause)
    if code in _READ_ONLY and writing:
        return PersonNeeded(
            f"The binder's folder can't be written ({cause}): mount it writable, and let the user or group that the "
            "collector runs as (65532 in Kubernetes) own it.",
            reason="StoreReadOnly",
        )
    if code in _READ_ONLY:
        return access_denied(cause)
    if code in _IN_THE_WAY:
        return PersonNeeded(
            f"Something that isn't Bannette's lies in the binder where a folder or file belongs ({cause}): move it "
            "elsewhere.",
            reason="StoreUnusable",
        )
    return unavailable(cause)


def store_full(cause: str) -> Transient:
    return Transient(
        f"The binder's store is full ({cause}): free space or enlarge it; what was collected is safe.",
        reason="StoreFull",
    )


def refuses_size(cause: str) -> PersonNeeded:
    return PersonNeeded(
        f"A document is larger than the binder's store takes ({cause}): use a store that takes larger files, or raise "
        "the limit on file sizes.",
        reason="StoreRefusesSize",
    )


def access_denied(cause: str) -> PersonNeeded:
    return PersonNeeded(
        f"The binder's store refuses access ({cause}): give the collector's user or credentials the right to read "
        "and write it.",
        reason="StoreAccessDenied",
    )


def unavailable(cause: str) -> Transient:
    return Transient(f"The binder's store doesn't answer as it should ({cause}).", reason="StoreUnavailable")
