"""What a run comes to when Microsoft's sign-in, or Graph's check of a token, refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from simulator.certificates import new_client_certificate
from tests.collector.connected import connect, connection_file, delegate, refresh_tokens
from tests.collector.local_channel import LocalChannel

KINDS = ["application", "delegated"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def renewing(kind, channel, simulator):
    """A channel of each kind whose next run asks the sign-in for a token."""
    simulator.control.create("/Invoices/a.txt", "alpha")
    if kind == "delegated":
        delegate(channel)
        connect(channel, stale=True)
    simulator.control.reset_counters()
    return channel


@pytest.fixture(autouse=True)
def folder(simulator):
    simulator.control.folder("/Invoices")


def collected_once(channel: LocalChannel) -> None:
    assert channel.collect().counts("result", "collected") == ("Succeeded", 1)


# Microsoft's answer -> the reason that the channel shows.
LOST = [
    ("invalid_grant/700082", "ConnectionExpired"),
    ("invalid_grant/70008", "ConnectionExpired"),
    ("invalid_grant/70000", "ConnectionLost"),
    ("invalid_grant/50173", "ConnectionRevoked"),
    ("invalid_grant/50133", "PasswordChanged"),
    ("invalid_grant/70043", "SignInFrequency"),
    ("invalid_grant/53003", "ConditionalAccess"),
    ("invalid_grant/530032", "ConditionalAccess"),
    ("invalid_grant/50034", "AccountGone"),
    ("invalid_grant/50057", "AccountDisabled"),
    ("invalid_grant/65001", "ConsentWithdrawn"),
    ("invalid_grant/65004", "ConsentDeclined"),
    ("invalid_grant/700084", "WrongPlatform"),
    ("invalid_grant/9999999", "ConnectionLost"),
    ("interaction_required/50076", "SecondFactorNeeded"),
    ("interaction_required/50079", "SecondFactorNeeded"),
    ("interaction_required/50078", "SecondFactorNeeded"),
    ("interaction_required/50158", "SecondFactorNeeded"),
    ("consent_required/65001", "ConsentWithdrawn"),
    ("login_required/0", "ConnectionLost"),
]


@pytest.mark.behaviour(7)
@pytest.mark.parametrize(("code", "reason"), LOST)
def test_a_connection_that_is_lost_needs_a_person_and_moves_nothing(channel, simulator, code, reason):
    delegate(channel)
    connect(channel)
    simulator.control.create("/Invoices/a.txt", "alpha")
    collected_once(channel)
    saved = channel.saved_state()
    kept = connect(channel, stale=True)
    simulator.control.create("/Invoices/b.txt", "beta")
    simulator.control.add_faults({"like": "refresh token inactive", "code": code})
    simulator.control.reset_counters()
    ended = channel.collect()
    assert (ended.code, ended.counts("result", "reason")) == (2, ("Failed", reason))
    # Asked once, and Graph not at all.
    counts = simulator.control.counters()
    assert (counts["requests"]["token"], counts["requests"].get("delta", 0)) == (1, 0)
    message = str(ended.entry["message"])
    assert "bannette connect" in message or reason == "WrongPlatform"
    assert simulator.user not in message
    assert "Trace ID" not in message
    last = channel.status()["lastRun"]
    assert (last["reason"], last["message"]) == (reason, message)
    assert channel.saved_state() == saved
    assert connection_file(channel).load() == kept
    # Connected again, the run goes on where it was.
    simulator.control.remove_faults()
    connect(channel)
    collected_once(channel)


@pytest.mark.behaviour(7)
def test_a_connection_that_is_lost_while_a_token_is_refused_in_mid_walk_keeps_the_cursor(channel, simulator):
    delegate(channel, folder="/")
    connect(channel)
    for number in range(30):
        simulator.control.create(f"/f{number}.txt")
    simulator.control.settings(page_size=10)
    simulator.control.add_faults(
        {"like": "token refused", "kinds": ["delta"], "skip": 1},
        {"like": "password changed"},
    )
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "PasswordChanged")
    simulator.control.remove_faults()
    connect(channel)
    again = channel.collect()
    assert again.code == 0
    assert len(channel.records()) == 30


@pytest.mark.behaviour(9)
@pytest.mark.parametrize(
    ("code", "reason", "key"),
    [
        ("invalid_client/7000215", "ClientSecretInvalid", "clientSecret"),
        ("invalid_client/7000222", "ClientSecretExpired", "clientSecret"),
        ("invalid_client/700027", "CertificateInvalid", "tls.crt"),
        ("invalid_client/700024", "CertificateInvalid", "tls.crt"),
        ("invalid_client/0", "SignInFailed", "clientSecret"),
    ],
)
def test_credentials_that_are_refused_name_the_key_of_the_secret(kind, channel, simulator, code, reason, key):
    if kind == "delegated":
        secret = {"clientSecret": simulator.client_secret}
        simulator.control.application(redirect_uris={"http://localhost": "web"})
        delegate(channel, secret=secret)
        connect(channel, stale=True, secret=secret)
    simulator.control.add_faults({"like": "secret expired", "code": code})
    simulator.control.reset_counters()
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, reason)
    assert key in str(ended.entry["message"])
    assert simulator.client_secret not in ended.stdout
    assert simulator.control.count("token") == 1


@pytest.mark.behaviour(9)
def test_a_secret_that_was_replaced_by_another_works_again(kind, channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    old, new = {"clientSecret": simulator.client_secret}, {"clientSecret": "renewed-secret"}
    if kind == "delegated":
        simulator.control.application(redirect_uris={"http://localhost": "web"})
        delegate(channel, secret=old)
        connect(channel, stale=True, secret=old)
    simulator.control.application(secrets=["renewed-secret"], remove_secrets=[simulator.client_secret])
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "ClientSecretInvalid")
    if kind == "delegated":
        delegate(channel, secret=new)
    else:
        channel.write(secret=new)
    collected_once(channel)


@pytest.mark.behaviour(11)
def test_a_tenant_that_is_unknown_needs_a_person(channel, simulator):
    simulator.control.add_faults("tenant unknown")
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "TenantNotFound")
    assert "account.tenantId" in str(ended.entry["message"])


@pytest.mark.behaviour(11)
def test_a_place_where_there_is_no_sign_in_needs_a_person(channel, simulator):
    delegate(channel)
    connect(channel, stale=True)
    simulator.control.add_faults({"like": "tenant unknown", "status": 404})
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "AuthorityNotFound")
    assert "BANNETTE_AUTHORITY_URL" in str(ended.entry["message"])


@pytest.mark.behaviour(11)
@pytest.mark.parametrize("status", [500, 503])
def test_a_discovery_that_fails_is_tried_again_later(renewing, simulator, status):
    simulator.control.add_faults({"like": "discovery unavailable", "status": status, "times": None})
    ended = renewing.collect()
    assert (ended.code, ended.entry["reason"]) == (3, "SignInUnavailable")
    simulator.control.remove_faults()
    collected_once(renewing)


@pytest.mark.behaviour(13)
def test_a_token_that_graph_refuses_once_is_renewed_once(renewing, simulator):
    simulator.control.add_faults("token refused once")
    collected_once(renewing)
    assert simulator.control.count("token") == 2


@pytest.mark.behaviour(13)
def test_a_token_that_graph_refuses_for_ever_needs_a_person(renewing, simulator):
    simulator.control.add_faults("token refused")
    ended = renewing.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "TokenRefused")
    counts = simulator.control.counters()["requests"]
    assert counts["token"] == 2
    # One request, which was repeated once.
    assert sum(counts.get(name, 0) for name in ("drive", "item", "delta", "children", "content")) == 2


@pytest.mark.behaviour(14)
def test_a_claims_challenge_is_answered_by_one_silent_sign_in(renewing, simulator):
    simulator.control.add_faults("claims challenge")
    collected_once(renewing)
    assert simulator.control.count("token") == 2


@pytest.mark.behaviour(14)
def test_claims_that_want_the_person_ask_for_them(channel, simulator):
    delegate(channel)
    connect(channel)
    simulator.control.add_faults("claims challenge", "second factor needed")
    simulator.control.reset_counters()
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "SecondFactorNeeded")
    assert simulator.control.count("token") == 1


@pytest.mark.behaviour(14)
def test_a_challenge_that_comes_again_and_again_isnt_followed_for_ever(renewing, simulator):
    simulator.control.add_faults({"like": "claims challenge", "times": None})
    ended = renewing.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "TokenRefused")
    assert simulator.control.count("token") == 2


@pytest.mark.behaviour(15)
def test_a_certificate_signs_in_as_well_as_a_secret(kind, channel, simulator):
    simulator.control.create("/Invoices/a.txt", "alpha")
    made = simulator.new_certificate()
    secret = {"tls.crt": made.certificate, "tls.key": made.key}
    if kind == "delegated":
        simulator.control.application(redirect_uris={"http://localhost": "web"})
        delegate(channel, secret=secret)
        connect(channel, stale=True, secret=secret)
    else:
        channel.write(secret=secret)
    collected_once(channel)


@pytest.mark.behaviour(15)
def test_a_certificate_that_isnt_registered_needs_a_person(channel, simulator):
    made = new_client_certificate("somebody else")
    channel.write(secret={"tls.crt": made.certificate, "tls.key": made.key})
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "CertificateInvalid")
    assert "tls.crt" in str(ended.entry["message"])


def test_nobody_is_asked_for_a_password(channel, simulator):
    """Without a connection nothing is asked of Microsoft at all, and the run says what to do."""
    delegate(channel)
    simulator.control.reset_counters()
    ended = channel.command_ends()
    assert (ended.code, ended.entry["reason"]) == (2, "NotConnected")
    assert "run `bannette connect -f FILE`" in str(ended.entry["message"])
    assert simulator.control.counters()["total"] == 0


def test_a_connection_of_another_account_than_the_channel_names_now_is_none(channel, simulator):
    delegate(channel)
    connect(channel)
    account = {"loginHint": "marie@acme.example", "clientId": simulator.client_id}
    channel.write(onedrive={"account": {"delegated": account}})
    simulator.control.reset_counters()
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "NotConnected")
    assert "loginHint" in str(ended.entry["message"])
    assert simulator.control.counters()["total"] == 0


def test_the_installation_names_the_application_where_the_channel_doesnt(channel, simulator):
    channel.write(onedrive={"account": {"delegated": {"loginHint": simulator.user}}})
    connect(channel, stale=True)
    simulator.control.create("/Invoices/a.txt", "alpha")
    without = channel.command_ends()
    assert (without.code, without.entry["reason"]) == (2, "ClientIdMissing")
    assert "BANNETTE_CLIENT_ID" in str(without.entry["message"])
    ended = channel.command_ends(environment={"BANNETTE_CLIENT_ID": simulator.client_id})
    assert (ended.code, ended.entry["collected"]) == (0, 1)


def test_a_damaged_connection_says_to_connect_again(channel):
    delegate(channel)
    connect(channel)
    (channel.state / "connection.json").write_text('{"connectionId": "1"')
    ended = channel.collect()
    assert (ended.code, ended.entry["reason"]) == (2, "ConnectionUnreadable")
    connect(channel)
    assert channel.collect().code == 0


def test_a_channel_whose_account_signs_in_by_itself_needs_no_connection(channel):
    code = "import sys, bannette.collector; print('msal' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
    assert channel.collect().code == 0
    assert not (channel.state / "connection.json").exists()


def test_the_refresh_token_of_a_lost_connection_isnt_thrown_away(channel, simulator):
    """A policy that refuses today may let the same token pass tomorrow."""
    delegate(channel)
    kept = connect(channel, stale=True)
    simulator.control.add_faults({"like": "conditional access", "times": 1})
    assert channel.collect().code == 2
    loaded = connection_file(channel).load()
    assert loaded is not None
    assert refresh_tokens(loaded.tokens) == refresh_tokens(kept.tokens)
    assert channel.collect().code == 0
