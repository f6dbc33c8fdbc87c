"""What Microsoft, or the person there, refuses: the page says who can do what about it."""

from __future__ import annotations

import base64

import pytest

from tests.connect.office import PUBLIC

pytestmark = pytest.mark.apiserver


@pytest.mark.behaviour(4)
def test_another_account_is_not_taken(office, browser, simulator):
    office.open()
    simulator.control.person("paul@acme.example")
    simulator.control.settings(person="paul@acme.example")
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "C’était un autre compte")
    assert "paul" not in page.body
    assert "loginHint" not in page.text
    assert office.connection is None
    simulator.control.settings(person="")
    again = browser.open(page.parsed.links[-1])
    assert browser.send(again).heading == "Votre OneDrive est connecté"


@pytest.mark.behaviour(4)
def test_another_name_of_the_same_account_is_another_account(office, browser, simulator):
    """Microsoft may let people sign in by an alias; what it calls the account then is what counts."""
    simulator.control.settings(person=simulator.user)
    office.open(locale="en", loginHint="facturation@acme.example")
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "That was another account")
    assert simulator.user not in page.body
    assert office.connection is None


@pytest.mark.behaviour(4)
def test_the_named_account_may_be_spelled_in_other_case(office, browser, simulator):
    office.open(locale="en", loginHint=simulator.user.title())
    assert simulator.user.title() != simulator.user
    page = browser.send(browser.open(office.link()))
    assert page.heading == "Your OneDrive is connected"
    assert office.connection.account == simulator.user
    assert browser.open(office.link()).heading == "Your OneDrive is connected"


def test_a_channel_that_names_another_account_now_asks_for_that_one(office, browser, simulator):
    office.open()
    browser.send(browser.open(office.link()))
    simulator.control.person("paul@acme.example")
    account = {"delegated": {"loginHint": "paul@acme.example", "clientId": simulator.client_id}}
    office.change("collectionchannels", "acme-onedrive", {"spec": {"onedrive": {"account": account}}})
    page = browser.open(office.link())
    assert "paul@acme.example" in page.text
    assert browser.send(page).heading == "Votre OneDrive est connecté"
    assert office.connection.account == "paul@acme.example"


def test_another_person_of_the_same_name_is_not_taken(office, browser, simulator):
    office.open(locale="en")
    browser.send(browser.open(office.link()))
    before = office.connection
    assert before is not None
    body = office.secret
    # As if the account had been made anew at Microsoft.
    tokens = before.tokens.replace('"home_account_id": "', '"home_account_id": "0')
    body["data"]["token-cache"] = encoded(tokens)
    office.api().within("acme").put("secrets", body["metadata"]["name"], body)
    lost = {"type": "Connected", "status": "False", "reason": "AccountGone", "message": "It is gone."}
    office.change(
        "collectionchannels",
        "acme-onedrive",
        {"status": {"conditions": [{**lost, "lastTransitionTime": "2099-01-01T00:00:00Z"}]}},
        status=True,
    )
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "That isn’t the account of before")
    assert office.connection is not None
    assert office.connection.id == before.id
    # The page says what to do if it is the right one, and that leads there.
    assert "disconnect the earlier one, and connect again" in page.text
    asked = browser.open(page.parsed.links[-1])
    assert asked.heading == "Acme &amp; Fils asks to collect documents from your OneDrive"
    (disconnect,) = (link for link in asked.parsed.links if "/disconnect?" in link)
    assert browser.send(browser.open(disconnect)).heading == "Your OneDrive is disconnected"
    browser.send(browser.open(office.link()))
    assert office.connection is not None
    assert office.connection.id != before.id


@pytest.mark.behaviour(3)
def test_who_declines_is_told_that_nothing_happens(office, browser, simulator):
    office.open()
    simulator.control.settings(person_says="no")
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "Vous avez refusé")
    assert "AADSTS" not in page.text, "a line for somebody else, who can do nothing about it"
    assert office.connection is None
    assert not any("flow" in one for one in office.pending.values()), "the sign-in could be answered once more"
    simulator.control.settings(person_says="yes")
    assert browser.send(browser.open(page.parsed.links[-1])).heading == "Votre OneDrive est connecté"


