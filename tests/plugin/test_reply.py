"""What a pod answers comes whole through a log, or not at all."""

from __future__ import annotations

import random

import pytest

from bannette.cli.plugin.reply import Reply, decoded, encoded

RANDOM = "".join(random.Random(1).choices("abcdefgh é€\n\x00", k=100_000))


@pytest.mark.parametrize(
    "reply",
    [Reply(0, "", ""), Reply(2, "é\n\u2028", "bannette: no.\n"), Reply(0, RANDOM, "")],
    ids=["no", "odd", "long"],
)
def test_it_comes_as_it_was_said(reply: Reply) -> None:
    text = encoded(reply)
    assert decoded(text) == reply
    assert max(len(line) for line in text.splitlines()) < 16_384, "the kubelet breaks longer lines"


def test_what_follows_it_does_not_matter() -> None:
    assert decoded(encoded(Reply(0, "x", "")) + "terminated\n") == Reply(0, "x", "")


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: ["Traceback:", *lines],
        lambda lines: ["A" + lines[0][1:], *lines[1:]],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [],
    ],
    ids=["beginning lost", "end lost", "mixed", "changed", "out of order", "empty"],
)
def test_what_is_not_whole_is_none(spoiled: object) -> None:
    assert callable(spoiled)
    lines = encoded(Reply(0, RANDOM, "")).splitlines()
    assert len(lines) > 3
    assert decoded("\n".join(spoiled(lines))) is None
