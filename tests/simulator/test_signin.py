"""Sign-in through the real msal."""

from __future__ import annotations

import time

import jwt
import msal
import pytest

SCOPE = "https://graph.microsoft.com/.default"
FILES = "https://graph.microsoft.com/Files.Read"


@pytest.fixture
def msal_options(simulator, monkeypatch) -> dict:
    # requests lets these variables win over Session.verify.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(simulator.ca_file))
    return {"authority": f"{simulator.origin}/{simulator.tenant_id}", "instance_discovery": False}


def confidential(simulator, options: dict, credential) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(simulator.client_id, client_credential=credential, **options)


def works(graph, token: str) -> bool:
    graph.token = token
    return graph.send("/v1.0/users/compta@acme.example/drive").status_code == 200


def test_a_secret_gives_a_token(simulator, graph, msal_options) -> None:
    application = confidential(simulator, msal_options, simulator.client_secret)
    answer = application.acquire_token_for_client([SCOPE])
    assert works(graph, answer["access_token"])
    assert application.acquire_token_for_client([SCOPE])["token_source"] == "cache"


def test_a_wrong_secret_is_an_invalid_client(simulator, msal_options) -> None:
    answer = confidential(simulator, msal_options, "wrong").acquire_token_for_client([SCOPE])
    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [7000215]
    assert answer["error_description"].startswith("AADSTS7000215: ")


def test_a_certificate_gives_a_token(simulator, graph, msal_options) -> None:
    made = simulator.new_certificate()
    credential = {"private_key": made.key, "public_certificate": made.certificate}
    answer = confidential(simulator, msal_options, credential).acquire_token_for_client([SCOPE])
    assert works(graph, answer["access_token"])


def test_a_certificate_that_is_not_registered_is_refused(simulator, msal_options) -> None:
    from simulator.certificates import new_client_certificate

    made = new_client_certificate("stranger")
    credential = {"private_key": made.key, "public_certificate": made.certificate}
    answer = confidential(simulator, msal_options, credential).acquire_token_for_client([SCOPE])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])


def test_the_old_sha1_form_of_the_assertion_is_refused(simulator, msal_options) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    made = simulator.new_certificate()
    thumbprint = x509.load_pem_x509_certificate(made.certificate.encode()).fingerprint(hashes.SHA1()).hex()
    credential = {"private_key": made.key, "thumbprint": thumbprint}
    answer = confidential(simulator, msal_options, credential).acquire_token_for_client([SCOPE])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"exp": 1}, 700024),
        ({"aud": "https://elsewhere.example/token"}, 700023),
        ({"iss": "another"}, 700021),
        ({"sub": "another"}, 700021),
        ({"jti": None}, 700027),
    ],
)
def test_an_assertion_with_wrong_claims_is_refused(simulator, graph, change: dict, number: int) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    made = simulator.new_certificate()
    endpoint = f"{simulator.origin}/{simulator.tenant_id}/oauth2/v2.0/token"
    fingerprint = x509.load_pem_x509_certificate(made.certificate.encode()).fingerprint(hashes.SHA256())
    thumbprint = jwt.utils.base64url_encode(fingerprint).decode()
    claims = {
        "aud": endpoint,
        "iss": simulator.client_id,
        "sub": simulator.client_id,
        "jti": "1",
        "exp": time.time() + 60,
    }
    claims = {name: value for name, value in (claims | change).items() if value is not None}
    form = {
        "client_id": simulator.client_id,
        "grant_type": "client_credentials",
        "scope": SCOPE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, made.key, algorithm="PS256", headers={"x5t#S256": thumbprint}),
    }
    answer = graph.send(endpoint, method="POST", token=False, data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [number])


@pytest.mark.parametrize(
    ("change", "error", "number"),
    [
        ({"client_id": "unknown"}, "unauthorized_client", 700016),
        ({"scope": "Files.Read"}, "invalid_scope", 70011),
        ({"client_secret": None}, "invalid_client", 7000218),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"tenant": "00000000-0000-0000-0000-000000000000"}, "invalid_request", 90002),
        ({"tenant": "common"}, "invalid_request", 9001023),
    ],
)
def test_refusals_are_worded_as_microsoft_words_them(simulator, graph, change: dict, error: str, number: int) -> None:
    form = {
        "tenant": simulator.tenant_id,
        "client_id": simulator.client_id,
        "client_secret": simulator.client_secret,
        "grant_type": "client_credentials",
        "scope": SCOPE,
    } | change
    tenant = form.pop("tenant")
    answer = graph.send(f"/{tenant}/oauth2/v2.0/token", method="POST", token=False, data=form).json()
    assert (answer["error"], answer["error_codes"]) == (error, [number])


