"""What a browser asks of a channel's page, and what it gets: texts, not yet HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bannette.connect.faults import Stopped
from bannette.web.reasons import in_words

# The cookie that tells one browser from another.
VISITOR: Final = "__Host-visitor"


@dataclass
class Reply:
    """What the browser gets.

    Attributes:
        page: name of the template; empty for a redirect.
        facts: what the template shows.
        location: where a redirect leads.
        cookies: to be set, by name, with the seconds that they last (0: removed; None: while the browser runs).
        form_targets: origins that the page's forms lead to, besides the service.
    """

    page: str = ""
    status: int = 200
    language: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    location: str = ""
    cookies: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    form_targets: tuple[str, ...] = ()
    retry_after: int | None = None


@dataclass(frozen=True)
class Asked:
    """What comes with each request for a channel's page.

    Attributes:
        token: of the link.
        language: that the person chose, or the browser prefers, if the recipient's isn't known.
        visitor: cookie that tells one browser from another; empty at the first page.
        form: what the page's form held against forgery.
    """

    namespace: str
    name: str
    token: str = field(repr=False)
    chosen: str = ""
    preferred: str = "en"
    visitor: str = field(default="", repr=False)
    form: str = field(default="", repr=False)


def refused(stopped: Stopped, language: str, *, again: str = "") -> Reply:
    """Return the page that says what is wrong, and what to do."""
    facts: dict[str, object] = {
        "fault": stopped.fault.text,
        "detail": "" if stopped.fault.is_theirs else stopped.detail,
        "in_words": in_words(language, stopped.reason),
        "admin_link": stopped.admin_link,
        "again": "" if stopped.fault.is_final else again,
    }
    return Reply("fault", stopped.fault.status, language, facts, retry_after=stopped.retry_after)
