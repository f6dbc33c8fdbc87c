"""Names that people chose, before they stand in a mail: one line, printable, of a bounded length. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 200
# Controls, formats (they turn the direction of what follows, or are invisible), lone surrogates, private use, and the
# separators of lines and paragraphs. The joiner of emoji and of some scripts is harmless.
_UNWANTED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = "\u200c\u200d"


def plain(name: str) -> str:
    """Return *name* so that it can neither end a line nor hide: what isn't printable becomes a blank."""
    kept = "".join(" " if unicodedata.category(sign) in _UNWANTED and sign not in _JOINERS else sign for sign in name)
    words = " ".join(word for word in kept.split(" ") if word)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def plain_header(text: str) -> str:
    """Return *text* for a header: it holds no encoded word (RFC 2047), which a reader or a library would decode."""
    return plain(text).replace("=?", "= ?")