def test_an_unknown_tenant_has_no_discovery(simulator, msal_options) -> None:
    options = msal_options | {"authority": f"{simulator.origin}/00000000-0000-0000-0000-000000000000"}
    with pytest.raises(ValueError, match="tenant"):
        confidential(simulator, options, simulator.client_secret)


def test_a_refresh_gives_a_new_refresh_token_and_the_old_one_still_works(simulator, graph, msal_options) -> None:
    first = simulator.control.sign_in()["refresh_token"]
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    answer = application.acquire_token_by_refresh_token(first, scopes=[FILES])
    assert works(graph, answer["access_token"])
    assert answer["refresh_token"] != first
    assert answer["id_token_claims"]["preferred_username"] == simulator.user
    assert "error" not in msal.PublicClientApplication(
        simulator.client_id, **msal_options
    ).acquire_token_by_refresh_token(first, scopes=[FILES])
    assert application.get_accounts()[0]["username"] == simulator.user
    assert application.acquire_token_silent([FILES], account=application.get_accounts()[0])["token_source"] == "cache"


def test_a_revoked_refresh_token_is_an_invalid_grant(simulator, msal_options) -> None:
    first = simulator.control.sign_in()["refresh_token"]
    simulator.control.revoke_refresh_tokens()
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    answer = application.acquire_token_by_refresh_token(first, scopes=[FILES])
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [70000])


def code_flow(simulator, graph, application, redirect_uri: str, **options) -> tuple[dict, dict]:
    """Visit the authorize page; return msal's flow and what the callback is called with."""
    from urllib.parse import parse_qsl, urlsplit

    flow = application.initiate_auth_code_flow([FILES], redirect_uri=redirect_uri, **options)
    answer = graph.send(flow["auth_uri"], token=False)
    assert answer.status_code == 302, answer.text
    return flow, dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


CALLBACK = "https://connect.example/callback"


def test_a_code_gives_a_public_client_its_tokens_without_a_secret(simulator, graph, msal_options) -> None:
    simulator.control.application(redirect_uris={CALLBACK: "public"})
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow, callback = code_flow(simulator, graph, application, CALLBACK, login_hint=simulator.user)
    answer = application.acquire_token_by_auth_code_flow(flow, callback)
    assert works(graph, answer["access_token"])
    assert answer["refresh_token"]
    again = application.acquire_token_by_auth_code_flow(flow, callback)
    assert (again["error"], again["error_codes"]) == ("invalid_grant", [54005])


@pytest.mark.parametrize(
    ("platform", "with_secret", "number"), [("web", False, 7000218), ("spa", False, 9002327), ("public", True, 700025)]
)
def test_the_platform_of_the_redirect_uri_decides(
    simulator, graph, msal_options, platform: str, with_secret: bool, number: int
) -> None:
    simulator.control.application(redirect_uris={CALLBACK: platform})
    application = (
        confidential(simulator, msal_options, simulator.client_secret)
        if with_secret
        else msal.PublicClientApplication(simulator.client_id, **msal_options)
    )
    flow, callback = code_flow(simulator, graph, application, CALLBACK)
    assert application.acquire_token_by_auth_code_flow(flow, callback)["error_codes"] == [number]


def test_a_wrong_verifier_is_refused(simulator, graph, msal_options) -> None:
    simulator.control.application(redirect_uris={CALLBACK: "public"})
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow, callback = code_flow(simulator, graph, application, CALLBACK)
    flow["code_verifier"] = "x" * 43
    answer = application.acquire_token_by_auth_code_flow(flow, callback)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [501481])


