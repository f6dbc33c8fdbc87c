"""How far the operator is with opening a binder's inbox: ``status.inbox`` of a Binder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_LONGEST: Final = 1024


class InboxState(StrEnum):
    """OPENING: what serves it is being made. WAITING: for another inbox to close. BLOCKED: a person is needed."""

    OPENING = "Opening"
    OPEN = "Open"
    WAITING = "Waiting"
    BLOCKED = "Blocked"
    CLOSED = "Closed"


@dataclass(frozen=True)
class InboxStatus:
    """Where a binder's inbox is served, or why it isn't.

    Attributes:
        opened: the request (annotation bannette.io/inbox-opened) that this is the answer to.
        reader: the hash of the token that is let in.
        address: host and port, while it is open.
        message: what a person should know; empty when all is well.
    """

    state: InboxState
    opened: str = ""
    reader: str = ""
    address: str = ""
    message: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return it for a merge patch, which removes what is None."""
        return {
            "state": self.state.value,
            "opened": self.opened or None,
            "reader": self.reader or None,
            "address": self.address or None,
            "message": self.message[:_LONGEST] or None,
        }

    @classmethod
    def salvage(cls, body: Mapping[str, object]) -> InboxStatus | None:
        """Return what the Binder *body* says of its inbox; None if that is nothing, or nothing that makes sense."""
        status = body.get("status")
        inbox = status.get("inbox") if isinstance(status, Mapping) else None
        if not isinstance(inbox, Mapping) or inbox.get("state") not in set(InboxState):
            return None
        texts = {name: inbox.get(name) for name in ("opened", "reader", "address", "message")}
        return cls(InboxState(inbox["state"]), **{name: text for name, text in texts.items() if isinstance(text, str)})
