"""What is planned for a channel whose account isn't connected, is, or was."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bannette.controller.actions import Apply, Create
from bannette.controller.names import CHILD_KINDS, JOB, SECRET
from bannette.controller.plan import Observed
from bannette.controller.prerequisites import Presence
from bannette.onedrive import sign_in_refusals
from bannette.resources import RunResult
from tests.controller.planned import DAILY, FIRST, announced, condition, planned, settled, written
from tests.controller.scene import DELEGATED, channel, entry, met, observed, signed_in, status_after

# Whatever Microsoft's refusal of a sign-in makes of a run.
SIGN_IN_REASONS = {"ConnectionUnreadable", "NotConnected", "SignInFailed", "TokenRefused"} | {
    reason
    for table in (sign_in_refusals._LOST, sign_in_refusals._CONFIGURATION, sign_in_refusals._REGISTRATION)
    for reason, _ in table.values()
}


def test_a_delegated_account_that_nobody_signed_in_to_is_ready_but_runs_nothing() -> None:
    subject = channel(account=DELEGATED, requested="A")
    result = planned(Observed(subject, "7", dict.fromkeys(CHILD_KINDS), met()))
    assert (condition(result, "Ready")["status"], condition(result, "Ready")["reason"]) == ("True", "NotConnected")
    assert condition(result, "Connected")["status"] == "False"
    assert "`bannette connect -f FILE --manifest SECRET.yaml`" in condition(result, "Connected")["message"]
    assert condition(result, "Ready")["message"].startswith("No run starts before an account is connected: compta@")
    assert [action.kind for action in result.actions if isinstance(action, Create)] == [SECRET]
    assert written(result)["connection"] == {"account": "compta@acme.example"}


def test_the_first_collection_follows_the_sign_in() -> None:
    subject = channel(account=DELEGATED)
    waiting = channel(account=DELEGATED, status=written(planned(observed(subject))))
    result = planned(observed(waiting, prerequisites=met(token=signed_in())))
    assert [action.kind for action in result.actions if isinstance(action, Create)] == [JOB]
    assert condition(result, "Connected")["status"] == "True"
    assert announced(result) == ["Connected", "FirstRunStarted"]


@pytest.mark.parametrize(
    "token",
    [
        None,
        Presence(),
        Presence(frozenset({"token-cache"}), {"bannette.io/account": "compta@acme.example"}),
        Presence(frozenset(), signed_in().annotations),
        signed_in(connection=""),
        signed_in("somebody.else@acme.example"),
    ],
    ids=["no Secret", "empty", "tokens of no sign-in", "no tokens", "no id of the sign-in", "another account"],
)
def test_what_is_no_sign_in_of_the_channels_client_holds_it(token: Presence | None) -> None:
    result = planned(observed(channel(account=DELEGATED), prerequisites=met(token=token)))
    assert condition(result, "Connected")["reason"] == "NotSignedIn"
    assert not [action for action in result.actions if isinstance(action, Create) and action.kind == JOB]
    assert "nextRunTime" not in written(result)["schedule"]


def test_a_client_may_spell_the_address_in_other_case() -> None:
    result = planned(observed(channel(account=DELEGATED), prerequisites=met(token=signed_in("Compta@ACME.example"))))
    assert condition(result, "Connected")["status"] == "True"
    assert written(result)["connection"]["account"] == "Compta@ACME.example"


@pytest.mark.behaviour(7)
@pytest.mark.parametrize("reason", sorted(SIGN_IN_REASONS))
def test_a_connection_that_was_lost_shows_with_its_reason_until_the_client_signs_in_again(reason: str) -> None:
    last = entry(DAILY, result=RunResult.FAILED, reason=reason).to_dict()
    status = {"lastRun": last, "history": [last]}
    lost = observed(channel(account=DELEGATED, status=status), jobs=(DAILY,), prerequisites=met(token=signed_in()))
    connected = condition(planned(lost), "Connected")
    assert (connected["status"], connected["reason"], connected["message"]) == ("False", reason, last["message"])
    # The client may sign in again at any moment, and no watch tells.
    assert planned(lost).look_again == timedelta(seconds=5)
    again = Presence(
        frozenset({"token-cache"}), {**signed_in().annotations, "bannette.io/connected-at": "2036-01-01T00:00:00Z"}
    )
    renewed = observed(channel(account=DELEGATED, status=status), jobs=(DAILY,), prerequisites=met(token=again))
    assert condition(planned(renewed), "Connected")["status"] == "True"


def test_a_sign_in_that_failed_disconnects_the_channel_but_is_tried_again() -> None:
    subject = settled(status=status_after(FIRST))
    failed = entry(DAILY, result=RunResult.FAILED, reason="SignInFailed").to_dict()
    status = subject.status.to_dict() | {"lastRun": failed, "history": [failed]}
    result = planned(observed(channel(status=status), jobs=(FIRST, DAILY)))
    assert condition(result, "Connected")["status"] == "False"
    assert condition(result, "Connected")["reason"] == "SignInFailed"
    assert condition(result, "Ready")["status"] == "True"
    assert condition(result, "Ready")["message"].startswith("Tried every day at 05:30 (Europe/Paris) and on request: ")
    assert not any(isinstance(action, Apply) for action in result.actions)
