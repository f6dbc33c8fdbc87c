"""The page of a channel without its link: where the link is, and that it can be sent again; nothing of who or what."""

from __future__ import annotations

import pytest

from bannette.connect.doorstep import Reminder
from bannette.resources import Recipient
from tests.connect.office import NAME, NAMESPACE, PUBLIC, browser_of, serving, wait_until
from tests.connect.test_wrong_links import forged, tampered

pytestmark = pytest.mark.apiserver

PAGE = f"{PUBLIC}/c/{NAMESPACE}/{NAME}"
NOWHERE = f"{PUBLIC}/c/other/nothing"
HEADING, SENT = "The link is in your mail", "Look into your mail"


class Heard:
    """Notes for which channels mails were asked."""

    def __init__(self):
        self.places = []

    def __call__(self, namespace, name):
        self.places.append((namespace, name))


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def stranger(office, heard):
    """A browser, and pages that may not ask the API server anything."""
    with serving(office, api=office.api("https://127.0.0.1:1"), remind=heard) as port:
        yield browser_of(office, port)


def test_the_page_is_the_same_whether_there_is_a_channel_or_not(office, stranger, heard):
    office.open(company="Canary Company")
    for address in (PAGE, NOWHERE, f"{PAGE}?t="):
        page = stranger.open(address)
        assert (page.status, page.heading) == (200, HEADING)
        sent = stranger.send(page)
        assert (sent.status, sent.heading) == (200, SENT)
        assert "Canary" not in page.body + sent.body
        assert "@" not in page.text + sent.text
    assert heard.places == [(NAMESPACE, NAME), ("other", "nothing"), (NAMESPACE, NAME)]
    texts = [stranger.open(address).text for address in (PAGE, NOWHERE)]
    assert texts[0] == texts[1]


def test_it_is_in_both_languages(stranger):
    page = stranger.open(f"{PAGE}?lang=fr")
    assert page.heading == "Le lien est dans votre courriel"
    assert stranger.send(page).heading == "Consultez vos courriels"
    other = next(link for link in page.parsed.links if "lang=en" in link)
    assert stranger.open(other).heading == HEADING


@pytest.mark.parametrize("spoil", ["another browser", "another channel", "no form", "another site"])
def test_only_the_pages_own_form_has_a_mail_sent(office, stranger, heard, spoil):
    page = stranger.open(PAGE)
    fields, headers = dict(page.parsed.forms[0].fields), {}
    if spoil == "another browser":
        stranger.cookies["__Host-visitor"] = "x" * 43
    elif spoil == "another channel":
        fields["form"] = stranger.open(NOWHERE).parsed.forms[0].fields["form"]
    elif spoil == "no form":
        del fields["form"]
    else:
        headers["Sec-Fetch-Site"] = "cross-site"
    answer = stranger.request("POST", f"{PAGE}/mail", fields, headers)
    assert (answer.status, heard.places) == (403, [])


def test_a_name_that_no_channel_has_is_no_page(stranger, heard):
    page = stranger.open(f"{PUBLIC}/c/Acme/%2e%2e")
    assert (page.status, page.heading) == (404, "There is no such page")


def test_without_mails_it_says_whom_to_ask(office):
    with serving(office) as port:
        page = browser_of(office, port).open(PAGE)
    assert "ask the company" in page.text
    assert page.parsed.forms == []


@pytest.mark.parametrize("spoil", [tampered, forged, lambda link: link])
def test_a_link_that_opens_nothing_leads_there(office, heard, spoil):
    office.open(locale="en")
    with serving(office, remind=heard) as port:
        browser = browser_of(office, port)
        page = browser.open(spoil(office.link(days=-1)))
        (address,) = (link for link in page.parsed.links if link.startswith("/c/"))
        assert browser.open(address).heading == HEADING
    with serving(office) as port:
        page = browser_of(office, port).open(spoil(office.link(days=-1)))
    assert not any(link.startswith("/c/") for link in page.parsed.links), "nobody would send a mail"


def recipient(office):
    return Recipient.parse(office.api().within(NAMESPACE).get("recipients", "marie"))


def test_what_is_asked_for_is_asked_of_the_channels_recipient(office, simulator):
    office.open()
    reminder = Reminder(office.api())
    reminder.start()
    reminder.ask("other", "nothing")
    reminder.ask(NAMESPACE, NAME)
    reminder.stop()
    wait_until(lambda: not reminder.is_healthy(), "all that was asked for is done")
    (told,) = recipient(office).status.channels
    assert (told.name, told.uid) == (NAME, office.uid)
    assert told.requested_at is not None


def test_nobody_is_asked_for_an_application(office, simulator):
    office.open()
    office.delete("collectionchannels", NAME)
    account = {"tenantId": simulator.tenant_id, "user": simulator.user, "clientId": "x"}
    office.create_channel({"application": {**account, "credentialsSecret": {"name": "x"}}})
    Reminder(office.api()).remind(NAMESPACE, NAME)
    assert recipient(office).status.channels == ()


def test_strangers_who_ask_without_end_are_heard_so_often_only(office):
    office.open()
    reminder = Reminder(office.api())
    for number in range(500):
        reminder.ask(NAMESPACE, f"c-{number}")
    assert reminder._asked.qsize() == 100
