"""What the pages say of their public address when they are asked whether they are ready: written, and read. Pure.

What is wrong is a line of words; None: nothing; empty: not known yet.
"""

from __future__ import annotations

from typing import Final

READY: Final = "ready"


def tell(url: str, trouble: str | None) -> str:
    """Return what pages at *url* say that are ready."""
    if trouble is None:
        trouble = _right(url)
    return f"{READY}\n{trouble}\n" if trouble else f"{READY}\n"


def heard(url: str, said: str) -> str | None:
    """Return what is wrong with *url* by what its pages *said*."""
    trouble = " ".join(said.removeprefix(READY).split())
    return None if trouble == _right(url) else trouble


def _right(url: str) -> str:
    return f"{url} leads here."
