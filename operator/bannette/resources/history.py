"""Runs as the status remembers them: the active one, and the entries of the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final, overload

from bannette.resources.fields import InvalidResource, Section
from bannette.resources.rules import REFERENCE
from bannette.resources.times import format_time

MESSAGE_LENGTH: Final = 512


class Trigger(StrEnum):
    """What started a run: the schedule, a request, or the first connection."""

    SCHEDULED = "Scheduled"
    MANUAL = "Manual"
    INITIAL = "Initial"


class RunResult(StrEnum):
    """How a run ended.

    PartiallySucceeded: documents were collected, but some of them are deferred or rejected, or the run ended early.
    Skipped: nothing had to be done, for example since the day's automatic run had been.
    """

    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


def cut_message(text: str) -> str:
    """Return *text*, shortened to what a status may hold."""
    return text if len(text) <= MESSAGE_LENGTH else f"{text[: MESSAGE_LENGTH - 1]}…"


@dataclass(frozen=True)
class HistoryEntry:
    """One run. *deferred* and *rejected* are what stands after it; the other counts are this run's.

    Attributes:
        id: the uid of the run's Job, the same over all its pods.
        request: the request that a manual run answers.
        job: the Job's name.
        reason: one CamelCase word.
        message: a sentence; longer ones are cut to 512 characters.
        bytes: size of the collected documents.
        pages: pages that were read or recognised.
        requests: to Microsoft Graph. throttled: answers of OneDrive that said to wait.
        generation: of the channel as the run read it; None if that isn't known.
    """

    id: str
    trigger: Trigger
    request: str | None
    job: str | None
    started_at: datetime
    completed_at: datetime
    result: RunResult
    reason: str
    message: str
    collected: int = 0
    already_seen: int = 0
    duplicates: int = 0
    deferred: int = 0
    rejected: int = 0
    bytes: int = 0
    pages: int = 0
    requests: int = 0
    throttled: int = 0
    generation: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", cut_message(self.message))

    @property
    def went_through(self) -> bool:
        """Whether it came to the end of the feed, whatever it put off."""
        return self.result in (RunResult.SUCCEEDED, RunResult.PARTIALLY_SUCCEEDED)

    def to_dict(self) -> dict[str, object]:
        entry: dict[str, object] = {"id": self.id, "trigger": self.trigger.value}
        if self.request is not None:
            entry["request"] = self.request
        if self.job is not None:
            entry["job"] = self.job
        if self.generation is not None:
            entry["generation"] = self.generation
        return entry | {
            "startedAt": format_time(self.started_at),
            "completedAt": format_time(self.completed_at),
            "result": self.result.value,
            "reason": self.reason,
            "message": self.message,
            "collected": self.collected,
            "alreadySeen": self.already_seen,
            "duplicates": self.duplicates,
            "deferred": self.deferred,
            "rejected": self.rejected,
            "bytes": self.bytes,
            "pages": self.pages,
            "requests": self.requests,
            "throttled": self.throttled,
        }

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> HistoryEntry:
        """Return the entry that *body* holds.

        Raises:
            InvalidResource: it isn't one.
        """
        return cls.read(Section(body, owner="History entry"))

    @classmethod
    def read(cls, entry: Section) -> HistoryEntry:
        return cls(
            id=entry.text("id"),
            trigger=entry.choice("trigger", Trigger),
            request=entry.optional_text("request"),
            job=entry.optional_text("job"),
            started_at=entry.time("startedAt"),
            completed_at=entry.time("completedAt"),
            result=entry.choice("result", RunResult),
            reason=entry.text("reason"),
            message=entry.optional_text("message") or "",
            collected=entry.number("collected", default=0),
            already_seen=entry.number("alreadySeen", default=0),
            duplicates=entry.number("duplicates", default=0),
            deferred=entry.number("deferred", default=0),
            rejected=entry.number("rejected", default=0),
            bytes=entry.number("bytes", default=0),
            pages=entry.number("pages", default=0),
            requests=entry.number("requests", default=0),
            throttled=entry.number("throttled", default=0),
            generation=entry.number("generation", default=0) if entry.has("generation") else None,
        )


class History(Sequence[HistoryEntry]):
    """What of a list can be read as entries, and is when somebody looks: a decision seldom rests on a history."""

    def __init__(self, items: object) -> None:
        self._items = items if isinstance(items, list | tuple) else ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the entries, those that can't be read among them."""
        found = (item.get("id") for item in self._items if isinstance(item, Mapping))
        return frozenset(one for one in found if isinstance(one, str))

    def of(self, trigger: Trigger) -> tuple[HistoryEntry, ...]:
        """Return the runs that *trigger* started; no others are parsed for it."""
        items = [item for item in self._items if isinstance(item, Mapping) and item.get("trigger") == trigger.value]
        return tuple(History(items))

    @cached_property
    def _entries(self) -> tuple[HistoryEntry, ...]:
        return tuple(self._readable())

    def _readable(self) -> Iterable[HistoryEntry]:
        for item in self._items:
            try:
                yield HistoryEntry.parse(item if isinstance(item, Mapping) else {})
            except InvalidResource:
                continue

    @overload
    def __getitem__(self, index: int) -> HistoryEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[HistoryEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> HistoryEntry | tuple[HistoryEntry, ...]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return self._entries == (other._entries if isinstance(other, History) else other)

    def __hash__(self) -> int:
        return hash(self._entries)

    def __repr__(self) -> str:
        return repr(self._entries)


def is_outdated(entry: HistoryEntry, *, generation: int) -> bool:
    """Tell whether the channel was changed since the run read it, so that the next one may come to something else."""
    return entry.generation is not None and entry.generation < generation


def upsert_history(history: Iterable[HistoryEntry], entry: HistoryEntry, *, limit: int) -> tuple[HistoryEntry, ...]:
    """Return *history* with *entry* in place of the one with its id, newest first, at most *limit* entries."""
    entries = [entry, *(other for other in history if other.id != entry.id)]
    return tuple(sorted(entries, key=lambda one: one.started_at, reverse=True)[:limit])


@dataclass(frozen=True)
class ActiveRun:
    """The run that is going on, as it last reported.

    Attributes:
        id: the uid of the run's Job.
        job: the Job's name.
        heartbeat: when it last reported; another run waits for as long as this changes.
        discovered, collected, failed: documents so far.
    """

    id: str
    trigger: Trigger
    job: str | None
    started_at: datetime
    heartbeat: datetime
    discovered: int = 0
    collected: int = 0
    failed: int = 0

    def to_dict(self) -> dict[str, object]:
        return {
            "id": self.id,
            "trigger": self.trigger.value,
            **({} if self.job is None else {"job": self.job}),
            "startedAt": format_time(self.started_at),
            "heartbeat": format_time(self.heartbeat),
            "discovered": self.discovered,
            "collected": self.collected,
            "failed": self.failed,
        }

    @classmethod
    def read(cls, run: Section) -> ActiveRun:
        return cls(
            id=run.text("id"),
            trigger=run.choice("trigger", Trigger),
            job=run.optional_text("job", REFERENCE),
            started_at=run.time("startedAt"),
            heartbeat=run.time("heartbeat"),
            discovered=run.number("discovered", default=0),
            collected=run.number("collected", default=0),
            failed=run.number("failed", default=0),
        )

    @classmethod
    def parse(cls, body: Mapping[str, object]) -> ActiveRun:
        """Return the run that *body* holds.

        Raises:
            InvalidResource: it isn't one.
        """
        return cls.read(Section(body, owner="Active run"))
