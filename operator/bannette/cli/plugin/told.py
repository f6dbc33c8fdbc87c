"""An error in words that a channel's status has."""

from __future__ import annotations

from bannette.errors import PersonNeeded


class Told(PersonNeeded):
    """Who sees it may read the status anyway, and is to open the addresses in it: they are printed whole."""
