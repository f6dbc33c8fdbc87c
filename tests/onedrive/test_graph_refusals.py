from __future__ import annotations

import base64
import json

import pytest

from bannette.errors import PersonNeeded, Transient
from bannette.onedrive.refusals import about_drive, claims_challenge, error_codes, refused
from bannette.onedrive.sign_in_refusals import application_refusal

# error, number: what the token endpoint says; reason.
SIGN_IN = [
    ("invalid_grant", 700082, "ConnectionLost"),
    ("invalid_grant", 70008, "ConnectionLost"),
    ("invalid_grant", 70000, "ConnectionLost"),
    ("invalid_grant", 50173, "ConnectionLost"),
    ("invalid_grant", 50133, "ConnectionLost"),
    ("invalid_grant", 70043, "ConnectionLost"),
    ("invalid_grant", 53003, "ConnectionLost"),
    ("invalid_grant", 50034, "ConnectionLost"),
    ("invalid_grant", 999999, "ConnectionLost"),
    ("interaction_required", 50076, "ConnectionLost"),
    ("consent_required", 65001, "ConnectionLost"),
    ("invalid_client", 7000215, "ClientSecretInvalid"),
    ("invalid_client", 7000222, "ClientSecretExpired"),
    ("invalid_client", 7000218, "CredentialsMissing"),
    ("invalid_client", 700027, "CertificateInvalid"),
    ("invalid_client", 999999, "SignInFailed"),
    ("unauthorized_client", 700016, "ApplicationNotFound"),
    ("invalid_request", 90002, "TenantNotFound"),
    ("invalid_request", 9001023, "TenantNeeded"),
    ("invalid_grant", 90094, "AdminConsentNeeded"),
    ("invalid_grant", 50020, "WrongKindOfAccount"),
    ("invalid_scope", 70011, "ScopeInvalid"),
    ("something_new", None, "SignInFailed"),
]


@pytest.mark.parametrize(("error", "number", "reason"), SIGN_IN)
def test_a_refused_sign_in_needs_a_person(error, number, reason):
    answer = {"error": error, "error_description": f"AADSTS{number}: marie@acme.example", "error_codes": [number]}
    found = application_refusal(answer if number else {"error": error}, client_id="app", tenant_id="tenant")
    assert isinstance(found, PersonNeeded)
    assert found.reason == reason
    assert "marie" not in str(found)


@pytest.mark.parametrize("number", [90033, 90006, 90012, 90024, 90055, 90090, 50033, 70012, 50196])
def test_some_refusals_pass_by_themselves(number):
    answer = {"error": "invalid_request", "error_description": f"AADSTS{number}: later"}
    assert isinstance(application_refusal(answer, client_id="app", tenant_id="tenant"), Transient)


@pytest.mark.parametrize("word", ["temporarily_unavailable", "server_error"])
def test_so_do_some_words(word):
    assert isinstance(application_refusal({"error": word}, client_id="app", tenant_id="tenant"), Transient)


def test_the_most_specific_code_comes_first():
    body = {"error": {"code": "a", "innerError": {"code": "b", "innererror": {"code": "c", "message": "Marie.pdf"}}}}
    assert error_codes(body) == ("c", "b", "a")
    assert error_codes({"error": "text"}) == error_codes(None) == error_codes([]) == ()


def test_a_refusal_never_repeats_the_text_of_the_answer():
    body = {"error": {"code": "itemNotFound", "message": "Marie.pdf"}}
    assert "Marie" not in str(refused(404, {"request-id": "r-1"}, body))
    assert "r-1" in str(refused(404, {"request-id": "r-1"}, body))


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"X-Virus-Infected": "x"}, None, True),
        ({}, {"error": {"code": "malwareDetected"}}, True),
        ({}, {"error": {"code": "accessDenied", "innerError": {"code": "virusSuspicious"}}}, True),
        ({}, {"error": {"code": "accessDenied"}}, False),
    ],
)
def test_malware_shows_in_a_header_or_a_code(headers, body, expected):
    assert refused(403, headers, body).malware is expected


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "itemNotFound", "DriveNotFound"),
        (400, "BadRequest", "DriveNotFound"),
        (403, "accessDenied", "AccessDenied"),
        (403, "resourceLocked", "DriveLocked"),
        (423, "x", "DriveLocked"),
    ],
)
def test_a_drive_that_cannot_be_read_has_distinct_reasons(status, code, reason):
    assert about_drive(refused(status, {}, {"error": {"code": code}})).reason == reason


def test_claims_are_read_from_the_challenge():
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}})
    encoded = base64.b64encode(claims.encode()).decode().rstrip("=")
    header = f'Bearer realm="", error="insufficient_claims", claims="{encoded}"'
    assert claims_challenge({"WWW-Authenticate": header}) == claims
    assert claims_challenge({"WWW-Authenticate": 'Bearer error="invalid_token"'}) is None
    assert claims_challenge({"WWW-Authenticate": 'error="insufficient_claims", claims="%%%"'}) is None
    assert claims_challenge({}) is None
