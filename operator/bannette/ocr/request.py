"""What the collector asks of a child, and what the child answers: one line of JSON there, one file back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bannette.ocr.invoice import Invoice
from bannette.ocr.reading import Limits, Outcome

# Nothing that the document can be blamed for.
NO_SPACE = "NoSpace"
#: Of one mail or archive, those inside it counted.
MOST_PARTS = 500
MOST_PART_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Request:
    """One document to read.

    Attributes:
        family: the name of the module that reads it: to find it by the type would import them all.
        folder: the child's own; what shall stay is written here.
        passwords: on the pipe only, never in a file or an argument.
        most_parts: how many documents may be taken out of a mail or archive; part_bytes: of how many bytes together.
    """

    path: Path
    media_type: str
    family: str
    languages: tuple[str, ...]
    limits: Limits
    folder: Path
    passwords: tuple[str, ...] = ()
    most_parts: int = MOST_PARTS
    part_bytes: int = MOST_PART_BYTES

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
            family=fields["family"],
            languages=tuple(fields["languages"]),
            limits=Limits(**fields["limits"]),
            folder=Path(fields["folder"]),
            passwords=tuple(fields["passwords"]),
            most_parts=fields["most_parts"],
            part_bytes=fields["part_bytes"],
        )


@dataclass(frozen=True, kw_only=True)
class PartFile:
    """A file that was taken out of a mail or archive.

    Attributes:
        index: its place among the parts, from 0, those counted that weren't taken out.
        name: as the mail or archive has it; never part of a path.
        file: its file name in the request's folder.
    """

    index: int
    name: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a child found; the members are those of a Reading.

    Attributes:
        files: file names in the request's folder, by role.
    """

    outcome: Outcome
    reason: str | None = None
    engine: str | None = None
    pages: int = 0
    confidence: float | None = None
    words: int | None = None
    unsure_words: int | None = None
    rotation: Mapping[int, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    invoice: Invoice | None = None
    parts: tuple[PartFile, ...] = ()

    def with_file(self, role: str, name: str) -> Answer:
        """Return this answer with one more file."""
        return replace(self, files={**self.files, role: name})

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
    invoice = fields["invoice"]
    return Answer(
        **fields
        | {
            "outcome": Outcome(fields["outcome"]),
            # JSON has no numbers as names.
            "rotation": {int(page): degrees for page, degrees in fields["rotation"].items()},
            "invoice": Invoice(**invoice) if invoice else None,
            "parts": tuple(PartFile(**part) for part in fields["parts"]),
        }
    )
