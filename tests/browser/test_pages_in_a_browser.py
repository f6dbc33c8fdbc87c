"""People connect their accounts in a real browser: at a desk, on a phone, by keyboard, without scripts, in the dark."""

from __future__ import annotations

import pytest

from tests.connect.office import NAME, PUBLIC, serving
from tests.connect.test_consent_pages import lost_by

pytestmark = pytest.mark.apiserver

HEADINGS = {
    "fr": ("Votre OneDrive est connecté", "Déconnecter compta@acme.example ?", "Votre OneDrive est déconnecté"),
    "en": ("Your OneDrive is connected", "Disconnect compta@acme.example?", "Your OneDrive is disconnected"),
}
BUTTONS = {
    "fr": ("Continuer chez Microsoft", "Déconnecter…", "Déconnecter"),
    "en": ("Continue to Microsoft", "Disconnect…", "Disconnect"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", HEADINGS)
def test_an_account_is_connected_and_disconnected(office, pages, new_person, locale, scheme):
    office.open(locale=locale)
    person = new_person(locale=locale, color_scheme=scheme)
    connected, confirm, gone = HEADINGS[locale]
    connect, disconnect, yes = BUTTONS[locale]
    assert person.open(office.link()).status == 200
    person.look(f"ask.{locale}.{scheme}")
    person.press(connect)
    person.agree(office.simulator.user)
    assert person.heading == connected
    person.look(f"connected.{locale}.{scheme}")
    assert office.connection.account == office.simulator.user
    person.press(disconnect)
    assert person.heading == confirm
    person.look(f"disconnect.{locale}.{scheme}")
    person.press(yes)
    assert person.heading == gone
    person.look(f"disconnected.{locale}.{scheme}")
    assert office.connection is None


@pytest.mark.parametrize(
    ("locale", "heading"), [("en", "The application is allowed"), ("fr", "L’application est autorisée")]
)
def test_an_administrator_who_agreed_is_thanked(office, pages, new_person, locale, heading):
    person = new_person(locale=locale)
    person.open(f"{PUBLIC}/callback?admin_consent=True&tenant={office.simulator.tenant_id}")
    assert person.heading == heading
    person.look(f"allowed.{locale}.light")


@pytest.mark.parametrize("locale", HEADINGS)
@pytest.mark.parametrize("reason", ["AdminConsentNeeded", "UserNotAssigned"])
def test_a_page_says_what_the_administrator_has_to_do(office, pages, new_person, locale, reason):
    office.open(locale=locale)
    person = new_person(locale=locale)
    person.open(office.link())
    person.press(BUTTONS[locale][0])
    person.agree(office.simulator.user)
    office.change("collectionchannels", NAME, lost_by(reason), status=True)
    person.open(office.link())
    assert office.simulator.client_id in person.page.locator(".notice").inner_text()
    person.look(f"ask-{reason}.{locale}.light")


def test_without_scripts_everything_works(office, pages, new_person):
    office.open(locale="en")
    person = new_person(java_script_enabled=False)
    person.open(office.link())
    person.press("Continue to Microsoft")
    person.agree(office.simulator.user)
    assert person.heading == "Your OneDrive is connected"
    person.press("Cette page en français")
    assert person.heading == "Votre OneDrive est connecté"
    person.press("Déconnecter…")
    person.press("Déconnecter")
    assert office.connection is None
    assert not person.wrong


def test_a_keyboard_is_enough_and_shows_where_one_is(office, pages, new_person):
    office.open(locale="en")
    person = new_person()
    person.open(office.link())
    person.page.keyboard.press("Tab")
    assert person.page.locator(":focus").inner_text() == "Skip to the content"
    assert person.page.locator(":focus").is_visible()
    person.page.keyboard.press("Enter")
    person.tab_to("Continue to Microsoft")
    person.press_enter()
    for name in (office.simulator.user, "Accept"):
        person.page.get_by_role("button", name=name).focus()
        person.press_enter()
    assert person.heading == "Your OneDrive is connected"
    person.tab_to("Disconnect…")
    person.press_enter()
    person.tab_to("Disconnect")
    person.press_enter()
    assert person.heading == "Your OneDrive is disconnected"
    person.tab_to("Connect again")


def test_whoever_comes_back_after_a_restart_is_connected(office, front, new_person):
    office.open(locale="en")
    office.simulator.control.settings(person_says="ask")
    person = new_person()
    with serving(office) as port:
        front.behind = [port]
        person.open(office.link())
        person.press("Continue to Microsoft")
    with serving(office) as port:
        front.behind = [port]
        person.agree(office.simulator.user)
        assert person.heading == "Your OneDrive is connected"
    assert office.connection is not None
    assert not person.wrong


def test_reading_the_page_again_after_the_sign_in_changes_nothing(office, pages, new_person):
    office.open(locale="en")
    person = new_person()
    person.open(office.link())
    person.press("Continue to Microsoft")
    person.agree(office.simulator.user)
    before = office.connection
    person.page.reload()
    assert person.heading == "Your OneDrive is connected"
    assert "code=" not in person.page.url
    assert office.connection == before


def test_no_token_and_no_code_stands_in_the_browser(office, pages, new_person, simulator):
    office.open(locale="en")
    person = new_person()
    person.open(office.link())
    person.press("Continue to Microsoft")
    person.agree(simulator.user)
    person.look("connected.en.light")
    issued = simulator.control.issued()
    assert len(issued) >= 4
    kept = str(person.page.context.storage_state())
    for secret in issued:
        assert secret not in kept
        assert not any(secret in source for source in person.seen)
        # Microsoft's answer has the code; nothing else, and no page of ours, has any.
        assert all(address.startswith(f"{PUBLIC}/callback?") for address in person.addresses if secret in address)


@pytest.mark.parametrize(("locale", "words"), [
    ("en", ("The link is in your mail", "Send the mail again", "Look into your mail")),
    ("fr", ("Le lien est dans votre courriel", "Renvoyer le courriel", "Consultez vos courriels")),
])  # fmt: skip
def test_whoever_comes_without_the_link_has_it_sent_again(office, front, new_person, locale, words):
    page, send, sent = words
    asked = []
    office.open(locale=locale)
    with serving(office, remind=lambda *channel: asked.append(channel)) as port:
        front.behind = [port]
        person = new_person(locale=locale)
        person.open(f"{PUBLIC}/c/acme/acme-onedrive")
        assert person.heading == page
        person.look(f"doorstep.{locale}.light")
        person.press(send)
        assert person.heading == sent
        person.look(f"sent.{locale}.light")
        person.open(office.link(days=-0.001))
        person.look(f"fault-expired-with-mail.{locale}")
        person.page.locator("main a.button").click()
        person.page.get_by_role("heading", name=page).wait_for()
    assert asked == [("acme", "acme-onedrive")]
