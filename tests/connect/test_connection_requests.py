"""A connection that is checked, or removed, because somebody set an annotation of its channel."""

from __future__ import annotations

import base64
import json
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bannette.accounts import ConnectionSecret, connection_manifest
from bannette.connect import Attendant
from bannette.connect.backlog import Backlog
from bannette.errors import BannetteError, PersonNeeded, Transient
from bannette.onedrive import Client, Connection, DelegatedSignIn, endpoints_for
from bannette.resources import CHANNELS, Channel
from simulator.testing import Simulator
from tests.collector.connected import refresh_tokens, sign_in_person
from tests.connect.conftest import CRDS
from tests.connect.office import NAME, NAMESPACE, SECRET, Office, Process, kubectl_proxy, serving, wait_until
from tests.connect.stumbles import api_at
from tests.controller.between import Asked, Between, Fault, Late

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

KEY = (NAMESPACE, NAME)


def connect(office: Office, simulator: Simulator) -> Connection:
    """Let the account's owner sign in."""
    connection = sign_in_person(simulator)
    manifest: dict[str, Any] = connection_manifest(channel_of(office), connection)
    metadata = {"annotations": manifest["metadata"]["annotations"]}
    office.change_secret({"metadata": metadata, "data": manifest["data"]})
    return connection


def channel_of(office: Office) -> Channel:
    return Channel.parse(office.api().within(NAMESPACE).get("collectionchannels", NAME))


def ask(office: Office, **annotations: str) -> None:
    named = {f"bannette.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
    office.change("collectionchannels", NAME, {"metadata": {"annotations": named}})


def pages(office: Office) -> dict[str, Any]:
    found = channel_of(office).status.pages
    return found.to_dict() if found is not None else {}


def attendant(office: Office, simulator: Simulator, *, now: Callable[[], datetime] | None = None) -> Attendant:
    clock = {"now": now} if now is not None else {}
    return Attendant(office.api(), simulator.environment, **clock)


@pytest.fixture
def asked(office, simulator):
    """A channel whose account is connected, and whose connection is to be checked."""
    office.open(locale="en")
    office.connection_made = connect(office, simulator)
    simulator.control.reset_counters()
    ask(office, check_connection="A")
    return office


def test_a_sound_connection_is_found_to_hold_by_new_tokens_and_one_look_at_the_drive(asked, simulator):
    assert attendant(asked, simulator).attend(KEY) is None
    said = pages(asked)
    assert (said["check"]["request"], said["check"]["outcome"]) == ("A", "Connected")
    assert said["check"]["message"] == f"The account {simulator.user} can be read."
    assert said["verdict"] == {
        "checkedAt": said["verdict"]["checkedAt"],
        "holds": True,
        "connection": asked.connection_made.id,
    }
    assert (simulator.control.count("token"), simulator.control.count("drive")) == (1, 1)
    kept = asked.connection
    assert kept is not None
    assert kept.id == asked.connection_made.id
    assert not refresh_tokens(kept.tokens) & refresh_tokens(asked.connection_made.tokens)


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        ("password changed", "Lost", "PasswordChanged"),
        ("consent withdrawn", "Lost", "ConsentWithdrawn"),
        ("refresh token revoked", "Lost", "ConnectionRevoked"),
        ("token refused", "Lost", "TokenRefused"),
        ("no drive", "Refused", "DriveNotFound"),
        ("drive refused", "Refused", "AccessDenied"),
        ({"like": "sign-in unavailable", "times": None}, "NotChecked", "SignInUnavailable"),
        ({"like": "throttled for hours", "times": None}, "NotChecked", "Throttled"),
    ],
)
def test_what_is_wrong_is_told_with_its_reason(asked, simulator, fault, outcome, reason):
    simulator.control.add_faults(fault)
    attendant(asked, simulator).attend(KEY)
    said = pages(asked)
    assert (said["check"]["outcome"], said["check"]["reason"]) == (outcome, reason)
    if outcome == "Lost":
        assert not said["verdict"]["holds"]
        assert (said["verdict"]["reason"], said["verdict"]["connection"]) == (reason, asked.connection_made.id)
    else:
        assert "verdict" not in said
    assert asked.connection is not None, "the tokens are gone"