def test_a_confidential_client_refreshes_with_its_secret_only(simulator, graph, msal_options) -> None:
    simulator.control.application(redirect_uris={CALLBACK: "web"})
    application = confidential(simulator, msal_options, simulator.client_secret)
    flow, callback = code_flow(simulator, graph, application, CALLBACK)
    refresh = application.acquire_token_by_auth_code_flow(flow, callback)["refresh_token"]
    assert "access_token" in application.acquire_token_by_refresh_token(refresh, scopes=[FILES])
    public = msal.PublicClientApplication(simulator.client_id, **msal_options)
    assert public.acquire_token_by_refresh_token(refresh, scopes=[FILES])["error_codes"] == [7000218]


@pytest.mark.parametrize(("says", "error"), [("no", "access_denied"), ("admin", "consent_required")])
def test_a_person_refuses_or_may_not_agree(simulator, graph, msal_options, says: str, error: str) -> None:
    simulator.control.application(redirect_uris={CALLBACK: "public"})
    simulator.control.settings(person_says=says)
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    _, callback = code_flow(simulator, graph, application, CALLBACK)
    assert callback["error"] == error
    assert callback["state"]


@pytest.mark.parametrize(("says", "given"), [("yes", "code"), ("no", "error")])
def test_pages_ask_the_person_where_the_settings_leave_it_to_them(
    simulator, graph, msal_options, says: str, given: str
) -> None:
    from urllib.parse import parse_qsl, urlencode, urlsplit

    simulator.control.application(redirect_uris={CALLBACK: "public"})
    simulator.control.person("paul@acme.example")
    simulator.control.settings(person_says="ask")
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow = application.initiate_auth_code_flow([FILES], redirect_uri=CALLBACK, login_hint=simulator.user)
    page = graph.send(flow["auth_uri"], token=False).text
    assert page.index(f">{simulator.user}</button>") < page.index(">paul@acme.example</button>")
    parts = urlsplit(flow["auth_uri"])
    query = [*parse_qsl(parts.query), ("simulated_account", "paul@acme.example")]
    page = graph.send(parts._replace(query=urlencode(query)).geturl(), token=False).text
    assert "Read your files" in page
    query.append(("simulated_answer", says))
    away = graph.send(parts._replace(query=urlencode(query)).geturl(), token=False).headers["Location"]
    callback = dict(parse_qsl(urlsplit(away).query))
    assert given in callback
    assert callback["state"] == flow["state"]
    if says == "yes":
        answer = application.acquire_token_by_auth_code_flow(flow, callback)
        assert answer["id_token_claims"]["preferred_username"] == "paul@acme.example"
        tokens = {answer[name] for name in ("access_token", "refresh_token", "id_token")}
        assert {*tokens, callback["code"]} <= set(simulator.control.issued())


def test_an_unknown_redirect_uri_shows_a_page_and_calls_nobody(simulator, graph, msal_options) -> None:
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow = application.initiate_auth_code_flow([FILES], redirect_uri="https://unknown.example/")
    answer = graph.send(flow["auth_uri"], token=False)
    assert answer.status_code == 400
    assert "AADSTS50011" in answer.text


def test_form_post_answers_with_a_form(simulator, graph, msal_options) -> None:
    simulator.control.application(redirect_uris={CALLBACK: "public"})
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow = application.initiate_auth_code_flow([FILES], redirect_uri=CALLBACK, response_mode="form_post")
    page = graph.send(flow["auth_uri"], token=False).text
    assert f'action="{CALLBACK}"' in page
    assert f'name="state" value="{flow["state"]}"' in page


@pytest.mark.parametrize(("decline", "outcome"), [(False, "access_token"), (True, "authorization_declined")])
def test_a_device_code_waits_for_the_person(simulator, msal_options, decline: bool, outcome: str) -> None:
    application = msal.PublicClientApplication(simulator.client_id, **msal_options)
    flow = application.initiate_device_flow([FILES])
    pending = application.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert pending["error"] == "authorization_pending"
    simulator.control.answer_devices(decline=decline)
    answer = application.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert outcome in answer or answer.get("error") == outcome


def test_sign_in_faults_reach_msal(simulator, msal_options) -> None:
    application = confidential(simulator, msal_options, simulator.client_secret)
    simulator.control.add_faults("sign-in unavailable")
    with pytest.raises(msal.exceptions.MsalServiceError):
        application.acquire_token_for_client([SCOPE])
    simulator.control.add_faults("secret expired")
    other = confidential(simulator, msal_options, simulator.client_secret)
    assert other.acquire_token_for_client([SCOPE])["error_codes"] == [7000222]
