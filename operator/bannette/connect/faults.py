"""What can keep a page from doing what was asked, and what it says then. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bannette.errors import BannetteError, Transient
from bannette.web.faults import PageFault

_LATER: Final = 30


class Fault(PageFault):
    """Each has its texts, ``fault_<value>`` and the like, in every language; its number is the answer's HTTP status."""

    # name of its texts, HTTP status
    NO_PAGE = "no_page", 404
    METHOD = "method", 405
    REQUEST = "request", 400
    TOO_LARGE = "too_large", 413
    LINK_FORGED = "link_forged", 403
    LINK_EXPIRED = "link_expired", 410
    CHANNEL_GONE = "channel_gone", 404
    NOTHING_TO_CONNECT = "nothing_to_connect", 409
    NOT_READY = "not_ready", 503
    FORM = "form", 403
    VISIT_FOREIGN = "visit_foreign", 400
    VISIT_USED = "visit_used", 410
    VISIT_EXPIRED = "visit_expired", 410
    DISCONNECTED = "disconnected", 409
    WRONG_ACCOUNT = "wrong_account", 403
    OTHER_PERSON = "other_person", 403
    DECLINED = "declined", 403
    ADMIN = "admin", 403
    NOT_ALLOWED = "not_allowed", 403
    POLICY = "policy", 403
    CONFIGURATION = "configuration", 403
    UNAVAILABLE = "unavailable", 503
    BUG = "bug", 500

    @property
    def is_theirs(self) -> bool:
        """Whether the person at the page did it and can undo it: nobody else needs the technical line."""
        return self in (Fault.DECLINED, Fault.WRONG_ACCOUNT)

    @property
    def is_final(self) -> bool:
        """Whether the page will never be another one."""
        return self in (Fault.CHANNEL_GONE, Fault.NOTHING_TO_CONNECT)


# Reasons of errors that a person at the page can do something about; the others are for whoever runs the service.
_BY_REASON: Final = {
    "AccountDisabled": Fault.POLICY,
    "AccountGone": Fault.POLICY,
    "AdminConsentNeeded": Fault.ADMIN,
    "ConditionalAccess": Fault.POLICY,
    "ConnectionLost": Fault.VISIT_EXPIRED,
    "ConnectionExpired": Fault.VISIT_EXPIRED,
    "ConsentDeclined": Fault.DECLINED,
    "SecondFactorNeeded": Fault.POLICY,
    "SignInExpired": Fault.VISIT_EXPIRED,
    "SignInMismatch": Fault.VISIT_FOREIGN,
    "UserNotAssigned": Fault.POLICY,
    "WrongAccount": Fault.WRONG_ACCOUNT,
    "WrongKindOfAccount": Fault.POLICY,
}


@dataclass(eq=False)
class Stopped(Exception):
    """A request that can't be answered as it was meant.

    Attributes:
        detail: a technical line for whoever runs the service, without secrets.
        admin_link: the page where an administrator allows the application.
        retry_after: seconds after which it may be tried again.
        reason: the error's reason, for the log.
    """

    fault: Fault
    detail: str = ""
    admin_link: str = ""
    retry_after: int | None = None
    reason: str = ""


def stopped_by(error: BannetteError, *, told: bool = False) -> Stopped:
    """Return what *error* means to the person at the page.

    Args:
        told: the error is what Microsoft said of the account or the application, which the page may repeat.
    """
    if isinstance(error, Transient):
        return Stopped(Fault.UNAVAILABLE, retry_after=max(1, int(error.retry_after or _LATER)), reason=error.reason)
    return Stopped(
        _BY_REASON.get(error.reason, Fault.CONFIGURATION),
        detail=str(error) if told else error.reason,
        reason=error.reason,
    )


def not_ready() -> Stopped:
    """The operator hasn't made the channel's Secret yet."""
    return Stopped(Fault.NOT_READY, retry_after=_LATER)
