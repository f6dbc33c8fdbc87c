"""What is sealed opens for its purpose and under its keys only."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from bannette.web.sealing import Keys

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
