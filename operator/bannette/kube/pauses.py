"""How long to leave a server alone that fails again and again. Pure."""

from __future__ import annotations

from typing import Final

# A power of two has an end, and what fails for days comes to it; by then every pause is the longest.
_DOUBLED: Final = 20


def pause_after(failures: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait after so many *failures* in a row: twice as long each time, *longest* at most."""
    return min(first * 2.0 ** min(failures - 1, _DOUBLED), longest)
