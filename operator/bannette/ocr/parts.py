"""Documents that are taken out of a mail or an archive: into the request's folder, as many and as large as allowed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from bannette.ocr.request import PartFile, Request

# What is left of the scratch space for all that comes later.
_SHARE_OF_FREE = 4
_LONGEST_NAME = 400


class Parts:
    """Collects the parts of one document.

    Attributes:
        missing: at least one wasn't taken out, whatever the reason.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        free = shutil.disk_usage(request.folder).free // _SHARE_OF_FREE
        self._bytes_left = min(request.part_bytes, free)
        self._files: list[PartFile] = []
        self.missing = False

    @property
    def files(self) -> tuple[PartFile, ...]:
        return tuple(self._files)

    def add(self, index: int, name: str, pieces: Iterable[bytes]) -> None:
        """Write a part; one that is too many, empty or too large is left out.

        Args:
            index: its place among all parts of the document, from 0; it becomes part of its id.
            name: as it is written there.
        """
        if len(self._files) >= self._request.most_parts:
            self.missing = True
            return
        file = f"part-{index}"
        path, size = self._request.folder / file, 0
        try:
            with path.open("wb") as target:
                for piece in pieces:
                    size += len(piece)
                    if size > self._bytes_left:
                        break
                    target.write(piece)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        if size > self._bytes_left or not size:
            path.unlink()
            self.missing = self.missing or size > 0
            return
        self._bytes_left -= size
        self._files.append(PartFile(index=index, name=name[:_LONGEST_NAME], file=file))
