"""The whole way of a person who opens a link: the page, Microsoft, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from bannette.accounts import ConnectionSecret
from bannette.errors import PersonNeeded
from bannette.onedrive import Client, DelegatedSignIn, endpoints_for, pinned_account
from bannette.resources import Schedule, format_time
from bannette.web.rendering import date_in
from tests.connect.office import NAME, NAMESPACE, PUBLIC, SECRET, browser_of, serving, wait_until

pytestmark = pytest.mark.apiserver


def test_a_person_connects_the_account_and_the_tokens_are_in_the_secret(office, browser, simulator):
    office.open()
    page = browser.open(office.link())
    assert (page.status, page.headers["Content-Language"]) == (200, "fr")
    for told in ("Acme & Fils", "/Factures", simulator.user, NAME, "Files.Read"):
        assert told in page.text
    done = browser.send(page)
    assert (done.status, done.heading) == (200, "Votre OneDrive est connecté")
    assert simulator.user in done.text
    assert "dans quelques minutes" in done.text
    connection = office.connection
    assert connection is not None
    assert connection.account == simulator.user
    assert pinned_account(connection.tokens)["username"] == simulator.user
    assert (datetime.now(UTC) - connection.connected_at).total_seconds() < 60
    assert office.pending == {}
    # The visit's cookie goes; the link shows the state from now on.
    assert list(browser.cookies) == ["__Host-visitor"]
    assert browser.open(office.link()).heading == "Votre OneDrive est connecté"


def test_the_next_collection_is_not_on_the_day_of_the_first(office, browser):
    def the_one_after_today():
        schedule, now = Schedule("05:30", "Europe/Paris"), datetime.now(UTC)
        at = schedule.next_run(now)
        return at if schedule.local_day(at) != schedule.local_day(now) else schedule.next_run(at)

    office.open()
    # The day may end meanwhile.
    before = the_one_after_today()
    done = browser.send(browser.open(office.link()))
    expected = {date_in("fr", at, "Europe/Paris") for at in (before, the_one_after_today())}
    assert any(f"Prochaine collecte {at}" in done.text for at in expected), done.text


def test_microsoft_is_asked_for_one_permission_with_a_challenge_and_no_more(office, browser, simulator):
    office.open()
    url = browser.stop_at(browser.open(office.link()), simulator.origin)
    asked = dict(parse_qsl(urlsplit(url).query))
    permissions = {word.rpartition("/")[2] for word in asked["scope"].split()}
    assert permissions == {"Files.Read", "offline_access", "openid", "profile"}
    assert (asked["redirect_uri"], asked["response_mode"]) == (f"{PUBLIC}/callback", "query")
    assert (asked["code_challenge_method"], asked["prompt"]) == ("S256", "select_account")
    assert asked["state"]
    assert asked["nonce"]


@pytest.mark.parametrize(
    ("locale", "chosen", "language"), [("fr", "", "fr"), ("en", "", "en"), ("fr", "en", "en"), ("en", "fr", "fr")]
)
def test_pages_speak_the_recipients_language_or_the_chosen_one(office, browser, locale, chosen, language):
    office.open(locale=locale)
    page = browser.open(office.link() + (f"&lang={chosen}" if chosen else ""))
    assert f'<html lang="{language}">' in page.body
    done = browser.send(page)
    assert f'<html lang="{language}">' in done.body
    other = next(link for link in page.parsed.links if "lang=" in link)
    assert f'<html lang="{language}">' not in browser.open(other).body


def test_an_account_is_disconnected_on_its_page_and_connected_again(office, browser):
    office.open(locale="en")
    first = browser.send(browser.open(office.link()))
    before = office.connection
    confirm = browser.open(next(link for link in first.parsed.links if "/disconnect" in link))
    assert confirm.heading == "Disconnect compta@acme.example?"
    assert office.connection == before
    gone = browser.send(confirm)
    assert gone.heading == "Your OneDrive is disconnected"
    assert office.connection is None
    assert not office.secret.get("data")
    assert list(office.secret["metadata"]["annotations"]) == ["bannette.io/disconnection"]
    assert browser.send(browser.open(office.link())).heading == "Your OneDrive is connected"
    assert office.connection is not None
    assert before is not None
    assert office.connection.id != before.id


def test_a_run_reads_by_what_the_page_kept_and_ends_when_the_page_disconnects(office, browser, simulator):
    office.open(locale="en")
    simulator.control.settings(token_seconds=0)
    done = browser.send(browser.open(office.link()))
    simulator.control.settings(token_seconds=3599)
    store = ConnectionSecret(office.api().within(NAMESPACE), channel=NAME)
    connection = store.load()
    assert connection is not None
    endpoints = endpoints_for("Global", simulator.environment)
    tokens = DelegatedSignIn(endpoints, Client(simulator.client_id), store, connection)
    assert tokens.token()
    assert office.connection.id == connection.id
    browser.send(browser.open(next(link for link in done.parsed.links if "/disconnect" in link)))
    with pytest.raises(PersonNeeded) as ended:
        tokens.token(force=True)
    assert ended.value.reason == "NotConnected"
    assert office.connection is None


def test_connecting_again_makes_a_new_connection_and_keeps_what_else_is_in_the_secret(office, browser):
    office.open()
    browser.send(browser.open(office.link()))
    first = office.connection
    body = office.secret
    body["data"]["other"] = "a2VwdA=="
    office.api().within(NAMESPACE).put("secrets", body["metadata"]["name"], body)
    office.change("collectionchannels", NAME, lost_by("PasswordChanged"), status=True)
    page = browser.open(office.link())
    assert "identifiez-vous de nouveau" in page.text
    browser.send(page)
    second = office.connection
    assert first is not None
    assert second is not None
    assert second.id != first.id
    assert office.secret["data"]["other"] == "a2VwdA=="


@pytest.mark.parametrize("reason", ["AdminConsentNeeded", "UserNotAssigned"])
def test_what_an_administrator_has_to_do_first_is_said_where_the_client_would_sign_in(office, browser, reason):
    office.open()
    browser.send(browser.open(office.link()))
    office.change("collectionchannels", NAME, lost_by(reason), status=True)
    page = browser.open(office.link())
    notice = page.text.partition("Continuer chez Microsoft")[0]
    back = "redirect_uri=https%3A%2F%2Fconnect.bannette.example%2Fcallback"
    agree = f"{office.simulator.origin}/organizations/adminconsent?client_id={office.simulator.client_id}&{back}"
    assert (agree in page.parsed.links) == (reason == "AdminConsentNeeded")
    assert (f"d’affecter {office.simulator.user} à l’application {office.simulator.client_id}" in notice) == (
        reason == "UserNotAssigned"
    )
    assert "identifiez-vous de nouveau" not in notice


def test_a_sign_in_that_was_lost_while_the_operator_was_away_is_asked_for(office, browser):
    office.open(locale="en")
    long_ago = {"lastTransitionTime": "2026-11-01T00:00:00Z"}
    lost = {"type": "Connected", "status": "False", "reason": "PasswordChanged", "message": "It was lost.", **long_ago}
    office.change("collectionchannels", NAME, {"status": {"conditions": [lost]}}, status=True)
    done = browser.send(browser.open(office.link()))
    assert done.heading == "Your OneDrive is connected", "the operator hasn't seen the sign-in yet"
    # It has never said that this one held, so it has lost none since.
    connection = {"account": office.simulator.user, "connectedAt": format_time(office.connection.connected_at)}
    office.change("collectionchannels", NAME, {"status": {"connection": connection}}, status=True)
    page = browser.open(office.link())
    assert page.heading == "Acme &amp; Fils asks to collect documents from your OneDrive"
    assert "doesn’t accept that connection any more" in page.text


def lost_by(reason: str) -> dict[str, object]:
    """Return a channel's status by which its connection was lost after any sign-in."""
    since = {"status": "False", "lastTransitionTime": "2099-01-01T00:00:00Z"}
    return {"status": {"conditions": [{"type": "Connected", "reason": reason, "message": "It was lost.", **since}]}}


