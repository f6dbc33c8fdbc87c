"""Every reason that a page may have to tell is put into French."""

from __future__ import annotations

import re

import pytest

from bannette.web.reasons import CHANNELS, READING, in_words, reading_in_words
from tests.docs.fenced import SOURCE

# Of mails, programs, inboxes that don't open, and one machine: pages show none of them.
ELSEWHERE = ("An inbox doesn't open", "Mails", "Events for programs", "On one machine")


def explained(page: str, *headings: str) -> set[str]:
    """Return the reasons that stand in the tables below *headings* of a page of docs/."""
    found: set[str] = set()
    within = ""
    for line in (SOURCE / "docs" / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            within = line
        elif line.startswith("### "):
            within = f"{within.partition(' / ')[0]} / {line}"
        top, _, below = within.partition(" / ")
        is_meant = top.removeprefix("## ") in headings and below.removeprefix("### ") not in ELSEWHERE
        if line.startswith("| `") and is_meant:
            found |= set(re.findall("`([A-Z][A-Za-z]+)`", line.split("|")[1]))
    return found


def test_every_reason_of_a_channel_has_a_sentence_and_no_other_has():
    known = explained("troubleshooting.md", "Conditions", "Reasons of a run")
    assert len(known) > 100
    assert known == CHANNELS.keys()


def test_every_reason_why_a_document_was_not_read_has_words_and_no_other_has():
    known = explained("formats.md", "Reasons")
    assert len(known) > 15
    assert known == READING.keys()


@pytest.mark.parametrize("text", [*CHANNELS.values(), *READING.values()])
def test_marks_of_two_parts_never_begin_a_line(text):
    assert not re.search("(?<=[^\u00a0])[:;?!]", text)


def test_what_kubernetes_alone_knows_is_named():
    assert in_words("fr", "BackoffLimitExceeded") == "Motif\u00a0: BackoffLimitExceeded."
    assert reading_in_words("fr", "NeverHeardOf") == "NeverHeardOf"


def test_english_pages_show_the_message_itself():
    assert in_words("en", "FolderNotFound") == ""
    assert in_words("fr", "") == ""
    assert reading_in_words("en", "Encrypted") == "Encrypted"