def test_a_suspended_channel_is_checked_too_which_keeps_its_tokens_alive(asked, simulator):
    asked.change("collectionchannels", NAME, {"spec": {"suspend": True}})
    attendant(asked, simulator).attend(KEY)
    assert pages(asked)["check"]["outcome"] == "Connected"
    kept = asked.connection
    assert kept is not None
    assert not refresh_tokens(kept.tokens) & refresh_tokens(asked.connection_made.tokens)


def test_under_an_earlier_definition_nothing_is_checked_over_and_over(asked, simulator):
    schema = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/pages"
    patch = [{"op": "remove", "path": schema}]
    asked.server.kubectl("patch", "crd", f"{CHANNELS}.bannette.io", "--type=json", "-p", json.dumps(patch))
    try:
        claim = {"status": {"pages": {"changedAt": "2026-11-24T10:00:00Z"}}}

        def forgets() -> bool | None:
            """Tell whether the API server drops what it is told; None: it makes room for a definition just now."""
            asked.change(CHANNELS, NAME, claim, status=True)
            try:
                return pages(asked) == {}
            except Transient:
                return None

        wait_until(forgets, "the API server goes by that definition")
        with pytest.raises(PersonNeeded) as outdated:
            # It may make room a second time.
            Attendant(asked.api(attempts=20), simulator.environment).attend(KEY)
    finally:
        asked.server.install_crds(CRDS)
        wait_until(lambda: forgets() is False, "the API server goes by this version's definition again")
    assert outdated.value.reason == "DefinitionsOutdated"
    assert simulator.control.count("token") == 0


def test_a_check_that_cannot_be_made_leaves_what_an_earlier_one_found(asked, simulator):
    simulator.control.add_faults("password changed")
    attendant(asked, simulator).attend(KEY)
    before = pages(asked)["verdict"]
    simulator.control.remove_faults()
    simulator.control.add_faults({"like": "sign-in unavailable", "times": None})
    ask(asked, check_connection="B")
    attendant(asked, simulator).attend(KEY)
    assert pages(asked)["check"]["outcome"] == "NotChecked"
    assert pages(asked)["verdict"] == before
    simulator.control.remove_faults()
    ask(asked, check_connection="C")
    attendant(asked, simulator).attend(KEY)
    assert pages(asked)["verdict"]["holds"]
    assert "reason" not in pages(asked)["verdict"], "why it was lost once stays"


def without_times(cache: dict[str, Any]) -> str:
    for entry in cache["AccessToken"].values():
        del entry["expires_on"]
    return json.dumps(cache)


