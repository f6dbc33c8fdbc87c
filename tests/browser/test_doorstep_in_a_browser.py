"""Whoever has lost the link asks for it at the channel's page, in a real browser."""

from __future__ import annotations

import pytest

from tests.connect.office import NAME, NAMESPACE, PUBLIC, serving

pytestmark = pytest.mark.apiserver

PAGE = f"{PUBLIC}/c/{NAMESPACE}/{NAME}"
WORDS = {
    "en": ("The link is in your mail", "Send the mail again", "Look into your mail", "Have a new link sent"),
    "fr": (
        "Le lien est dans votre courriel",
        "Renvoyer le courriel",
        "Consultez vos courriels",
        "Recevoir un nouveau lien",
    ),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", WORDS)
def test_an_old_link_leads_to_a_page_that_has_a_new_one_sent(office, front, new_person, locale, scheme):
    office.open(locale=locale)
    asked = []
    heading, send, sent, new_link = WORDS[locale]
    person = new_person(locale=locale, color_scheme=scheme)
    with serving(office, remind=lambda *place: asked.append(place)) as port:
        front.behind = [port]
        person.open(office.link(days=-1))
        person.look(f"expired-with-mails.{locale}.{scheme}")
        person.press(new_link)
        assert person.heading == heading
        person.look(f"doorstep.{locale}.{scheme}")
        person.press(send)
        assert person.heading == sent
        person.look(f"sent.{locale}.{scheme}")
    assert asked == [(NAMESPACE, NAME)]


def test_without_mails_the_page_says_whom_to_ask(office, pages, new_person):
    person = new_person(locale="en")
    assert person.open(PAGE).status == 200
    assert "ask the company" in person.text
    person.look("doorstep-without-mails.en.light")
