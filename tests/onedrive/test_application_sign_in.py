"""The application's sign-in, against the simulated authority."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import certifi
import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import ApplicationCredentials, Certificate, SignIn
from simulator.certificates import new_client_certificate

SECRET = "simulated-secret"


@pytest.fixture
def credentials(simulator):
    return ApplicationCredentials(simulator.tenant_id, simulator.client_id, secret=simulator.client_secret)


@pytest.fixture
def sign_in(account, credentials):
    return SignIn(account.endpoints, credentials, timeout=60)


def test_a_token_is_kept_until_another_is_needed(sign_in, simulator):
    token = sign_in.token()
    assert sign_in.token() == token
    assert simulator.control.count("token") == 1
    assert sign_in.token(force=True) != token
    assert simulator.control.count("token") == 2


def test_a_certificate_signs_in(account, simulator, credentials):
    made = simulator.new_certificate()
    certificate = Certificate(made.certificate, made.key)
    sign_in = SignIn(
        account.endpoints, dataclasses.replace(credentials, secret=None, certificate=certificate), timeout=60
    )
    assert sign_in.token()


def test_a_certificate_that_is_not_registered_says_which_keys(account, credentials):
    made = new_client_certificate("other")
    certificate = Certificate(made.certificate, made.key)
    sign_in = SignIn(
        account.endpoints, dataclasses.replace(credentials, secret=None, certificate=certificate), timeout=60
    )
    with pytest.raises(PersonNeeded, match=r"tls\.crt") as caught:
        sign_in.token()
    assert caught.value.reason == "CertificateInvalid"


@pytest.mark.parametrize(("pem", "key"), [("nonsense", "nonsense"), ("", "")])
def test_a_certificate_that_is_none_says_which_keys(account, credentials, pem, key):
    bad = dataclasses.replace(credentials, secret=None, certificate=Certificate(pem, key))
    with pytest.raises(PersonNeeded) as caught:
        SignIn(account.endpoints, bad, timeout=60).token()
    assert caught.value.reason == "CertificateInvalid"


def test_no_credentials_say_which_keys(account, credentials):
    with pytest.raises(PersonNeeded, match="clientSecret") as caught:
        SignIn(account.endpoints, dataclasses.replace(credentials, secret=None), timeout=60).token()
    assert caught.value.reason == "CredentialsMissing"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"secret": "wrong-secret"}, "ClientSecretInvalid"),
        ({"client_id": "nobody"}, "ApplicationNotFound"),
        ({"tenant_id": "no-such-tenant"}, "TenantNotFound"),
        ({"tenant_id": "common"}, "TenantNeeded"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrong_settings_need_a_person(account, credentials, changes, reason):
    with pytest.raises(PersonNeeded) as caught:
        SignIn(account.endpoints, dataclasses.replace(credentials, **changes), timeout=60).token()
    assert caught.value.reason == reason
    assert "secret" not in str(caught.value).replace("client secret", "").replace("Secret", "")


REFUSALS = [
    ("secret expired", "ClientSecretExpired"),
    ("application unknown", "ApplicationNotFound"),
    ("conditional access", "ConnectionLost"),
    ("consent withdrawn", "ConnectionLost"),
    ("tenant unknown", "TenantNotFound"),
]


@pytest.mark.parametrize(("fault", "reason"), REFUSALS)
def test_refusals_have_distinct_reasons(sign_in, simulator, fault, reason):
    simulator.control.add_faults(fault)
    with pytest.raises(PersonNeeded) as caught:
        sign_in.token()
    assert caught.value.reason == reason
    assert "Trace ID" not in str(caught.value)


def test_the_person_who_reads_of_an_expired_secret_learns_the_key(sign_in, simulator):
    simulator.control.add_faults("secret expired")
    with pytest.raises(PersonNeeded, match=r"key clientSecret of the credentials Secret"):
        sign_in.token()


@pytest.mark.parametrize("fault", ["sign-in unavailable", "sign-in throttled", "sign-in cut", "discovery unavailable"])
def test_an_outage_is_transient_and_nobody_asks_again_at_once(sign_in, simulator, fault):
    simulator.control.add_faults(fault)
    with pytest.raises(Transient):
        sign_in.token()
    simulator.control.reset_counters()
    with pytest.raises(Transient):
        sign_in.token()
    assert simulator.control.counters()["total"] == 0


def test_a_sign_in_that_takes_too_long_is_transient(account, credentials, simulator):
    simulator.control.add_faults({"like": "sign-in slow", "delay": 30.0})
    with pytest.raises(Transient):
        SignIn(account.endpoints, credentials, timeout=0.5).token()


def test_an_untrusted_certificate_says_so(account, credentials):
    endpoints = dataclasses.replace(account.endpoints, ca_file=certifi.where())
    with pytest.raises(Transient, match=r"set collector\.caBundle") as caught:
        SignIn(endpoints, credentials, timeout=60).token()
    assert caught.value.reason == "TlsFailed"


def test_certificates_to_trust_that_are_not_there_need_a_person(account, credentials, tmp_path):
    endpoints = dataclasses.replace(account.endpoints, ca_file=str(tmp_path / "ca.crt"))
    with pytest.raises(PersonNeeded, match=r"ca\.crt"):
        SignIn(endpoints, credentials, timeout=60)


def test_a_valid_token_outlives_an_outage(sign_in, simulator, monkeypatch):
    token = sign_in.token()
    # As when msal wants to renew it ahead of time.
    sign_in._authority.application.remove_tokens_for_client()
    simulator.control.add_faults({"like": "sign-in unavailable", "times": None})
    assert sign_in.token() == token
    with pytest.raises(Transient):
        sign_in.token(force=True)


def test_credentials_do_not_show_themselves(credentials):
    assert SECRET not in repr(credentials)
    assert "KEY" not in repr(Certificate("PEM", "KEY"))


def test_no_pod_pays_for_msal_before_it_signs_in():
    code = "import sys, bannette.onedrive; print('msal' in sys.modules, 'cryptography' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split()[0] == "False"