@pytest.mark.parametrize(
    "damage",
    [
        without_times,
        lambda cache: json.dumps(cache | {"AccessToken": [1]}),
        lambda cache: json.dumps(cache | {"RefreshToken": {"one": "two"}}),
        lambda cache: json.dumps(cache)[:-1] + ', "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["without times", "a list", "no entries", "deep"],
)
def test_tokens_that_somebody_wrote_are_damaged_and_end_nothing(asked, simulator, damage):
    tokens = damage(json.loads(asked.connection_made.tokens))
    asked.change_secret({"data": {"token-cache": base64.b64encode(tokens.encode()).decode()}})
    attendant(asked, simulator).attend(KEY)
    check = pages(asked)["check"]
    assert (check["outcome"], check["reason"]) == ("Lost", "ConnectionUnreadable")


class Unforeseen(dict[str, str]):
    """An environment that can't be read, for no reason that anybody could name."""

    def get(self, *_: object) -> str:  # type: ignore[override]
        raise ZeroDivisionError


def test_what_nobody_foresaw_is_told_and_not_tried_again(asked):
    subject = Attendant(asked.api(), Unforeseen())
    assert subject.attend(KEY) is None
    check = pages(asked)["check"]
    assert (check["outcome"], check["reason"]) == ("NotChecked", "UnexpectedError")
    assert check["message"].startswith("Unexpected ZeroDivisionError: this is a bug")
    assert subject.attend(KEY) is None


def test_an_account_that_nobody_signed_in_to_is_said_to_be_so(office, simulator):
    office.open()
    ask(office, check_connection="A")
    attendant(office, simulator).attend(KEY)
    check = pages(office)["check"]
    assert (check["outcome"], check["reason"]) == ("Lost", "NotConnected")


@pytest.mark.parametrize(
    ("secret", "outcome", "reason"),
    [("right", "Connected", None), ("wrong", "Lost", "ClientSecretInvalid"), ("missing", "NotChecked", "NotFound")],
)
def test_an_application_is_checked_by_its_own_sign_in(office, simulator, secret, outcome, reason):
    office.open()
    office.delete("collectionchannels", NAME)
    application = {
        "tenantId": simulator.tenant_id,
        "user": simulator.user,
        "clientId": simulator.client_id,
        "credentialsSecret": {"name": "acme-app"},
    }
    office.create_channel({"application": application})
    if secret != "missing":
        office.create_secret("acme-app", data={"clientSecret": simulator.client_secret if secret == "right" else "no"})
    ask(office, check_connection="A", disconnect="A")
    simulator.control.reset_counters()
    attendant(office, simulator).attend(KEY)
    check = pages(office)["check"]
    assert (check["outcome"], check.get("reason")) == (outcome, reason)
    assert "changedAt" not in pages(office), "an application was disconnected"
    assert simulator.control.count("drive") == (1 if secret == "right" else 0)


def test_one_value_is_one_check_over_replicas_and_restarts(asked, simulator):
    waits: list[float | None] = []

    def keep(request: Asked) -> Fault | None:
        """Let whoever makes the check, and keeps its tokens, have no answer before the others have looked."""
        held = request.writes and request.path.endswith(f"/secrets/{SECRET}")
        return Late(lambda: wait_until(lambda: len(waits) == 2, "the others have looked")) if held else None

    with Between(asked.server) as between:
        between.fault = keep
        replicas = [Attendant(api_at(asked, between.url), simulator.environment) for _ in range(3)]
        threads = [threading.Thread(target=lambda one=one: waits.append(one.attend(KEY))) for one in replicas]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert waits.count(None) == 1
    assert attendant(asked, simulator).attend(KEY) is None
    assert simulator.control.count("token") == 1
    ask(asked, check_connection="B")
    attendant(asked, simulator).attend(KEY)
    assert (simulator.control.count("token"), pages(asked)["check"]["request"]) == (2, "B")


def test_a_check_whose_replica_is_gone_is_made_by_another_one(asked, simulator):
    begun = datetime.now(UTC)
    claim = {"request": "A", "startedAt": begun.strftime("%Y-%m-%dT%H:%M:%SZ")}
    asked.change("collectionchannels", NAME, {"status": {"pages": {"check": claim}}}, status=True)
    early = attendant(asked, simulator, now=lambda: begun + timedelta(seconds=30)).attend(KEY)
    assert early is not None
    assert 80 < early < 100
    assert simulator.control.count("token") == 0
    assert attendant(asked, simulator, now=lambda: begun + timedelta(seconds=121)).attend(KEY) is None
    assert pages(asked)["check"]["outcome"] == "Connected"


def test_a_check_that_another_request_overtook_says_nothing_of_that_one(asked, simulator):
    simulator.control.add_faults({"like": "sign-in slow", "delay": 8.0, "times": 1})
    slow = threading.Thread(target=attendant(asked, simulator).attend, args=(KEY,))
    slow.start()
    wait_until(lambda: simulator.control.faults()[0]["hits"], "the first check waits for Microsoft")
    ask(asked, check_connection="B")
    simulator.control.add_faults("password changed")
    attendant(asked, simulator).attend(KEY)
    simulator.control.remove_faults("sign-in slow")
    slow.join()
    assert (pages(asked)["check"]["request"], pages(asked)["check"]["outcome"]) == ("B", "Lost")


@pytest.fixture
def connected(office, simulator):
    office.open(locale="en")
    office.connection_made = connect(office, simulator)
    return office


def test_to_disconnect_removes_the_tokens_and_no_later_sign_in(connected, simulator):
    connected.put_pending({"state": {"expires": 1}})
    ask(connected, disconnect="A")
    first = attendant(connected, simulator)
    assert first.attend(KEY) is None
    assert connected.connection is None
    assert connected.pending == {}
    assert connected.secret["metadata"]["annotations"]["bannette.io/disconnected"] == "A"
    told = pages(connected)["changedAt"]
    later = connect(connected, simulator)
    for one in (first, attendant(connected, simulator)):
        assert one.attend(KEY) is None
        assert connected.connection == later
    ask(connected, disconnect="B")
    first.attend(KEY)
    assert connected.connection is None
    assert pages(connected)["changedAt"] >= told


def test_a_request_that_the_status_acknowledges_isnt_done_again_though_the_secret_is_new(connected, simulator):
    ask(connected, disconnect="A")
    connected.change(
        "collectionchannels", NAME, {"status": {"connection": {"lastHandledDisconnect": "A"}}}, status=True
    )
    attendant(connected, simulator).attend(KEY)
    assert connected.connection == connected.connection_made


def test_a_run_that_goes_on_brings_nothing_back(connected, simulator):
    store = ConnectionSecret.of(connected.api().within(NAMESPACE), channel_of(connected))
    held = store.load()
    assert held is not None
    run = DelegatedSignIn(endpoints_for("Global", simulator.environment), Client(simulator.client_id), store, held)
    ask(connected, disconnect="A")
    attendant(connected, simulator).attend(KEY)
    with pytest.raises(PersonNeeded) as gone:
        run.token(force=True)
    assert gone.value.reason == "NotConnected"
    assert connected.connection is None


def test_whoever_may_not_touch_the_channel_tries_again(asked, simulator):
    asked.server.kubectl("create", "serviceaccount", "nobody", "-n", NAMESPACE)
    token = asked.server.kubectl("create", "token", "nobody", "-n", NAMESPACE).strip()
    refused = Attendant(asked.api(token=token), simulator.environment)
    with pytest.raises(BannetteError) as error:
        refused.attend(KEY)
    assert error.value.reason == "Forbidden"
    asked.server.kubectl("delete", "serviceaccount", "nobody", "-n", NAMESPACE)


def test_a_channel_that_is_gone_is_forgotten(office, simulator):
    assert attendant(office, simulator).attend(KEY) is None


def test_the_process_notices_what_was_asked_before_and_after_it_started(asked, simulator, tmp_path):
    with kubectl_proxy(asked.server) as proxy, Process(asked, proxy, tmp_path) as process:
        wait_until(lambda: pages(asked).get("check", {}).get("outcome") == "Connected", "the first check is made")
        ask(asked, check_connection="B")
        wait_until(lambda: pages(asked)["check"]["request"] == "B", "the second check is made")
        ask(asked, disconnect="C")
        wait_until(lambda: asked.connection is None, "the account is disconnected")
        process.send(signal.SIGKILL)
    told = process.log.read_text()
    assert "connect.checked channel=acme/acme-onedrive outcome=Connected" in told
    assert simulator.user not in told


def test_a_thread_that_ends_by_an_error_makes_the_process_unhealthy(office, simulator):
    subject = attendant(office, simulator)
    subject.start()
    with serving(office, healthy=subject.is_healthy) as port:
        address = f"http://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"alive\n"
        subject.stop()
        wait_until(lambda: not subject.is_healthy(), "the threads have ended")
        with pytest.raises(urllib.error.HTTPError) as unhealthy:
            urllib.request.urlopen(address)
    assert unhealthy.value.code == 503


def test_a_backlog_gives_each_key_to_one_thread_at_a_time_and_the_earliest_first():
    backlog: Backlog[str] = Backlog()
    backlog.add("late", after=1.0)
    backlog.add("soon")
    backlog.add("soon", after=60)
    assert backlog.take() == "soon"
    backlog.add("soon")
    assert backlog.take() == "late"
    backlog.done("soon")
    assert backlog.take() == "soon"
    threading.Timer(0.1, backlog.close).start()
    assert backlog.take() is None
