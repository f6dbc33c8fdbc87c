"""What ``doctor`` finds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Ok; problem: something doesn't work, or soon won't; note: it couldn't be looked at, or isn't wrong in itself."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """What came of one check: in one sentence, with what to do about it if there is something to do."""

    check: str
    state: State
    message: str

    def to_dict(self) -> dict[str, object]:
        return {"check": self.check, "state": self.state.value, "message": self.message}

    @classmethod
    def parse(cls, members: Mapping[str, Any]) -> Finding:
        return cls(str(members["check"]), State(members["state"]), str(members["message"]))


def ok(check: str, message: str) -> Finding:
    return Finding(check, State.OK, message)


def note(check: str, message: str) -> Finding:
    return Finding(check, State.NOTE, message)


def problem(check: str, message: str) -> Finding:
    return Finding(check, State.PROBLEM, message)


def seen_by(channel: str, finding: Finding) -> Finding:
    """Return what the pod for *channel* found: of a problem with the channel's name, as others may not have it."""
    if finding.state is not State.PROBLEM:
        return finding
    return replace(finding, message=f"{finding.message} Tried by a pod like those of channel {channel}.")


def summary(findings: Iterable[Finding]) -> str:
    """Return how many of *findings* are problems, as a sentence."""
    number = sum(finding.state is State.PROBLEM for finding in findings)
    return "No problem was found." if not number else f"{number} {'problem' if number == 1 else 'problems'} found."
