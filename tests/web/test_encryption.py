"""What is encrypted can be read for its purpose and under its keys only, and never from the text itself."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from bannette.web.encryption import decrypt, encrypt
from bannette.web.sealing import Keys

KEYS = Keys({"1": b"a" * 32, "2": b"b" * 32})


@given(st.binary(max_size=300))
def test_what_is_encrypted_is_read_again_and_looks_different_each_time(data):
    first, second = encrypt(KEYS, "session", data), encrypt(KEYS, "session", data)
    assert decrypt(KEYS, "session", first) == decrypt(KEYS, "session", second) == data
    assert first != second


def test_it_is_read_for_no_other_purpose_and_under_no_other_key():
    text = encrypt(KEYS, "session", b"token")
    assert decrypt(KEYS, "link", text) is None
    assert decrypt(Keys({"2": b"c" * 32}), "session", text) is None
    assert decrypt(Keys({"1": b"b" * 32}), "session", text) is None
    # Without the newest key, an earlier one still reads what it encrypted.
    earlier = encrypt(Keys({"1": b"a" * 32}), "session", b"token")
    assert decrypt(KEYS, "session", earlier) == b"token"


@given(st.text(max_size=300))
def test_nothing_else_is_read(text):
    assert decrypt(KEYS, "session", text) is None


@given(st.data())
def test_no_change_of_a_character_is_read(data):
    text = encrypt(KEYS, "session", b"token of somebody")
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_."))
    changed = text[:place] + other + text[place + 1 :]
    # The last characters of each half hold bits that don't count.
    assert decrypt(KEYS, "session", changed) in (None, b"token of somebody")
    assert decrypt(KEYS, "session", changed[:-4]) is None
