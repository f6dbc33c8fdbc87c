"""The connection of a channel's account, as its status tells it: who may write what, and what loses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bannette.resources.fields import Section, present
from bannette.resources.history import HistoryEntry, cut_message
from bannette.resources.times import format_time, formatted

# Reasons of a run or a check: the account can't be read before a person sets its sign-in right.
UNUSED_ENDS: Final = timedelta(days=90)
"""After this time without use, Microsoft ends a sign-in (refresh token lifetime)."""

SIGN_IN_LOST: Final = frozenset(
    {
        "AccountDisabled",
        "AccountGone",
        "AdminConsentNeeded",
        "ApplicationDisabled",
        "ApplicationNotFound",
        "AuthorityNotFound",
        "CertificateInvalid",
        "ClientIdMissing",
        "ClientSecretExpired",
        "ClientSecretInvalid",
        "ConditionalAccess",
        "ConnectionExpired",
        "ConnectionLost",
        "ConnectionRevoked",
        "ConnectionUnreadable",
        "ConsentDeclined",
        "ConsentWithdrawn",
        "CredentialsMissing",
        "CredentialsNotAllowed",
        "NotConnected",
        "PasswordChanged",
        "ScopeInvalid",
        "SecondFactorNeeded",
        "SignInExpired",
        "SignInFailed",
        "SignInFrequency",
        "TenantNeeded",
        "TenantNotFound",
        "TokenRefused",
        "UserNotAssigned",
        "WrongKindOfAccount",
        "WrongPlatform",
    }
)


def is_mended(entry: HistoryEntry, *, connected: bool) -> bool:
    """Tell whether a run failed because it wasn't let in, and the account is *connected* now, as was found since."""
    return connected and entry.reason in SIGN_IN_LOST


@dataclass(frozen=True)
class ConnectionStatus:
    """The connected account, as the operator tells it.

    Attributes:
        page: the channel's public page, never a signed link.
        checked_at: when a check last told whether the account can be read.
        last_handled_check, last_handled_disconnect: values of the channel's annotations that were acted upon.
    """

    account: str | None = None
    connected_at: datetime | None = None
    page: str | None = None
    checked_at: datetime | None = None
    last_handled_check: str | None = None
    last_handled_disconnect: str | None = None

    def speaks_of(self, account: str) -> bool:
        """Tell whether it is that of *account*: a channel may name another one since."""
        return self.account is None or self.account.casefold() == account.casefold()

    def to_dict(self) -> dict[str, object]:
        return present(
            account=self.account,
            connectedAt=formatted(self.connected_at),
            page=self.page,
            checkedAt=formatted(self.checked_at),
            lastHandledCheck=self.last_handled_check,
            lastHandledDisconnect=self.last_handled_disconnect,
        )

    @classmethod
    def read(cls, connection: Section) -> ConnectionStatus:
        return cls(
            account=connection.optional_text("account"),
            connected_at=connection.optional_time("connectedAt"),
            page=connection.optional_text("page"),
            checked_at=connection.optional_time("checkedAt"),
            last_handled_check=connection.optional_text("lastHandledCheck"),
            last_handled_disconnect=connection.optional_text("lastHandledDisconnect"),
        )


class CheckOutcome(StrEnum):
    """What came of a check.

    Connected: the account can be read. Lost: a person must set its sign-in right. Refused: it signs in, but what the
    channel names can't be read. NotChecked: it couldn't be told now.
    """

    CONNECTED = "Connected"
    LOST = "Lost"
    REFUSED = "Refused"
    NOT_CHECKED = "NotChecked"


@dataclass(frozen=True)
class ConnectionCheck:
    """The last check that was asked for.

    Attributes:
        request: the value of the annotation that asked.
        started_at: when one replica took it up; another one does so when it has taken too long.
        outcome: None while it goes on.
    """

    request: str
    started_at: datetime
    outcome: CheckOutcome | None = None
    reason: str | None = None
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", cut_message(self.message))

    def to_dict(self) -> dict[str, object]:
        return present(
            request=self.request,
            startedAt=format_time(self.started_at),
            outcome=self.outcome and self.outcome.value,
            reason=self.reason,
            message=self.message or None,
        )

    @classmethod
    def read(cls, check: Section) -> ConnectionCheck:
        return cls(
            request=check.text("request"),
            started_at=check.time("startedAt"),
            outcome=check.choice("outcome", CheckOutcome) if check.has("outcome") else None,
            reason=check.optional_text("reason"),
            message=check.optional_text("message") or "",
        )


@dataclass(frozen=True)
class ConnectionVerdict:
    """What a check last found: it stays when a later one can't be made.

    Attributes:
        connection: the id of the sign-in that was checked; None for an application.
        holds: the account can be read; if not, *reason* and *message* say why.
    """

    checked_at: datetime
    holds: bool
    connection: str | None = None
    reason: str | None = None
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", cut_message(self.message))

    def to_dict(self) -> dict[str, object]:
        return present(
            checkedAt=format_time(self.checked_at),
            holds=self.holds,
            connection=self.connection,
            reason=self.reason,
            message=self.message or None,
        )

    @classmethod
    def read(cls, verdict: Section) -> ConnectionVerdict:
        return cls(
            checked_at=verdict.time("checkedAt"),
            holds=verdict.flag("holds", default=False),
            connection=verdict.optional_text("connection"),
            reason=verdict.optional_text("reason"),
            message=verdict.optional_text("message") or "",
        )


@dataclass(frozen=True)
class PagesStatus:
    """What the service of the pages tells the operator; nobody else writes it.

    Attributes:
        changed_at: when it last connected or disconnected the account.
    """

    changed_at: datetime | None = None
    check: ConnectionCheck | None = None
    verdict: ConnectionVerdict | None = None

    def to_dict(self) -> dict[str, object]:
        return present(
            changedAt=formatted(self.changed_at),
            check=self.check and self.check.to_dict(),
            verdict=self.verdict and self.verdict.to_dict(),
        )

    @classmethod
    def read(cls, pages: Section) -> PagesStatus:
        return cls(
            changed_at=pages.optional_time("changedAt"),
            check=pages.optional("check", ConnectionCheck.read),
            verdict=pages.optional("verdict", ConnectionVerdict.read),
        )
