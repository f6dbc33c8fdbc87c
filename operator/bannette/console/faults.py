"""What can keep the console from doing what was asked, and what it says then. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bannette.web.faults import PageFault


class Fault(PageFault):
    """Each has its texts, ``fault_<value>`` and ``todo_<value>``, in every language, and the answer's HTTP status."""

    # name of its texts, HTTP status
    NO_PAGE = "no_page", 404
    METHOD = "method", 405
    REQUEST = "request", 400
    TOO_LARGE = "too_large", 413
    FORM = "form", 403
    HEADERS = "headers", 400
    FORBIDDEN = "forbidden", 403
    NOT_FOUND = "not_found", 404
    CONFLICT = "conflict", 409
    UNREADABLE = "unreadable", 422
    UNAVAILABLE = "unavailable", 503
    BUG = "bug", 500


@dataclass(eq=False)
class Stopped(Exception):
    """A request that can't be answered as it was meant; *detail*: what the API server said, in its own words."""

    fault: Fault
    detail: str = ""


class SignedOut(Exception):
    """Nobody is signed in, or not any more."""


@dataclass(eq=False)
class Invalid(Exception):
    """The API server doesn't accept an object; *complaints*: what it says, by the fields' paths."""

    complaints: Mapping[str, str] = field(default_factory=dict)
