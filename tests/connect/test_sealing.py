"""What is sealed opens for its purpose and under its keys only; and the pages' words in all languages."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bannette.connect import Keys
from bannette.connect.faults import Fault
from bannette.connect.pages import LANGUAGES, preferred_language, render

KEYS = Keys({"1": b"a" * 32, "2": b"b" * 32})


def test_what_is_sealed_opens_again():
    sealed = KEYS.seal("link", {"channel": "u", "expires": 5})
    assert KEYS.open("link", sealed) == {"channel": "u", "expires": 5, "key": "2"}


def test_it_opens_for_no_other_purpose_and_under_no_other_key():
    sealed = KEYS.seal("link", {"channel": "u"})
    assert KEYS.open("visit", sealed) is None
    assert Keys({"2": b"c" * 32}).open("link", sealed) is None
    assert Keys({"1": b"b" * 32}).open("link", sealed) is None


@given(st.text(max_size=300))
def test_nothing_else_opens(text):
    assert KEYS.open("link", text) is None


@given(st.data())
def test_no_change_of_a_character_opens(data):
    sealed = KEYS.seal("link", {"channel": "u", "expires": 5})
    # The last characters of each half hold bits that don't count.
    place = data.draw(st.integers(0, len(sealed) - 1).filter(lambda at: sealed[at] != "."))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_"))
    changed = sealed[:place] + other + sealed[place + 1 :]
    opened = KEYS.open("link", changed)
    assert opened is None or opened == KEYS.open("link", sealed)


def test_all_languages_have_the_same_words_with_the_same_gaps():
    english, french = (LANGUAGES[name].TEXTS for name in ("en", "fr"))
    assert english.keys() == french.keys()
    for key, text in english.items():
        gaps = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in (text, french[key])]
        assert gaps[0] == gaps[1], key
    assert {len(LANGUAGES[name].MONTHS) for name in LANGUAGES} == {12}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.text)
def test_every_fault_has_a_page_that_says_what_to_do(fault, language):
    page = render(
        "fault", language, {"fault": fault.text, "detail": "<x>", "admin_link": "", "again": "/c/a/b?t=1&lang=fr"}
    )
    assert f'<html lang="{language}">' in page
    assert page.count("<h1>") == 1
    assert "<x>" not in page


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr-CA,fr;q=0.9", "fr"),
        ("de,en;q=0.5,fr;q=0.4", "en"),
        ("", "en"),
        ("*", "en"),
        ("de, fr", "fr"),
        (";;,,", "en"),
    ],
)
def test_a_browsers_language_counts_where_no_recipient_is_known(accepted, language):
    assert preferred_language(accepted) == language
