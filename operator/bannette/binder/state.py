"""Where a channel stands between two runs: one object, replaced by its next revision as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bannette.binder.fields import Fields, optional_time_text, time_text
from bannette.errors import BannetteError

STATE_SCHEMA = "bannette.io/state/v1"
STATES_KEPT = 3


class StateAdvanced(BannetteError):
    """Another run has saved this revision already. Nothing is lost: what was collected has its records."""

    def __init__(self, revision: int) -> None:
        super().__init__(
            f"Another run has saved revision {revision} of this channel's state already; this run's is not needed.",
            reason="StateAdvanced",
        )


@dataclass(frozen=True, kw_only=True)
class PendingItem:
    """A deferred or rejected item: visible with its reason until it is collected or gone."""

    item_id: str
    etag: str | None
    reason: str
    since: datetime
    modified_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "item": self.item_id,
            "etag": self.etag,
            "reason": self.reason,
            "since": time_text(self.since),
            "modifiedAt": optional_time_text(self.modified_at),
        }

    @classmethod
    def parse(cls, fields: Fields) -> PendingItem:
        return cls(
            item_id=fields.text("item"),
            etag=fields.optional_text("etag"),
            reason=fields.text("reason"),
            since=fields.time("since"),
            modified_at=fields.optional_time("modifiedAt"),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run leaves to the next one.

    Attributes:
        revision: the revision that this state is, or is to be saved as: that of the loaded state plus one, 1 at first.
        position: the source's own description of its cursor and scope; None: walk from the start.
        last_automatic_day: ISO date, in the channel's time zone, of the last successful automatic run.
    """

    revision: int
    position: Mapping[str, object] | None
    committed_at: datetime
    deferred: tuple[PendingItem, ...] = ()
    rejected: tuple[PendingItem, ...] = ()
    last_automatic_day: str | None = None
    seen_items: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "schema": STATE_SCHEMA,
            "revision": self.revision,
            "position": None if self.position is None else dict(self.position),
            "deferred": [item.to_dict() for item in self.deferred],
            "rejected": [item.to_dict() for item in self.rejected],
            "lastAutomaticDay": self.last_automatic_day,
            "seenItems": self.seen_items,
            "committedAt": time_text(self.committed_at),
        }

    @classmethod
    def parse(cls, data: bytes) -> State:
        """Raises: Unreadable (a PersonNeeded): not a state of a version that is known here."""
        fields = Fields.of_json(data, "A channel's state")
        fields.schema(STATE_SCHEMA)
        return cls(
            revision=fields.integer("revision"),
            position=fields.optional_mapping("position"),
            deferred=tuple(PendingItem.parse(item) for item in fields.each("deferred")),
            rejected=tuple(PendingItem.parse(item) for item in fields.each("rejected")),
            last_automatic_day=fields.optional_text("lastAutomaticDay"),
            seen_items=fields.integer("seenItems"),
            committed_at=fields.time("committedAt"),
        )
