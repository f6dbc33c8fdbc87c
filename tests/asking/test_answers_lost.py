"""The API server stumbles over a write: no mail is sent or counted twice for that, and none waits for minutes."""

from __future__ import annotations

import pytest

from tests.asking.firm import Service
from tests.asking.test_asked_for import CONNECT, REMINDER, subjects
from tests.asking.test_mail_requested import note, request
from tests.connect.stumbles import FAULTS, Stumble, once, patience
from tests.controller.between import Between

pytestmark = pytest.mark.apiserver


@pytest.fixture
def between(firm):
    with Between(firm.server) as proxy:
        yield proxy


@pytest.fixture
def stumbling(firm, mails, between, tmp_path, request):
    api = firm.api(url=between.url, read=patience(request))
    with Service(firm, mails.port, tmp_path / "keys", api=api) as service:
        yield service


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["the claim", "the record"])
def test_a_mail_whose_write_was_not_confirmed_is_sent_and_counted_once(firm, mails, between, stumbling, write, fault):
    firm.recipient()
    firm.channel()
    between.fault = stumble = Stumble(["the claim", "the record"].index(write) + 1, FAULTS[fault])
    stumbling.look(minutes=2)
    # An API server that is away isn't asked at once again for each recipient.
    stumbling.look(seconds=35)
    assert stumble.is_over
    assert subjects(mails) == [CONNECT]
    stumbling.look(minutes=6)
    stumbling.look(hours=1)
    assert subjects(mails) == [CONNECT]
    (asked,) = (one["asked"] for one in firm.status()["channels"])
    assert asked["times"] == 1
    assert len(firm.status()["mails"]) == 1
    assert "attempt" not in firm.status()


def test_a_request_for_a_mail_that_went_before_its_answer_was_lost_is_not_made_again(firm, between, service, mails):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    service.look(hours=2)
    assert subjects(mails) == [CONNECT]

    def send() -> None:
        note(firm)
        service.look(seconds=1)
        assert subjects(mails) == [CONNECT, REMINDER]

    between.fault = once(1, send)
    request(firm, url=between.url)
    service.look(minutes=1)
    assert subjects(mails) == [CONNECT, REMINDER]
    service.look(hours=3)
    assert subjects(mails) == [CONNECT, REMINDER], "it was asked for twice"
