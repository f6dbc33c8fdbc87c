"""What is known about a channel: its conditions, its runs, and how far it has got."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bannette.resources.connection import ConnectionStatus, PagesStatus
from bannette.resources.fields import InvalidResource, Section, present
from bannette.resources.history import ActiveRun, History, HistoryEntry, RunResult, Trigger, cut_message
from bannette.resources.times import format_time, formatted


class ConditionStatus(StrEnum):
    """What a condition may say."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Condition:
    """One condition, as Kubernetes has them: a type, what it says, why, and since when."""

    type: str
    status: ConditionStatus
    reason: str
    message: str = ""
    observed_generation: int | None = None
    last_transition_time: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", cut_message(self.message))

    def to_dict(self) -> dict[str, object]:
        return present(
            type=self.type,
            status=self.status.value,
            reason=self.reason,
            message=self.message,
            observedGeneration=self.observed_generation,
            lastTransitionTime=formatted(self.last_transition_time),
        )

    @classmethod
    def read(cls, condition: Section) -> Condition:
        return cls(
            type=condition.text("type"),
            status=condition.choice("status", ConditionStatus),
            reason=condition.text("reason"),
            message=condition.optional_text("message") or "",
            observed_generation=_optional_number(condition, "observedGeneration"),
            last_transition_time=condition.optional_time("lastTransitionTime"),
        )


def set_condition(conditions: Iterable[Condition], new: Condition, now: datetime) -> tuple[Condition, ...]:
    """Return *conditions* with *new* in place of the one of its type.

    The time of the last transition is *now*, unless the condition said the same before.
    """
    conditions = tuple(conditions)
    old = find_condition(conditions, new.type)
    unchanged = old is not None and old.status == new.status and old.last_transition_time is not None
    dated = replace(new, last_transition_time=old.last_transition_time if old is not None and unchanged else now)
    if old is None:
        return (*conditions, dated)
    return tuple(dated if one.type == new.type else one for one in conditions)


def drop_condition(conditions: Iterable[Condition], kind: str) -> tuple[Condition, ...]:
    """Return *conditions* without the one of type *kind*, for those that are there only while they are true."""
    return tuple(one for one in conditions if one.type != kind)


def find_condition(conditions: Iterable[Condition], kind: str) -> Condition | None:
    return next((one for one in conditions if one.type == kind), None)


@dataclass(frozen=True)
class Checkpoint:
    """How far the channel has got: what its last committed state says.

    Attributes:
        revision: number of the state in the binder.
        seen_items: items that were settled since the channel exists.
    """

    revision: int
    seen_items: int
    deferred_items: int
    rejected_items: int
    committed_at: datetime

    def to_dict(self) -> dict[str, object]:
        return {
            "revision": self.revision,
            "seenItems": self.seen_items,
            "deferredItems": self.deferred_items,
            "rejectedItems": self.rejected_items,
            "committedAt": format_time(self.committed_at),
        }

    @classmethod
    def read(cls, checkpoint: Section) -> Checkpoint:
        return cls(
            revision=checkpoint.number("revision", default=0),
            seen_items=checkpoint.number("seenItems", default=0),
            deferred_items=checkpoint.number("deferredItems", default=0),
            rejected_items=checkpoint.number("rejectedItems", default=0),
            committed_at=checkpoint.time("committedAt"),
        )


@dataclass(frozen=True)
class ScheduleStatus:
    """The schedule in force, with defaults filled in."""

    cron: str
    time_zone: str
    next_run_time: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        return present(cron=self.cron, timeZone=self.time_zone, nextRunTime=formatted(self.next_run_time))

    @classmethod
    def read(cls, schedule: Section) -> ScheduleStatus:
        return cls(
            cron=schedule.text("cron"),
            time_zone=schedule.text("timeZone"),
            next_run_time=schedule.optional_time("nextRunTime"),
        )