def test_a_channel_that_has_been_collected_shows_when_and_when_again(office, browser):
    office.open(locale="en")
    run = {
        "id": "r1",
        "trigger": "Scheduled",
        "startedAt": "2026-11-24T04:30:00Z",
        "completedAt": "2026-11-24T04:31:00Z",
        "result": "Succeeded",
        "reason": "Collected",
    }
    office.change("collectionchannels", NAME, {"status": {"lastRun": run}}, status=True)
    done = browser.send(browser.open(office.link()))
    assert "24 November 2026, 05:30 (Europe/Paris)" in done.text
    assert "first collection" not in done.text
    office.change("collectionchannels", NAME, {"spec": {"suspend": True}})
    assert "has paused collections" in browser.open(office.link()).text


def test_a_confidential_application_shows_its_secret(office, browser, simulator):
    simulator.control.application(redirect_uris={f"{PUBLIC}/callback": "web"})
    office.create_secret("acme-app", data={"clientSecret": f"{simulator.client_secret}\n"})
    office.open(credentialsSecret={"name": "acme-app"})
    assert browser.send(browser.open(office.link())).heading == "Votre OneDrive est connecté"


RIGHTS = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: connect, namespace: acme}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: connect, namespace: acme}
rules:
  - {apiGroups: [bannette.io], resources: [collectionchannels, binders, recipients], verbs: [get, list, watch]}
  - {apiGroups: [bannette.io], resources: [collectionchannels/status], resourceNames: [acme-onedrive], verbs: [patch]}
  - {apiGroups: [""], resources: [secrets], resourceNames: [acme-onedrive-onedrive], verbs: [get, update]}
  - {apiGroups: [""], resources: [secrets], resourceNames: [acme-app], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: connect, namespace: acme}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: connect}
