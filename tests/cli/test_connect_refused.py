"""What connects no account: another account, a consent that is refused, a mistake in the registration, a forgery."""

from __future__ import annotations

import hashlib
import json
import time

import jwt
import pytest

from bannette.errors import PersonNeeded
from tests.collector.connected import answer_of, browser, connection_file, delegate, new_consent


@pytest.mark.behaviour(4)
@pytest.mark.parametrize("way", ["browser", "code"])
def test_another_account_is_refused_and_nothing_of_it_is_kept(connecting, channel, simulator, tmp_path, way):
    simulator.control.person("somebody.else@acme.example")
    if way == "browser":
        simulator.control.settings(person="somebody.else@acme.example")
        ended = connecting(browser_program=browser(tmp_path, simulator))
    else:
        ended = connecting.with_code(then=lambda: simulator.control.answer_devices(user="somebody.else@acme.example"))
    assert ended.code == 2
    assert "Another account signed in" in ended.stderr
    assert "somebody" not in ended.stdout + ended.stderr
    assert connection_file(channel).load() is None


@pytest.mark.behaviour(3)
@pytest.mark.parametrize(
    ("says", "told"),
    [("no", "AADSTS65004"), ("admin", "adminconsent?client_id=bannette-collector")],
)
def test_a_consent_that_is_refused_is_told(connecting, channel, simulator, tmp_path, says, told):
    simulator.control.settings(person_says=says)
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert told in ended.stdout + ended.stderr
    assert connection_file(channel).load() is None


@pytest.mark.behaviour(2)
@pytest.mark.parametrize("platform", ["web", "spa"])
def test_a_redirect_under_another_platform_names_the_mistake(connecting, channel, simulator, tmp_path, platform):
    simulator.control.application(redirect_uris={"http://localhost": platform})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert "Mobile and desktop applications" in ended.stderr
    assert connection_file(channel).load() is None


@pytest.mark.behaviour(2)
def test_a_secret_for_a_public_application_names_the_mistake(connecting, channel, simulator, tmp_path):
    delegate(channel, secret={"clientSecret": simulator.client_secret})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 2
    assert "leave credentialsSecret out" in ended.stderr


@pytest.mark.behaviour(5)
def test_answers_with_a_foreign_state_are_refused_and_the_right_one_is_taken(connecting, simulator, tmp_path):
    program = browser(tmp_path, simulator, answers={"state": "forged"}, times=2)
    ended = connecting(browser_program=program)
    assert ended.code == 0, ended.stderr
    assert [status for status, _ in connecting.browser_log()] == [400, 400, 200]


@pytest.mark.behaviour(5)
def test_an_answer_is_taken_once(connecting, simulator, tmp_path):
    ended = connecting(browser_program=browser(tmp_path, simulator, times=3))
    assert ended.code == 0, ended.stderr
    statuses = [status for status, _ in connecting.browser_log()]
    assert statuses[0] == 200
    assert not {200} & set(statuses[1:])


@pytest.mark.parametrize("forged", ["code", "error"])
def test_a_forged_code_connects_nothing(connecting, channel, simulator, tmp_path, forged):
    program = browser(tmp_path, simulator, answers={forged: "forged<script>"})
    ended = connecting(browser_program=program)
    assert (ended.code == 2) == (forged == "code")
    assert "forged" not in ended.stdout + ended.stderr


@pytest.mark.behaviour(1)
def test_a_code_of_another_sign_in_is_refused(simulator):
    """PKCE and the nonce bind the answer to the visit that asked for it."""
    mine, theirs = (new_consent(simulator) for _ in range(2))
    my_visit, their_visit = mine.begin_visit("http://localhost:1"), theirs.begin_visit("http://localhost:1")
    stolen = {**answer_of(simulator, their_visit.url), "state": my_visit.state}
    with pytest.raises(PersonNeeded, match="AADSTS501481") as refused:
        mine.finish_visit(my_visit, stolen)
    assert "stolen" not in str(refused.value)


FORGED = {
    "another application's": {"aud": "another-app"},
    "expired": {"exp": 1},
    "another tenant's issuer": {"iss": "https://login.example/other/v2.0"},
    "of nobody": {"oid": ""},
    "another visit's": {"nonce": "another"},
    "missing": None,
}


@pytest.mark.parametrize("forged", FORGED)
def test_an_id_token_that_is_not_meant_for_this_sign_in_connects_nothing(simulator, forged):
    consent = new_consent(simulator)
    visit = consent.begin_visit("http://localhost:1")
    given = simulator.control.sign_in()
    claims = {
        "iss": f"https://login.example/{simulator.tenant_id}/v2.0",
        "aud": simulator.client_id,
        "exp": time.time() + 600,
        "oid": "some-object",
        "tid": simulator.tenant_id,
        "preferred_username": simulator.user,
        "nonce": hashlib.sha256(visit.flow["nonce"].encode()).hexdigest(),
    }
    changed = FORGED[forged]
    if changed is None:
        del given["id_token"]
    else:
        given["id_token"] = jwt.encode(claims | changed, "k" * 32, algorithm="HS256")
    answer = answer_of(simulator, visit.url)
    simulator.control.add_faults(
        {"name": "forged", "kinds": ["token"], "status": 200, "code": None, "body": json.dumps(given)}
    )
    with pytest.raises(PersonNeeded, match="nothing was kept") as refused:
        consent.finish_visit(visit, answer)
    assert refused.value.reason == "SignInMismatch"


def test_an_answer_is_good_for_one_visit(simulator):
    consent = new_consent(simulator)
    visit = consent.begin_visit("http://localhost:1")
    answer = answer_of(simulator, visit.url)
    assert consent.finish_visit(visit, answer).account == simulator.user
    with pytest.raises(PersonNeeded, match="nothing was kept"):
        consent.finish_visit(visit, answer)


@pytest.mark.parametrize("fault", ["discovery unavailable", "sign-in unavailable"])
def test_a_sign_in_that_is_down_is_told_as_such(connecting, simulator, tmp_path, fault):
    simulator.control.add_faults({"like": fault, "times": None})
    ended = connecting(browser_program=browser(tmp_path, simulator))
    assert ended.code == 3
    assert "unavailable" in ended.stderr
