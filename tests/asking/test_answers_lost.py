"""The API server did what it was asked, and its answer was lost: no mail is sent or counted twice for that."""

from __future__ import annotations

import pytest

from tests.asking.firm import Service
from tests.asking.test_asked_for import CONNECT, subjects
from tests.controller.between import After, Between

pytestmark = pytest.mark.apiserver


def losing(number):
    """Return what loses the answer to the write of that number."""
    writes = []

    def fault(asked):
        if asked.writes:
            writes.append(asked)
            return After() if len(writes) == number else None
        return None

    return fault


@pytest.mark.parametrize("write", ["the claim", "the record"])
def test_a_mail_whose_write_was_not_confirmed_is_sent_and_counted_once(firm, mails, tmp_path, write):
    firm.recipient()
    firm.channel()
    with Between(firm.server) as between:
        between.fault = losing(["the claim", "the record"].index(write) + 1)
        with Service(firm, mails.port, tmp_path / "keys", url=between.url) as service:
            service.look(minutes=2)
            # A claim that nobody knows to be one's own is waited for as if it were somebody else's.
            service.look(minutes=1)
            service.look(minutes=6)
            service.look(hours=1)
            assert subjects(mails) == [CONNECT]
            (asked,) = (one["asked"] for one in firm.status()["channels"])
            assert asked["times"] == 1
            assert len(firm.status()["mails"]) == 1
            assert "attempt" not in firm.status()
