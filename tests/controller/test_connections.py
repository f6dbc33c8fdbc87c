"""What Connected and status.connection say, by the sign-in, the last run and the last check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bannette.controller.actions import Announce, PatchStatus
from bannette.controller.conditions import Verdict
from bannette.controller.connections import Page, connection_status, connection_verdict, page_of
from bannette.controller.events import transitions
from bannette.controller.plan import plan
from bannette.controller.prerequisites import Presence
from bannette.controller.runs import JobState
from bannette.resources import Channel, ConditionStatus, RunResult, Trigger, format_time
from tests.controller.scene import (
    APPLICATION,
    DELEGATED,
    NOW,
    SETTINGS,
    Body,
    channel,
    channel_body,
    entry,
    job,
    met,
    observed,
    signed_in,
)

URL = "https://connect.example"
PAGE = f"{URL}/c/acme/acme-onedrive"
#: Minutes before now: a run lasts five.
RUN = job(Trigger.SCHEDULED, state=JobState.COMPLETE, minutes_ago=60)


def at(minutes_ago: int) -> str:
    return format_time(NOW - timedelta(minutes=minutes_ago))


def run_said(reason: str = "Collected", result: RunResult = RunResult.SUCCEEDED) -> Body:
    return {"lastRun": entry(RUN, result=result, reason=reason).to_dict()}


LOST_RUN = run_said("PasswordChanged", RunResult.FAILED)


def check_said(minutes_ago: int, *, lost: bool, connection: str | None = "first") -> Body:
    said: Body = {"checkedAt": at(minutes_ago), "holds": not lost}
    said |= {"connection": connection} if connection else {}
    said |= {"reason": "ConsentWithdrawn", "message": "Consent was withdrawn."} if lost else {}
    return {"pages": {"verdict": said}}


def token(connected_minutes_ago: int = 500, connection: str = "first") -> Presence:
    kept = signed_in(connection=connection)
    return Presence(kept.keys, {**kept.annotations, "bannette.io/connected-at": at(connected_minutes_ago)})


@dataclass(frozen=True)
class Case:
    name: str
    status: Body
    reason: str
    token: Presence | None = None
    account: Body | None = None


CASES = [
    Case("nothing was run or checked", {}, "SignedIn"),
    Case("a check finds a loss", check_said(10, lost=True), "ConsentWithdrawn"),
    Case("a check finds it sound", check_said(10, lost=False), "SignedIn"),
    Case("a check finds a loss that a run began before", run_said() | check_said(57, lost=True), "ConsentWithdrawn"),
    Case("a run succeeds after a check found a loss", run_said() | check_said(90, lost=True), "SignedIn"),
    Case("a run loses it after a check", LOST_RUN | check_said(90, lost=False), "PasswordChanged"),
    Case("a check finds what a run had lost", LOST_RUN | check_said(10, lost=False), "SignedIn"),
    Case("both find losses", LOST_RUN | check_said(10, lost=True), "ConsentWithdrawn"),
    Case(
        "a run fails otherwise after a loss",
        run_said("ServiceUnavailable", RunResult.FAILED) | check_said(90, lost=True),
        "ConsentWithdrawn",
    ),
    Case("a sign-in after a run's loss", LOST_RUN, "SignedIn", token(5)),
    Case("a sign-in after a check's loss", check_said(10, lost=True), "SignedIn", token(5, "second")),
    Case("a sign-in in the second of a check's loss", check_said(10, lost=True), "SignedIn", token(10, "second")),
    Case("nobody is signed in any more", check_said(10, lost=True), "NotSignedIn", Presence()),
    Case("an application", {}, "CredentialsPresent", account=APPLICATION),
    Case(
        "a check refuses an application",
        check_said(10, lost=True, connection=None),
        "ConsentWithdrawn",
        account=APPLICATION,
    ),
    Case(
        "an application runs after that",
        run_said() | check_said(90, lost=True, connection=None),
        "CredentialsPresent",
        account=APPLICATION,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_latest_word_on_the_present_sign_in_counts(case: Case) -> None:
    verdict = verdict_on(channel(account=case.account or DELEGATED, status=case.status), case.token or token())
    assert verdict.reason == case.reason
    sound = case.reason in ("SignedIn", "CredentialsPresent")
    assert verdict.status is (ConditionStatus.TRUE if sound else ConditionStatus.FALSE)


def verdict_on(subject: Channel, kept: Presence, *, page: Page | None = None) -> Verdict:
    return connection_verdict(subject, met(token=kept), page=page)


def test_connected_says_when_it_was_last_checked() -> None:
    subject = channel(account=DELEGATED, status=check_said(10, lost=False))
    said = verdict_on(subject, token()).message
    assert said == "compta@acme.example has signed in. Last checked 2026-11-24T09:50:00Z."


def test_a_suspended_channel_is_warned_of_the_end_of_a_sign_in_that_nothing_uses() -> None:
    def said(status: Body, **spec: object) -> str:
        return verdict_on(channel(account=DELEGATED, status=status, **spec), token(60 * 24 * 50)).message

    assert "lasts until" not in said({}, suspend=False)
    warned = "no run uses that, it lasts until {}: `kubectl collection check acme-onedrive -n acme` renews it."
    # 90 days after the sign-in, the last run, and the last check.
    assert warned.format("2027-01-03") in said({}, suspend=True)
    assert warned.format("2027-02-22") in said(run_said(), suspend=True)
    assert warned.format("2027-02-22") in said(check_said(10, lost=False), suspend=True)
    assert "lasts until" not in said(LOST_RUN, suspend=True)
    assert "lasts until" not in said({"connection": {"checkedAt": "9999-12-31T23:59:59Z"}}, suspend=True)


def test_who_hasnt_signed_in_is_told_the_way_that_there_is() -> None:
    def said(page: Page | None) -> str:
        return verdict_on(channel(account=DELEGATED), Presence(), page=page).message

    asked = f'recipient "marie" is asked by mail to do so, and gets the link again at {PAGE}.'
    assert said(Page(PAGE, mails=True)) == f"compta@acme.example isn't signed in: {asked}"
    left = channel(account=DELEGATED, status={"connection": {"connectedAt": at(90)}})
    later = f"is asked by mail to do so a day after it was disconnected, and gets the link at once at {PAGE}."
    assert verdict_on(left, Presence(), page=Page(PAGE, mails=True)).message.endswith(later)
    # Of another account than that of now: it is asked for like one that was never connected.
    renamed = Presence(token().keys, {**token().annotations, "bannette.io/account": "achats@acme.example"})
    assert verdict_on(left, renamed, page=Page(PAGE, mails=True)).message.endswith(asked)
    left = channel(account=DELEGATED, status={"connection": {"connectedAt": at(90), "account": "achats@acme.example"}})
    assert verdict_on(left, Presence(), page=Page(PAGE, mails=True)).message.endswith(asked)
    handed = f"`kubectl collection connect acme-onedrive -n acme --link` makes a link to hand over, which opens {PAGE}."
    assert said(Page(PAGE, mails=False)) == f"compta@acme.example isn't signed in: {handed}"
    assert "`bannette connect -f FILE --manifest SECRET.yaml`" in said(None)


@pytest.mark.parametrize(("named", "kept"), [("achats@acme.example", None), ("Compta@Acme.Example", at(90))])
def test_when_an_account_was_connected_is_forgotten_with_the_account(named: str, kept: str | None) -> None:
    subject = channel(account=DELEGATED, status={"connection": {"connectedAt": at(90), "account": named}})
    connected_at = connection_status(subject, met(token=Presence()), page=None).connected_at
    assert (connected_at and format_time(connected_at)) == kept
    [patch] = [one for one in plan(observed(subject), SETTINGS, now=NOW).actions if isinstance(one, PatchStatus)]
    status: Any = patch.status.get("connection", {})
    assert status.get("connectedAt", kept) == kept


@pytest.mark.parametrize(
    ("account", "url", "page"), [(DELEGATED, URL, PAGE), (DELEGATED, None, None), (APPLICATION, URL, None)]
)
def test_only_a_channel_whose_owner_signs_in_has_a_page(account: Body, url: str | None, page: str | None) -> None:
    found = page_of(channel(account=account), replace(SETTINGS, connect_url=url))
    assert (found.address if found else None) == page


def test_a_page_that_is_served_no_more_goes_from_the_status() -> None:
    subject = channel(account=DELEGATED, status={"connection": {"account": "compta@acme.example", "page": PAGE}})
    [patch] = [one for one in plan(observed(subject), SETTINGS, now=NOW).actions if isinstance(one, PatchStatus)]
    assert patch.status["connection"] == {"account": "compta@acme.example", "page": None}


def pages(outcome: str | None = None, **verdict: Any) -> Body:
    check = {"request": "A", "startedAt": at(1), **({"outcome": outcome, "message": "So it is."} if outcome else {})}
    return {"check": check, **({"verdict": verdict} if verdict else {})}


def test_a_check_is_acknowledged_when_it_has_ended_and_told_once() -> None:
    going = channel(account=DELEGATED, status={"pages": pages()})
    assert connection_status(going, met(token=token()), page=None).last_handled_check is None
    ended = channel_body(account=DELEGATED, status={"pages": pages("Connected", checkedAt=at(0), holds=True)})
    first = plan(observed(Channel.parse(ended), prerequisites=met(token=token())), SETTINGS, now=NOW)
    [patch] = [one for one in first.actions if isinstance(one, PatchStatus)]
    connection = patch.status["connection"]
    assert isinstance(connection, dict)
    assert (connection["lastHandledCheck"], connection["checkedAt"]) == ("A", at(0))
    told = [one.announcement for one in first.actions if isinstance(one, Announce)]
    assert ("ConnectionChecked", "So it is.", "Normal") in [(one.reason, one.note, one.type.value) for one in told]
    settled = Channel.parse(
        ended | {"status": {"pages": pages("Connected", checkedAt=at(0), holds=True), **patch.status}}
    )
    again = plan(observed(settled, prerequisites=met(token=token())), SETTINGS, now=NOW)
    assert not [one for one in again.actions if isinstance(one, Announce) and one.announcement.action == "Check"]


def test_a_check_that_could_not_be_made_leaves_what_an_earlier_one_found() -> None:
    earlier = {"checkedAt": at(90), "holds": False, "connection": "first", "reason": "PasswordChanged"}
    subject = channel(account=DELEGATED, status={"pages": pages("NotChecked", **earlier)})
    assert verdict_on(subject, token()).reason == "PasswordChanged"
    said = connection_status(subject, met(token=token()), page=None)
    assert (said.last_handled_check, format_time(said.checked_at or NOW)) == ("A", at(90))


def test_a_request_to_disconnect_is_acknowledged_as_the_secret_notes_it() -> None:
    kept = Presence(frozenset(), {"bannette.io/disconnected": "B" * 500})
    said = connection_status(channel(account=DELEGATED), met(token=kept), page=None)
    assert said.last_handled_disconnect == "B" * 128


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("False", "NotSignedIn"), ("True", "SignedIn"), ["Connected"]),
        (("False", "PasswordChanged"), ("True", "SignedIn"), ["Connected"]),
        (("True", "SignedIn"), ("False", "NotSignedIn"), ["Disconnected"]),
        (("True", "SignedIn"), ("False", "PasswordChanged"), ["ConnectionLost"]),
        (("False", "PasswordChanged"), ("False", "NotSignedIn"), []),
        (("True", "SignedIn"), ("True", "SignedIn"), []),
    ],
)
def test_changes_of_the_connection_are_told(before: tuple[str, str], after: tuple[str, str], told: list[str]) -> None:
    def status(said: tuple[str, str]) -> Channel:
        condition = {"type": "Connected", "status": said[0], "reason": said[1], "lastTransitionTime": at(5)}
        return channel(status={"conditions": [condition]})

    assert [one.reason for one in transitions(status(before).status, status(after).status)] == told
