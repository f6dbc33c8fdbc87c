"""What every enumeration of faults of a page has. Pure."""

from __future__ import annotations

from enum import Enum


class PageFault(Enum):
    """A member's value is the name of its texts, and the HTTP status of the answer."""

    @property
    def text(self) -> str:
        return str(self.value[0])

    @property
    def status(self) -> int:
        return int(self.value[1])
