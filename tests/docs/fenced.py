"""What the pages show to be typed: the commands of their ``sh`` blocks and sentences, the files of ``yaml`` blocks.

A block of YAML whose first line is ``# name.yaml`` is a file of that name; several of one name are one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"#{1,3} (.+)")
# In a sentence, with what it is about: `kubectl get` alone only names a command.
_IN_PASSING = re.compile(
    r"`(kubectl\s(?:-n\s\S+\s)?(?:get|describe|explain|logs|delete\sjob|collection\s\w+)\s[-\w][^`]*)`"
)
_FILE = re.compile(r"# ([\w.-]+\.ya?ml)(?:[ :].*)?\n")


@dataclass(frozen=True)
class Command:
    """One command of a page, with the section that it stands in."""

    page: str
    section: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


@dataclass
class Page:
    """The commands of a page in their order, and the files that it shows.

    Attributes:
        in_passing: the commands of kubectl that stand in its sentences.
    """

    name: str
    commands: list[Command] = field(default_factory=list)
    in_passing: list[Command] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def of(self, *sections: str) -> list[Command]:
        """Return the commands of these sections; of all without any.

        Raises: LookupError: a section has none.
        """
        empty = [name for name in sections if not any(one.section == name for one in self.commands)]
        if empty:
            raise LookupError(f"{self.name} has no commands below {empty}")
        return [one for one in self.commands if not sections or one.section in sections]


def pages() -> list[Page]:
    """Read the README, the pages of docs/ and those beside the charts and the sources."""
    paths = [
        SOURCE / "README.md",
        SOURCE / "CONTRIBUTING.md",
        SOURCE / "charts/bannette/README.md",
        SOURCE / "charts/bannette-channels/README.md",
        *sorted(SOURCE.glob("docs/*.md")),
    ]
    return [page(path) for path in paths]


def page(path: Path) -> Page:
    """Read one page."""
    name, text = str(path.relative_to(SOURCE)), path.read_text(encoding="utf-8")
    found = Page(name)
    # What begins with # inside a block is no heading.
    sentences = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
    bare = sentences.splitlines()

    def section_of(line: int) -> str:
        return next((heading[1] for before in reversed(bare[:line]) if (heading := _HEADING.match(before))), "")

    for said in _IN_PASSING.finditer(sentences):
        line = sentences.count("\n", 0, said.start()) + 1
        found.in_passing.append(Command(name, section_of(line), line, " ".join(said[1].split())))
    for block in _FENCE.finditer(text):
        language, body = block[1], block[2]
        line = text.count("\n", 0, block.start()) + 2
        if language == "sh":
            for offset, command in commands_in(body):
                found.commands.append(Command(name, section_of(line), line + offset, command))
        named = _FILE.match(body)
        if language == "yaml" and named:
            before = found.files.get(named[1])
            found.files[named[1]] = body if before is None else f"{before}---\n{body}"
    return found


def commands_in(body: str) -> Iterator[tuple[int, str]]:
    """Yield the commands of a block, each with its first line, from 0; one that ends in a backslash goes on."""
    begun: list[str] = []
    first = 0
    for number, line in enumerate(body.splitlines()):
        if not begun and (not line.strip() or line.lstrip().startswith("#")):
            continue
        first = first if begun else number
        begun.append(line)
        if not line.endswith("\\"):
            yield first, "\n".join(begun)
            begun = []
    if begun:
        raise ValueError(f"A command ends in a backslash: {begun[-1]}")
