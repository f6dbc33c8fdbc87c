"""What the collector asks of a child, and what the child answers: one line of JSON there, one file back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bannette.ocr.reading import Limits, Outcome

# Nothing that the document can be blamed for.
NO_SPACE = "NoSpace"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One document to read.

    Attributes:
        folder: the child's own; what shall stay is written here.
        passwords: on the pipe only, never in a file or an argument.
    """

    path: Path
    media_type: str
    languages: tuple[str, ...]
    limits: Limits
    folder: Path
    passwords: tuple[str, ...] = ()

    @property
    def scratch(self) -> Path:
        """A folder that is removed with all its contents when the child has ended."""
        return self.folder / "scratch"

    @property
    def answer(self) -> Path:
        """Where the answer appears, whole or not at all."""
        return self.folder / "answer.json"

    def to_line(self) -> bytes:
        """Return the request as one line."""
        fields = asdict(self) | {"path": str(self.path), "folder": str(self.folder)}
        return json.dumps(fields).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Request:
        """Read the request back."""
        fields = json.loads(line)
        return cls(
            path=Path(fields["path"]),
            media_type=fields["media_type"],
            languages=tuple(fields["languages"]),
            limits=Limits(**fields["limits"]),
            folder=Path(fields["folder"]),
            passwords=tuple(fields["passwords"]),
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a child found.

    Attributes:
        files: file names in the request's folder, by role.
    """

    outcome: Outcome
    reason: str | None = None
    engine: str | None = None
    pages: int = 0
    confidence: float | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the answer, whole or not at all."""
        beside = path.with_suffix(".tmp")
        beside.write_text(json.dumps(asdict(self)), encoding="utf-8")
        beside.replace(path)


class NotRead(Exception):
    """The document can't be read, or may not be; raised by a family.

    Attributes:
        outcome: Failed, Skipped or NeedsPassword.
        reason: one CamelCase word.
    """

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


def load_answer(path: Path) -> Answer | None:
    """Return the answer at *path*, or None when there is none."""
    if not path.exists():
        return None
    fields = json.loads(path.read_bytes())
    return Answer(**fields | {"outcome": Outcome(fields["outcome"])})
