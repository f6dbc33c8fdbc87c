"""What the pages say of their public address when they are asked whether they are ready: written, and read. Pure.

What is wrong is a line of words; None: nothing; empty: not known yet.
"""

from __future__ import annotations

from typing import Final

READY: Final = "ready"
# Whatever the address: who reads it may know that by another spelling.
_RIGHT: Final = " leads here."


def tell(url: str, trouble: str | None) -> str:
    """Return what pages at *url* say that are ready."""
    if trouble is None:
        trouble = f"{url}{_RIGHT}"
    return f"{READY}\n{trouble}\n" if trouble else f"{READY}\n"


def heard(said: str) -> str | None:
    """Return what is wrong with the address of pages by what they *said*."""
    trouble = " ".join(said.removeprefix(READY).split())
    return None if trouble.endswith(_RIGHT) else trouble
