"""A recipient's wishes and memory: read as they are written, known to the CRD, and shown by kubectl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bannette.resources import (
    Asked,
    Attempt,
    Condition,
    ConditionStatus,
    InvalidResource,
    MailedChannel,
    MailWishes,
    Recipient,
    RecipientStatus,
    SentMail,
    Standing,
)
from bannette.resources.history import MESSAGE_LENGTH
from bannette.resources.recipient_status import MOST_CHANNELS, MOST_MAILS
from tests.resources.api import CRDS, Api
from tests.resources.samples import RECIPIENT, variant
from tests.resources.test_crds import schema

AT = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
FULL = RecipientStatus(
    observed_generation=3,
    conditions=(Condition("Notified", ConditionStatus.TRUE, "MailSent", "Connect, 2 channels.", 3, AT),),
    email="marie@acme.example",
    mails=(SentMail(at=AT, kind="Connect", channels=2, requested=True),),
    channels=(
        MailedChannel(
            name="acme-onedrive",
            uid="0f0e",
            account="compta@acme.example",
            asked=Asked(standing=Standing.LOST, occasion=AT, first=AT, last=AT, times=2),
            requested_at=AT,
            first_collection_at=AT,
            failure_at=AT,
        ),
    ),
    digest_day=date(2026, 11, 23),
    attempt=Attempt(id="a1b2", claimed_at=AT, claimed_by="connect-1", failures=3, retry_at=AT),
)


def test_wishes_have_defaults() -> None:
    assert Recipient.parse(RECIPIENT).mails == MailWishes(first_collection=True, digest=False, failure=False)
    wished = variant(RECIPIENT, {"spec.mails": {"firstCollection": False, "digest": True, "failure": True}})
    assert Recipient.parse(wished).mails == MailWishes(first_collection=False, digest=True, failure=True)
    defaults = {name: field["default"] for name, field in schema("recipients", "spec.mails")["properties"].items()}
    assert defaults == {"firstCollection": True, "digest": False, "failure": False}


def test_a_misspelt_wish_is_told() -> None:
    with pytest.raises(InvalidResource, match='did you mean "digest"'):
        Recipient.parse(variant(RECIPIENT, {"spec.mails": {"digests": True}}), strict=True)


@pytest.mark.parametrize("status", [FULL, RecipientStatus()], ids=["full", "empty"])
def test_a_status_is_read_as_it_was_written(status: RecipientStatus) -> None:
    written = {name: value for name, value in status.to_dict().items() if value is not None}
    assert Recipient.parse(variant(RECIPIENT, {"status": written})).status == status


@pytest.mark.parametrize(
    "damage",
    [
        {"channels": [{"name": "acme-onedrive"}, *(FULL.to_dict()["channels"])]},  # type: ignore[misc]
        {"digestDay": "yesterday", "attempt": None},
        {"attempt": {"id": 5}},
        {"mails": [{"at": "soon", "kind": "Connect"}, *(FULL.to_dict()["mails"])]},  # type: ignore[misc]
    ],
    ids=["a channel", "a day", "an attempt", "a mail"],
)
def test_what_is_damaged_costs_no_more_than_itself(damage: Mapping[str, Any]) -> None:
    written = {name: value for name, value in FULL.to_dict().items() if value is not None}
    status = Recipient.parse(variant(RECIPIENT, {"status": {**written, **damage}})).status
    lost = {name: value for name, value in vars(status).items() if value != getattr(FULL, name)}
    assert set(lost) <= {"digest_day", "attempt"}
    assert not any(lost.values())


def test_the_status_has_the_fields_that_are_written() -> None:
    def known(value: object, field: Mapping[str, Any], path: str) -> Iterator[str]:
        if isinstance(value, Mapping):
            assert set(value) == set(field["properties"]), path
            for name, inner in value.items():
                yield from known(inner, field["properties"][name], f"{path}.{name}")
        elif isinstance(value, list):
            for inner in value:
                yield from known(inner, field["items"], path)
        else:
            yield path

    assert len(list(known(FULL.to_dict(), schema("recipients", "status"), "status"))) > 20
    assert schema("recipients", "status.channels[].asked.standing")["enum"] == [one.value for one in Standing]
    assert schema("recipients", "status.conditions[].message")["maxLength"] == MESSAGE_LENGTH
    assert schema("recipients", "status.mails")["maxItems"] == MOST_MAILS
    assert schema("recipients", "status.channels")["maxItems"] == MOST_CHANNELS


def test_who_looks_sees_whether_mails_arrive() -> None:
    columns = CRDS["recipients"]["spec"]["versions"][0]["additionalPrinterColumns"]
    narrow = [column["name"] for column in columns if not column.get("priority")]
    assert narrow == ["E-mail", "Notified", "Last Mail", "Age"]


@pytest.mark.apiserver
def test_the_api_server_keeps_the_status_and_shows_it(api: Api) -> None:
    recipient = variant(RECIPIENT, {"metadata.name": "written-to"})
    assert api.create(recipient, really=True).ok
    # A patch with null members, as they are written over what was there.
    for status in (FULL, RecipientStatus(attempt=Attempt(id="c3")), FULL):
        answer = api.change_status(recipient, status.to_dict())
        assert answer.ok, answer.text
        assert Recipient.parse(answer.json()).status == status
    header, line = api.kubectl("get", "rcp", "written-to", "-n", "acme").splitlines()
    assert header.split() == ["NAME", "E-MAIL", "NOTIFIED", "LAST", "MAIL", "AGE"]
    assert line.split()[1:3] == ["marie@acme.example", "True"]
    api.call("DELETE", api.path(recipient))
