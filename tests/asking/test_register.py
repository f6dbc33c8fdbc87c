"""What is kept of the channels stays whole, whatever is told of one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from bannette.connect.asking.register import KINDS, Register
from bannette.kube import Change, What
from bannette.resources import CHANNELS, RECIPIENTS
from tests.resources.samples import CHANNEL, variant

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
MARIE = {"metadata": {"name": "marie", "namespace": "acme"}, "spec": {"displayName": "M", "email": "m@acme.example"}}
BODY = variant(CHANNEL, {"metadata.namespace": "acme", "metadata.uid": "u", "spec.recipient.name": "marie"})


class Unforeseen(Mapping[str, object]):
    """The channel as something that no reader of channels was written for."""

    def __getitem__(self, name: str) -> object:
        if name == "metadata":
            return BODY[name]
        raise RuntimeError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(BODY)

    def __len__(self) -> int:
        return len(BODY)


def test_a_channel_that_can_no_longer_be_read_stays_as_it_was():
    register = Register(application="bannette")
    for plural, body in ((RECIPIENTS, MARIE), (CHANNELS, BODY)):
        register.take(plural, "", Change(What.PRESENT, body), now=NOW)
    for plural in KINDS:
        register.take(plural, "", Change(What.LISTED, {}), now=NOW)
    before = register.person(("acme", "marie"))
    with pytest.raises(RuntimeError):
        register.take(CHANNELS, "", Change(What.PRESENT, Unforeseen()), now=NOW)
    assert before is not None
    assert [channel.name for channel in before.channels] == [BODY["metadata"]["name"]]
    assert register.person(("acme", "marie")) == before
