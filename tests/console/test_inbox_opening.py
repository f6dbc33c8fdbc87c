"""How far an inbox is, and whether it is asked for, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bannette.console.inbox_facts import document_of, run_of, size_in
from bannette.console.inbox_opening import opening_of
from bannette.console.inbox_reader import digest_of, is_of_a_pod, token_of
from bannette.web.sealing import Keys

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
OURS, THEIRS = "a" * 64, "b" * 64
ADDRESS = "10.0.0.1:8377"


def binder(*, reader=OURS, age=1, state=None, of=OURS, answered=True, **status):
    opened = (NOW - timedelta(seconds=age)).isoformat()
    said = {"state": state, "reader": of, "opened": opened if answered else "earlier", **status}
    annotations = {"bannette.io/inbox-reader": reader, "bannette.io/inbox-opened": opened} if reader else {}
    return {"metadata": {"annotations": annotations}, "status": {"inbox": said} if state else {}}


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        (binder(reader=None), {}, "asks"),
        (binder(reader=THEIRS, state="Open", of=THEIRS, address=ADDRESS), {}, "asks"),
        (binder(), {}, "opening"),
        (binder(age=61), {}, "silent"),
        (binder(state="Opening"), {}, "opening"),
        (binder(state="Open", address=ADDRESS), {}, ADDRESS),
        (binder(state="Open", address=ADDRESS, answered=False), {}, ADDRESS),
        (binder(state="Open", address="127.0.0.1:8377"), {}, "opening"),
        (binder(state="Open", of=THEIRS, address=ADDRESS), {}, "opening"),
        (binder(state="Open", address=ADDRESS), {"lost": True}, "opening"),
        (binder(state="Open", address=ADDRESS, age=11), {"lost": True}, "asks"),
        (binder(state="Waiting", message="M"), {}, "waiting"),
        (binder(state="Waiting", of="", message="M"), {}, "waiting"),
        (binder(state="Blocked", message="M"), {}, "blocked"),
        (binder(state="Closed"), {}, "asks"),
        (binder(state="Closed", answered=False), {}, "opening"),
        (binder(state="Closed", message="M"), {}, "closed"),
        (binder(state="Closed", message="M"), {"again": True}, "asks"),
        (binder(state="Nonsense"), {}, "opening"),
    ],
)
def test_an_inbox(body, more, expected):
    opening = opening_of(body, OURS, port=8377, now=NOW, **more)
    assert ("asks" if opening.asks else opening.address or opening.stage) == expected
    assert opening.message == ("M" if expected in ("waiting", "blocked", "closed") else "")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3:8377", True),
        ("[fd00::7]:8377", True),
        ("100.64.0.9:8377", True),
        ("10.1.2.3:80", False),
        ("127.0.0.1:8377", False),
        ("[::1]:8377", False),
        ("169.254.169.254:8377", False),
        ("[fe80::1]:8377", False),
        ("0.0.0.0:8377", False),
        ("224.0.0.1:8377", False),
        ("kubernetes.default:8377", False),
        ("10.1.2.3:8377/x@evil:8377", False),
        ("", False),
    ],
)
def test_whose_address_it_may_be(address, expected):
    assert is_of_a_pod(address, port=8377) is expected


def test_each_binder_has_a_token_of_its_own_that_goes_with_the_keys():
    keys = Keys({"1": b"k" * 32})
    newer = Keys({"1": b"k" * 32, "2": b"n" * 32})
    tokens = {token_of(keys, "a"), token_of(keys, "b"), token_of(newer, "a")}
    assert len(tokens) == 3
    # Who has the new key, too, goes on with what was opened by the one before.
    earlier = token_of(keys, "a")
    assert token_of(newer, "a", reader=digest_of(earlier)) == earlier
    assert token_of(newer, "a", reader="0" * 64) == token_of(newer, "a")
    assert token_of(keys, "a") == token_of(Keys({"1": b"k" * 32}), "a")
    # Nobody is asked by a key that other replicas may not have yet.
    assert token_of(Keys(newer.by_id, fresh=frozenset({"2"})), "a") == earlier


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ocr": {"confidence": float("nan"), "pages": 10**400}, "size": 10**400},
        {"ocr": 1, "files": 2, "size": -1, "invoice": [], "channel": "x", "collectedAt": "never", "excerpt": 0},
    ],
)
def test_what_makes_no_sense_is_left_out(body):
    shown = document_of(body)
    assert (shown.name, shown.files, shown.size, shown.collected_at) == ("", (), 0, None)
    assert (shown.confidence, shown.pages) == (None, None)
    assert run_of(body) is None


@pytest.mark.parametrize(
    ("number", "english", "french"),
    [
        (0, "0 bytes", "0 octets"),
        (999, "999 bytes", "999 octets"),
        (1500, "1.5 kB", "1,5 ko"),
        (48213, "48 kB", "48 ko"),
        (999_600, "1.0 MB", "1,0 Mo"),
        (5 * 10**15, "5000 TB", "5000 To"),
    ],
)
def test_sizes_are_read_by_people(number, english, french):
    assert (size_in(number, "en"), size_in(number, "fr")) == (english, french)
