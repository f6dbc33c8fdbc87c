"""Mails as people see them: each kind in both languages, at a desk and on a phone."""

from __future__ import annotations

import pytest

from bannette.notify import messages
from bannette.resources import Locale
from tests.browser.conftest import NewPerson
from tests.connect.office import PUBLIC
from tests.notify.mails import ask, every_mail, recipient

pytestmark = pytest.mark.apiserver

MAILS = [
    pytest.param(locale, name, mail, id=f"{name}-{locale}") for locale in Locale for name, mail in every_mail(locale)
]
LONG = "Dupont" * 33


def look_at(new_person: NewPerson, html: str, name: str) -> str:
    """Open a mail as a program for mails does, which loads nothing; look at it, and return its words."""
    person = new_person()
    person.page.route("**/*", lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=html))
    person.open(f"{PUBLIC}/mail")
    person.look(name)
    assert person.addresses == [f"{PUBLIC}/mail"]
    return person.text


@pytest.mark.parametrize(("locale", "name", "mail"), MAILS)
def test_a_mail_can_be_read_by_everybody(new_person, locale, name, mail):
    text = look_at(new_person, mail.html, f"mail-{name}.{locale}")
    assert "Acme" in text


@pytest.mark.parametrize("locale", Locale)
def test_names_without_a_blank_make_no_mail_wider_than_a_phone(new_person, locale):
    hostile = {"company": LONG, "folder": f"/{LONG}", "account": f"{LONG}@acme.example", "channel": LONG}
    mail = messages.connect_request(recipient(locale, name=LONG), [ask(**hostile)])
    assert LONG in look_at(new_person, mail.html, f"mail-long-names.{locale}")
