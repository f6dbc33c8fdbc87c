"""Every sentence of the design about who starts a run and who waits, as a row."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bannette.controller.runs import Job, JobState
from bannette.controller.triggers import Start, Wait, decide
from bannette.resources import Trigger
from tests.controller.scene import Body, channel, job, status_after

FIRST = job(Trigger.INITIAL, state=JobState.COMPLETE, minutes_ago=900)
FIRST_AT_WORK = job(Trigger.INITIAL)
FIRST_FAILED = job(Trigger.INITIAL, state=JobState.FAILED, minutes_ago=900)
DAILY = job(Trigger.SCHEDULED, state=JobState.COMPLETE, minutes_ago=600)
DAILY_AT_WORK = job(Trigger.SCHEDULED)
MANUAL_A = job(Trigger.MANUAL, request="A", state=JobState.COMPLETE, minutes_ago=120)
MANUAL_B = job(Trigger.MANUAL, request="B", state=JobState.COMPLETE, minutes_ago=60)
MANUAL_A_AT_WORK = job(Trigger.MANUAL, request="A")


@dataclass(frozen=True)
class Case:
    name: str
    jobs: tuple[Job, ...] = ()
    requested: str | None = None
    status: Body | None = None
    allowed: bool = True
    free_slots: int = 1
    start: Start | None = None
    acknowledge: str | None = None
    waiting: tuple[Trigger, Wait] | None = None
    superfluous: tuple[Job, ...] = ()


CASES = [
    Case("a new channel is collected at once", start=Start(None)),
    Case("the first collection is started once", (FIRST_AT_WORK,)),
    Case("a first collection that failed is not repeated", (FIRST_FAILED,)),
    Case("a first collection that left no status is not repeated", (FIRST,)),
    Case("a channel that was collected by schedule has had its first collection", status=status_after(DAILY)),
    Case("a lost status with the daily Jobs still there starts nothing", (DAILY,)),
    Case(
        "the first collection waits for the daily run that came before it",
        (DAILY_AT_WORK,),
        waiting=(Trigger.INITIAL, Wait.RUN),
    ),
    Case("the first collection waits for a slot", free_slots=0, waiting=(Trigger.INITIAL, Wait.SLOT)),
    Case("an overbooked operator starts nothing", free_slots=-3, waiting=(Trigger.INITIAL, Wait.SLOT)),
    Case("a channel that may not run is not collected", allowed=False),
    Case(
        "a request starts a run and is acknowledged",
        (FIRST,),
        requested="A",
        status=status_after(FIRST),
        start=Start("A"),
        acknowledge="A",
    ),
    Case(
        "a request of a new channel waits for the first collection",
        requested="A",
        start=Start(None),
        waiting=(Trigger.MANUAL, Wait.RUN),
    ),
    Case("an acknowledged request is one run", (FIRST, MANUAL_A), "A", status_after(FIRST, MANUAL_A, handled="A")),
    Case(
        "a request whose Job exists is acknowledged and not run again",
        (FIRST, MANUAL_A_AT_WORK),
        "A",
        status_after(FIRST),
        acknowledge="A",
    ),
    Case("a request is one run though the status was wiped", (FIRST, MANUAL_A), "A", acknowledge="A"),
    Case("a request is one run though its Job was deleted", (FIRST,), "A", status_after(FIRST, MANUAL_A, handled="A")),
    Case(
        "an old request that is made again is one run still",
        (FIRST, MANUAL_B),
        "A",
        status_after(FIRST, MANUAL_A, MANUAL_B, handled="B"),
        acknowledge="A",
    ),
    Case(
        "a request waits for a run by schedule",
        (FIRST, DAILY_AT_WORK),
        "A",
        status_after(FIRST),
        waiting=(Trigger.MANUAL, Wait.RUN),
    ),
    Case(
        "a request waits for the request before it",
        (FIRST, MANUAL_A_AT_WORK),
        "B",
        status_after(FIRST, handled="A"),
        waiting=(Trigger.MANUAL, Wait.RUN),
    ),
    Case(
        "of the requests that waited the latest is run",
        (FIRST, MANUAL_A),
        "C",
        status_after(FIRST, MANUAL_A, handled="A"),
        start=Start("C"),
        acknowledge="C",
    ),
    Case(
        "a request waits for a slot",
        (FIRST,),
        "A",
        status_after(FIRST),
        free_slots=0,
        waiting=(Trigger.MANUAL, Wait.SLOT),
    ),
    Case(
        "a request of a channel that may not run is held",
        (FIRST,),
        "A",
        status_after(FIRST),
        allowed=False,
        waiting=(Trigger.MANUAL, Wait.HELD),
    ),
    Case(
        "a request that was run is acknowledged while the channel is suspended",
        (FIRST, MANUAL_A),
        "A",
        status_after(FIRST, MANUAL_A),
        allowed=False,
        acknowledge="A",
    ),
    Case("without a request nothing is acknowledged", (FIRST,), None, status_after(FIRST, handled="A")),
    Case("an empty request is none", (FIRST,), "", status_after(FIRST)),
    Case(
        "only the newest request's Job is kept",
        (FIRST, MANUAL_A, MANUAL_B),
        "B",
        status_after(FIRST, MANUAL_A, MANUAL_B, handled="B"),
        superfluous=(MANUAL_A,),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_runs_start_and_wait_as_promised(case: Case) -> None:
    subject = channel(requested=case.requested, status=case.status)
    decision = decide(subject, case.jobs, allowed=case.allowed, free_slots=case.free_slots)
    assert decision.start == case.start
    assert decision.acknowledge == case.acknowledge
    assert decision.waiting == case.waiting
    assert decision.superfluous == case.superfluous


def test_a_channel_made_again_has_a_first_collection_of_its_own() -> None:
    again = channel(metadata={"uid": "another"})
    assert decide(again, (), allowed=True, free_slots=1).start == Start(None)