@pytest.mark.behaviour(3)
def test_an_administrator_gets_a_link_to_agree_by(office, browser, simulator):
    office.open(locale="en")
    simulator.control.settings(person_says="admin")
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "Your administrator must agree")
    back = "redirect_uri=https%3A%2F%2Fconnect.bannette.example%2Fcallback"
    link = f"{simulator.origin}/organizations/adminconsent?client_id={simulator.client_id}&{back}"
    assert link in page.parsed.links
    assert link in page.text
    thanks = browser.open(f"{PUBLIC}/callback?admin_consent=True&tenant={simulator.tenant_id}")
    assert (thanks.status, thanks.heading) == (200, "The application is allowed")
    simulator.control.settings(person_says="yes")
    (again,) = (link for link in page.parsed.links if "t=" in link and "lang=en" in link)
    assert browser.send(browser.open(again)).heading == "Your OneDrive is connected"


@pytest.mark.parametrize("mark", ["True", "true"])
def test_an_administrator_who_declines_is_not_told_that_the_application_is_allowed(browser, mark):
    """Microsoft marks every answer of that page as one about an administrator's consent, refusals too."""
    refusal = f"error=consent_required&error_description=AADSTS65004%3a+canary&admin_consent={mark}&tenant=t"
    page = browser.open(f"{PUBLIC}/callback?{refusal}")
    assert (page.status, page.heading) == (403, "The application isn’t allowed")
    assert "open the address that you were sent once more" in page.text
    assert "canary" not in page.body


# how the application is registered -> what the page tells whoever can put it right
REGISTRATIONS = {
    "web": ("AADSTS7000218", f"register the redirect URI {PUBLIC}/callback under Mobile and desktop applications"),
    "spa": ("AADSTS9002327", "not under Single-page application"),
}


@pytest.mark.behaviour(2)
@pytest.mark.parametrize("platform", REGISTRATIONS)
def test_a_wrong_registration_is_told_with_its_number_and_what_to_change(office, browser, simulator, platform):
    simulator.control.application(redirect_uris={f"{PUBLIC}/callback": platform})
    office.open()
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "Un réglage est incorrect")
    for told in REGISTRATIONS[platform]:
        assert told in page.text
    assert office.connection is None


def test_a_secret_that_is_wrong_is_told_without_being_shown(office, browser, simulator):
    simulator.control.application(redirect_uris={f"{PUBLIC}/callback": "web"})
    office.create_secret("acme-app", data={"clientSecret": "canary-secret"})
    office.open(credentialsSecret={"name": "acme-app"})
    page = browser.send(browser.open(office.link()))
    assert page.heading == "Un réglage est incorrect"
    assert "AADSTS7000215" in page.text
    assert "canary" not in page.body


@pytest.mark.behaviour(2)
def test_a_secret_of_a_public_application_is_told_to_be_left_out(office, browser, simulator):
    office.create_secret("acme-app", data={"clientSecret": simulator.client_secret})
    office.open(locale="en", credentialsSecret={"name": "acme-app"})
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "Something is set up wrongly")
    assert "AADSTS700025" in page.text
    assert "leave credentialsSecret out" in page.text
    assert office.connection is None


@pytest.mark.parametrize("how", ["no Secret", "no credentials in it", "no clientId"])
def test_what_the_installation_lacks_is_told_by_a_word(office, browser, how):
    if how == "no credentials in it":
        office.create_secret("acme-app", data={"other": "x"})
    office.open(**({"clientId": None} if how == "no clientId" else {"credentialsSecret": {"name": "acme-app"}}))
    page = browser.send(browser.open(office.link()))
    assert (page.status, page.heading) == (403, "Un réglage est incorrect")
    word = {"no Secret": "NotFound", "no credentials in it": "CredentialsMissing", "no clientId": "ClientIdMissing"}
    assert word[how] in page.text
    assert "acme-app" not in page.text


@pytest.mark.parametrize("fault", ["sign-in unavailable", "sign-in throttled", "sign-in cut"])
def test_while_the_sign_in_is_away_the_page_says_when_to_come_back(office, browser, simulator, fault):
    office.open()
    page = browser.open(office.link())
    simulator.control.add_faults(fault)
    answer = browser.send(page)
    assert (answer.status, answer.heading) == (503, "Indisponible pour le moment")
    assert int(answer.headers["Retry-After"]) > 0
    simulator.control.remove_faults()
    assert browser.send(page).heading == "Votre OneDrive est connecté"


def encoded(text):
    return base64.b64encode(text.encode()).decode()
