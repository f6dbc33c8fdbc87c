"""Bytes of a text file as text: its encoding is seldom told."""

from __future__ import annotations

import codecs

# The longest first: UTF-32 begins as UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT = 4096
_WRONG = "\N{REPLACEMENT CHARACTER}"
# One that means nothing among so many that mean something is an accident.
_RARE = 20
_EXTENDED = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
}
_TEXT_ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "shift_jis", "euc_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr"}
    | {"koi8-r", "koi8-u", "mac-roman", "cp437", "cp850", "iso2022_jp"}
    | {f"iso8859-{number}" for number in range(2, 17)}
    | {f"cp125{number}" for number in range(9)}
)


def decode(data: bytes, *, declared: str | None = None) -> str:
    """Return *data* as text: by its mark, by the encoding that it declares, as UTF-8, else as Windows has it here.

    Never fails: bytes that mean nothing become U+FFFD. A few of them don't make it another encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    for likely in (_known(declared), _utf_16(data), "utf-8"):
        if likely:
            text = data.decode(likely, "replace")
            wrong = text.count(_WRONG)
            # That a text is UTF-8 its longer characters tell; of other encodings, most bytes mean something anywhere.
            meant = (len(data) - len(text)) * 5 if likely == "utf-8" else len(text)
            if wrong == 0 or wrong * _RARE < meant:
                return text
    return data.decode("cp1252", "replace")


def _known(declared: str | None) -> str | None:
    try:
        name = codecs.lookup(declared).name if declared else None
    except (LookupError, ValueError):
        return None
    # What declares itself Latin-1 means Windows' extension of it, and so on (WHATWG, Encoding). Not all make text.
    return _EXTENDED.get(name or "", name) if name in _TEXT_ENCODINGS or name in _EXTENDED else None


def _utf_16(data: bytes) -> str | None:
    """Tell UTF-16 without a mark by the zeros in every second place."""
    head = data[:_LOOKED_AT]
    if len(head) < 4 or len(data) % 2:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) > len(head) // 20 or max(even, odd) < len(head) // 4:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