subjects: [{kind: ServiceAccount, name: connect, namespace: acme}]
"""


def test_the_rights_that_the_docs_name_are_enough_and_without_them_nothing_is_told(office, simulator):
    simulator.control.application(redirect_uris={f"{PUBLIC}/callback": "web"})
    office.create_secret("acme-app", data={"clientSecret": simulator.client_secret})
    office.open(credentialsSecret={"name": "acme-app"})
    office.server.apply(RIGHTS)
    token = office.server.kubectl("create", "token", "connect", "-n", NAMESPACE).strip()
    with serving(office, api=office.api(token=token)) as port:
        browser = browser_of(office, port)
        # The API server takes a moment to go by rights that are new, or gone.
        wait_until(lambda: browser.open(office.link()).status == 200, "the rights are there")
        done = browser.send(browser.open(office.link()))
        assert done.heading == "Votre OneDrive est connecté"
        confirm = browser.open(next(link for link in done.parsed.links if "/disconnect" in link))
        assert browser.send(confirm).heading == "Votre OneDrive est déconnecté"
        office.server.kubectl("delete", "rolebinding", "connect", "-n", NAMESPACE)
        wait_until(lambda: browser.open(office.link()).status == 403, "the rights are gone")
        page = browser.open(office.link())
    assert (page.status, page.heading) == (403, "Something is set up wrongly")
    assert "Forbidden" in page.text
    assert SECRET not in page.text


def test_a_confidential_application_signs_by_its_certificate(office, browser, simulator):
    simulator.control.application(redirect_uris={f"{PUBLIC}/callback": "web"})
    made = simulator.new_certificate()
    office.create_secret("acme-app", data={"tls.crt": made.certificate, "tls.key": made.key})
    office.open(credentialsSecret={"name": "acme-app"})
    assert browser.send(browser.open(office.link())).heading == "Votre OneDrive est connecté"


def test_a_personal_account_is_connected_by_the_same_page(office, browser, simulator):
    simulator.control.person("marie@outlook.example", flavour="personal")
    simulator.control.settings(person="marie@outlook.example", bare_scopes=True)
    office.open(locale="en", loginHint="marie@outlook.example")
    page = browser.open(office.link())
    # Microsoft leads these people on to another origin of its own, which the form must be let go to.
    assert page.policy("form-action") == ["'self'", simulator.origin, "https://login.live.com"]
    assert browser.send(page).heading == "Your OneDrive is connected"
    connection = office.connection
    assert connection is not None
    assert connection.account == "marie@outlook.example"
    # The tenant of all personal accounts.
    home = pinned_account(connection.tokens)["home_account_id"]
    assert home.endswith(".9188040d-6c67-4c5b-b112-36a304b66dad")


def test_a_channel_without_client_id_uses_the_installations(office, simulator):
    office.open(clientId=None)
    with serving(office, BANNETTE_CLIENT_ID=simulator.client_id) as port:
        browser = browser_of(office, port)
        assert browser.send(browser.open(office.link())).heading == "Votre OneDrive est connecté"


def test_names_are_escaped(office, browser):
    office.open(company='<script>alert("x")</script>')
    page = browser.open(office.link())
    assert "<script" not in page.body
    assert '<script>alert("x")</script>' in page.text


def test_every_page_says_what_browsers_must_not_do(office, browser):
    office.open()
    browser.send(browser.open(office.link()))
    browser.open("/static/style.css")
    browser.open("/nothing")
    for page in (page for page in browser.seen if page.url.startswith(PUBLIC)):
        assert page.policy("default-src") == ["'none'"]
        assert page.policy("frame-ancestors") == ["'none'"]
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        assert page.headers["Server"] is None or "uvicorn" not in page.headers["Server"]
        for tag, attributes in page.parsed.tags:
            assert tag not in ("script", "style", "iframe")
            assert not {"style", "onclick", "onload"} & attributes.keys()
            source = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
            assert source is None or source.startswith("/static/")
