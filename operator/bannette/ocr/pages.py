"""The text of a document as one file: UTF-8, a form feed between pages."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

# pdfium writes U+FFFE where a word is hyphenated over the end of a line; control characters have no place in text.
# Soft hyphens and spaces of no width would keep words from being found.
_REPLACED = {0xFFFE: "-", 0xFEFF: None, 0xAD: None, 0x200B: None, 0x0C: "\n"} | {
    code: None for code in range(0x20) if code not in b"\t\n\f"
}


def tidy(text: str) -> str:
    """Return the text of one page: composed characters, lines that end with a newline, no control characters."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").translate(_REPLACED)
    return "\n".join(line.rstrip() for line in lines.split("\n")).strip("\n")


def save_text(texts: Sequence[str], path: Path) -> bool:
    """Write *texts*, one of each page, and say whether there is any text in them."""
    tidied = [tidy(text) for text in texts]
    path.write_text("\f".join(tidied) + "\n", encoding="utf-8", errors="replace")
    return any(text.strip() for text in tidied)
