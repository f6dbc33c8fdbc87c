"""Data entry at a binder's inbox, in a real browser: a real binder behind a real reader."""

from __future__ import annotations

import pytest

from tests.browser.person import Person
from tests.connect.office import PUBLIC
from tests.console.conftest import api as api  # the fixtures
from tests.console.conftest import cluster as cluster
from tests.console.conftest import keys as keys
from tests.console.opened_inbox import opened as opened
from tests.console.opened_inbox import port as port
from tests.console.opened_inbox import served as served
from tests.console.served import Served

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

WORDS = {
    "en": {"sign_in": "Sign in", "done": "Mark as done", "back": "Put it back", "show": "Show", "runs": "All runs"},
    "fr": {
        "sign_in": "Se connecter", "done": "Marquer comme saisi", "back": "L’y remettre", "show": "Afficher",
        "runs": "Toutes les collectes",
    },
}  # fmt: skip


@pytest.fixture
def clerk(opened, front, port, new_person):
    """Opens a window on the inbox."""
    front.behind = [port]

    def open_inbox(locale: str, **options: object) -> Person:
        person: Person = new_person(locale=locale, **options)
        person.allowed = frozenset()
        person.open(f"{PUBLIC}/console/sign-in?next={opened.url()}")
        person.page.locator("[name=token]").fill(opened.company.token("clerk"))
        person.press(WORDS[locale]["sign_in"])
        return person

    return open_inbox


@pytest.mark.parametrize(("locale", "scheme"), [("en", "light"), ("fr", "dark")])
def test_a_document_is_found_read_done_and_put_back(opened: Served, clerk, locale, scheme):
    words, suffix = WORDS[locale], f"{locale}.{scheme}"
    person = clerk(locale, color_scheme=scheme)
    person.look(f"inbox.{suffix}")
    person.page.locator("[name=q]").fill("lefevre payer")
    person.press(words["show"])
    person.look(f"inbox-found.{suffix}")
    person.press("first.pdf")
    person.look(f"inbox-document.{suffix}")
    assert "Menuiserie Lefèvre, net à payer" in person.text
    person.press(words["done"])
    person.open(f"{PUBLIC}{opened.url('?state=done')}")
    person.look(f"inbox-done.{suffix}")
    person.press("first.pdf")
    person.look(f"inbox-document-done.{suffix}")
    person.press(words["back"])
    person.open(f"{PUBLIC}{opened.url('/runs')}")
    person.look(f"inbox-runs.{suffix}")


def test_markup_in_names_and_texts_stays_text_and_is_saved_not_shown(opened: Served, clerk):
    person = clerk("en")
    person.open(f"{PUBLIC}{opened.url('?q=script')}")
    person.page.get_by_role("link", name="<img src=x").click()
    person.page.locator("pre.read").wait_for()
    assert "<script>alert(1)</script>" in person.text
    person.look("inbox-hostile.en.light")
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name="Save the original").click()
    assert download.value.path().read_bytes() == b"<b>hostile</b>"


def test_a_keyboard_is_enough_at_the_inbox_and_shows_where_one_is(opened: Served, clerk):
    person = clerk("en")
    person.tab_to("Skip to the content")
    person.page.keyboard.press("Enter")
    person.page.locator("[name=q]").focus()
    person.page.keyboard.type("lefevre")
    person.press_enter()
    person.tab_to("first.pdf")
    person.press_enter()
    assert person.heading == "first.pdf"
    person.tab_to("Mark as done")
    person.press_enter()
    person.tab_to("Put it back")
    person.press_enter()
    assert person.heading == "first.pdf"
    person.tab_to("Mark as done")


def test_without_scripts_the_inbox_works(opened: Served, clerk):
    person = clerk("en", java_script_enabled=False)
    person.press("page 59.pdf")
    person.press("Mark as done")
    # The next document follows; that one may be put back from there.
    assert person.heading == "page 58.pdf"
    person.press("Put it back")
    assert person.heading == "page 59.pdf"
    assert not person.wrong
