"""The pages' words in all languages."""

from __future__ import annotations

import string

import pytest

from bannette.connect.faults import Fault
from bannette.connect.pages import WORDS, render
from bannette.notify.languages import LANGUAGES as TEXTS
from bannette.resources import Locale
from bannette.web.rendering import LANGUAGES


def test_all_languages_have_the_same_words_with_the_same_gaps():
    english, french = (WORDS[name] for name in ("en", "fr"))
    assert english.keys() == french.keys()
    for key, text in english.items():
        gaps = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in (text, french[key])]
        assert gaps[0] == gaps[1], key


@pytest.mark.parametrize("locale", Locale)
@pytest.mark.parametrize("name", ["company", "account", "folder", "channel"])
def test_a_page_calls_things_as_the_mail_does_that_leads_to_it(name, locale):
    assert WORDS[locale.value][name] == getattr(TEXTS[locale], name)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.text)
def test_every_fault_has_a_page_that_says_what_to_do(fault, language):
    page = render(
        "fault",
        language,
        {"fault": fault.text, "detail": "<x>", "in_words": "<y>", "admin_link": "", "again": "/c/a/b?t=1&lang=fr"},
    )
    assert f'<html lang="{language}">' in page
    assert page.count("<h1>") == 1
    assert "<x>" not in page
    assert "&lt;x&gt;" in page
    assert "&lt;y&gt;" in page
