"""How commands print: tables for people, JSON and YAML for programs."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence

# Controls of a terminal, and what turns the direction of writing, that JSON lets stand in a string as they are.
_CONTROLS = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def print_data(data: object, form: str) -> None:
    """Print *data* as ``json`` or ``yaml``."""
    if form == "yaml":
        import yaml

        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        print(yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True), end="")
    else:
        text = json.dumps(data, ensure_ascii=False, indent=2)
        print(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns under their heads, as wide as they must be."""
    lines = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        print("   ".join(cells).rstrip())


def print_members(members: Mapping[str, object]) -> None:
    """Print names and values, one a line; what has no value is left out."""
    shown = {name: plain(str(value)) for name, value in members.items() if value not in (None, "")}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        print(f"{name + ':':<{width + 1}}  {value}")


def size_text(size: int) -> str:
    """Return *size* in bytes as a person reads it."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{size} B"


def plain(text: str) -> str:
    """Names come from outside: no control character, and nothing that turns the direction of writing, is printed."""
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") else letter for letter in text)


def _width(text: str) -> int:
    """How many columns of a terminal *text* takes."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
