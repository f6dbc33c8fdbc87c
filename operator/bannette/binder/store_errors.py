"""What the store's errors mean to the caller: a person is needed, or repeating may help."""

from __future__ import annotations

import errno
import os
import re

from obstore.exceptions import NotSupportedError, PermissionDeniedError, UnauthenticatedError

from bannette.errors import BannetteError, PersonNeeded, Transient

# obstore keeps the number of the operating system's error in the text only.
_OS_CODE = re.compile(r"\bcode: (\d+)|\(os error (\d+)\)")
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


def os_code(error: Exception) -> int | None:
    """The operating system's error number, if there is one behind *error*."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _OS_CODE.search(str(error))
    return int(found[1] or found[2]) if found else None


def meaning(error: Exception, *, writing: bool, creating: bool = False) -> BannetteError:
    """Return what *error* of obstore or of the operating system means.

    *creating*: the call was a put-if-absent, which on a local store ends with link(2).
    """
    code = os_code(error)
    cause = os.strerror(code) if code is not None else type(error).__name__
    linking = "UnableToRenameFile" in str(error) or "UnableToCopyFile" in str(error)
    if creating and linking and code in _NO_LINK:
        return PersonNeeded(
            f"The binder's file system has no hard links ({cause}), so a document could be collected twice: use a "
            "volume that has them (ext4, XFS, NFS), or an object store.",
            reason="NoHardLinks",
        )
    if creating and isinstance(error, NotSupportedError | NotImplementedError):
        return PersonNeeded(
            "The binder's store can't put an object only if it is absent, so a document could be collected twice: "
            "use another store.",
            reason="NoConditionalPut",
        )
    if code in _FULL:
        return Transient(
            f"The binder's store is full ({cause}): free space or enlarge it; what was collected is safe.",
            reason="StoreFull",
        )
    if code == errno.EFBIG:
        return PersonNeeded(
            f"A document is larger than the binder's store takes ({cause}): use a store that takes larger files, or "
            "raise the limit on file sizes.",
            reason="StoreRefusesSize",
        )
    if code in _READ_ONLY and writing:
        return PersonNeeded(
            f"The binder's folder can't be written ({cause}): mount it writable, and let the user or group that the "
            "collector runs as (65532 in Kubernetes) own it.",
            reason="StoreReadOnly",
        )
    if code in _READ_ONLY or isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return PersonNeeded(
            f"The binder's store refuses access ({cause}): give the collector's user or credentials the right to read "
            "and write it.",
            reason="StoreAccessDenied",
        )
    if code in _IN_THE_WAY:
        return PersonNeeded(
            f"Something that isn't Bannette's lies in the binder where a folder or file belongs ({cause}): move it "
            "elsewhere.",
            reason="StoreUnusable",
        )
    return Transient(f"The binder's store doesn't answer as it should ({cause}).", reason="StoreUnavailable")
