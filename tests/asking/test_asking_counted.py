"""What is told in numbers of those who are asked: whom they wait for, and whether mails go."""

from __future__ import annotations

import pytest

from bannette.connect.metrics import AskingFigures
from tests.asking.firm import Service
from tests.connect.scrape import series
from tests.notify.mail_server import ScriptedServer, free_port, mail_server

pytestmark = pytest.mark.apiserver


def counted(service: Service) -> dict[str, float]:
    return series(service.metrics.exposition().decode())


def waited_for(service: Service) -> tuple[int, int]:
    """Return how many recipients were asked, and how many weren't yet."""
    figures = service.asking.figures()
    return figures.asked, figures.unasked


def failures(service: Service) -> dict[str, float]:
    return {name: value for name, value in counted(service).items() if name.startswith("mail_failures_total")}


def test_recipients_are_unasked_then_asked_then_no_longer_waited_for(firm, service, mails):
    assert service.asking.figures() == AskingFigures(asked=0, unasked=0, looked_at=None, outage=False)
    firm.recipient("marie")
    firm.recipient("jean")
    firm.channel("marie-onedrive", recipient="marie")
    firm.channel("jean-onedrive", recipient="jean")
    firm.channel("jean-other", recipient="jean", suspend=True)
    service.look()
    assert (waited_for(service), len(mails.taken.mails)) == ((0, 2), 0)
    service.look(minutes=2)
    assert (waited_for(service), len(mails.taken.mails)) == ((2, 0), 2)
    assert counted(service)["mails_sent_total{kind=Connect}"] == 2
    firm.stands("marie-onedrive", "Connected")
    service.look()
    assert waited_for(service) == (1, 0)
    firm.delete("Recipient", "jean")
    service.look()
    assert waited_for(service) == (0, 0)
    firm.stands("marie-onedrive", "PasswordChanged")
    service.look()
    assert waited_for(service) == (0, 1)
    assert service.asking.figures().looked_at is not None


def test_an_outage_lasts_until_a_mail_is_sent_and_each_try_counts(firm, tmp_path):
    port = free_port()
    firm.recipient()
    firm.channel()
    with Service(firm, port, tmp_path / "keys") as service:
        service.look(minutes=2)
        assert service.asking.figures().outage
        assert failures(service) == {"mail_failures_total{kind=Connect,reason=MailUnreachable}": 1}
        # Between two tries, too.
        firm.clock.forward(seconds=20)
        assert service.asking.figures().outage
        with mail_server(port=port):
            service.look(minutes=16)
        assert not service.asking.figures().outage
        assert failures(service) == {"mail_failures_total{kind=Connect,reason=MailUnreachable}": 1}
        assert counted(service)["mails_sent_total{kind=Connect}"] == 1


def test_an_outage_is_over_when_nobody_is_to_be_written_to_any_more(firm, tmp_path):
    firm.recipient()
    firm.channel()
    with Service(firm, free_port(), tmp_path / "keys") as service:
        service.look(minutes=2)
        firm.delete("CollectionChannel", "acme-onedrive")
        service.look()
        assert service.asking.figures().outage
        service.look(minutes=7)
        assert not service.asking.figures().outage


def test_an_address_that_is_refused_is_no_outage(firm, tmp_path):
    firm.recipient()
    firm.channel()
    with (
        ScriptedServer({"RCPT": "550 5.1.1 no such user"}) as server,
        Service(firm, server.port, tmp_path / "keys") as service,
    ):
        service.look(minutes=2)
        assert failures(service) == {"mail_failures_total{kind=Connect,reason=MailAddressRefused}": 1}
        assert not service.asking.figures().outage


def test_without_keys_for_links_no_mail_goes_and_that_counts(firm, service):
    firm.recipient()
    firm.channel()
    service.hear()
    (service.keys / "2026-11-01").unlink()
    service.look(minutes=2)
    assert failures(service) == {"mail_failures_total{kind=Connect,reason=InvalidSetting}": 1}
    assert service.asking.figures().outage