@dataclass(frozen=True)
class ChannelStatus:
    """A channel's status. The history's newest entry comes first."""

    observed_generation: int | None = None
    conditions: tuple[Condition, ...] = ()
    schedule: ScheduleStatus | None = None
    connection: ConnectionStatus | None = None
    last_handled_requested_at: str | None = None
    active_run: ActiveRun | None = None
    last_run: HistoryEntry | None = None
    checkpoint: Checkpoint | None = None
    history: Sequence[HistoryEntry] = field(default=())
    pages: PagesStatus | None = None

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type, if it's there."""
        return find_condition(self.conditions, kind)

    def to_dict(self, only: Collection[str] | None = None) -> dict[str, object]:
        """Return the status as YAML has it; what is absent is left out (a merge patch must say null to remove it).

        Args:
            only: the members that are wanted; None: all.
        """
        members: dict[str, Callable[[], object]] = {
            "observedGeneration": lambda: self.observed_generation,
            "conditions": lambda: [one.to_dict() for one in self.conditions] or None,
            "schedule": lambda: self.schedule and self.schedule.to_dict(),
            "connection": lambda: self.connection and self.connection.to_dict(),
            "lastHandledRequestedAt": lambda: self.last_handled_requested_at,
            "activeRun": lambda: self.active_run and self.active_run.to_dict(),
            "lastRun": lambda: self.last_run and self.last_run.to_dict(),
            "checkpoint": lambda: self.checkpoint and self.checkpoint.to_dict(),
            "history": lambda: [one.to_dict() for one in self.history] or None,
            "pages": lambda: self.pages and self.pages.to_dict(),
        }
        return present(**{name: said() for name, said in members.items() if only is None or name in only})

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> ChannelStatus:
        """Return the status that *body* holds.

        Raises:
            InvalidResource: it isn't one.
        """
        return cls.read(Section(body, owner="Status"))

    @property
    def last_used(self) -> datetime | None:
        """When what signs in was last used, to connect, by a check or by a run, as far as is known."""
        connection, last = self.connection or ConnectionStatus(), self.last_run
        ran_at = last.completed_at if last is not None and last.result is not RunResult.SKIPPED else None
        times = (connection.connected_at, connection.checked_at, ran_at)
        return max((one for one in times if one is not None), default=None)

    @property
    def first_collections(self) -> tuple[HistoryEntry, ...]:
        """The first collections that went through, of those that are remembered."""
        history, last = self.history, self.last_run
        known = history.of(Trigger.INITIAL) if isinstance(history, History) else history
        entries = (*known, last) if last is not None else known
        return tuple(entry for entry in entries if entry.trigger is Trigger.INITIAL and entry.went_through)

    @property
    def runs(self) -> frozenset[str]:
        """The ids of the runs that the status tells of."""
        history = self.history
        ids = history.ids if isinstance(history, History) else frozenset(entry.id for entry in history)
        return ids if self.last_run is None else ids | {self.last_run.id}

    @classmethod
    def salvage(cls, body: Mapping[str, object]) -> ChannelStatus:
        """Return what of *body* can be read. The rest is as good as absent: a status may be lost at any time.

        Who may write a status, a run's pod for one, may write what no version of Bannette does.
        """
        said = {name: value for name, value in body.items() if name != "history"}
        history = History(body.get("history"))
        try:
            return cls.read(Section(said, owner="Status"), history)
        except InvalidResource:
            return cls.read(Section(dict(cls._readable(said)), owner="Status"), history)

    @classmethod
    def _readable(cls, body: Mapping[str, object]) -> Iterator[tuple[str, object]]:
        for name, value in body.items():
            if isinstance(value, list):
                yield name, [item for item in value if cls._reads(name, [item])]
            elif cls._reads(name, value):
                yield name, value

    @classmethod
    def _reads(cls, name: str, value: object) -> bool:
        try:
            cls.parse({name: value})
        except InvalidResource:
            return False
        return True

    @classmethod
    def read(cls, status: Section, history: Sequence[HistoryEntry] | None = None) -> ChannelStatus:
        return cls(
            observed_generation=_optional_number(status, "observedGeneration"),
            conditions=status.every("conditions", Condition.read),
            schedule=status.optional("schedule", ScheduleStatus.read),
            connection=status.optional("connection", ConnectionStatus.read),
            last_handled_requested_at=status.optional_text("lastHandledRequestedAt"),
            active_run=status.optional("activeRun", ActiveRun.read),
            last_run=status.optional("lastRun", HistoryEntry.read),
            checkpoint=status.optional("checkpoint", Checkpoint.read),
            history=status.every("history", HistoryEntry.read) if history is None else history,
            pages=status.optional("pages", PagesStatus.read),
        )


def _optional_number(section: Section, name: str) -> int | None:
    return section.number(name, default=0) if section.has(name) else None
