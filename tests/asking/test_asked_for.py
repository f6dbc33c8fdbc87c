"""Recipients are asked for accounts that aren't connected: once, again after days, anew when it is another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.asking.firm import CONNECT, LOST, PUBLIC, REMINDER, Service, links_in, opened, subjects, text_of

pytestmark = pytest.mark.apiserver


def test_a_recipient_is_asked_once_for_several_channels(firm, mails, service):
    firm.recipient()
    firm.channel("acme-onedrive")
    firm.channel("acme-archive")
    service.look()
    assert mails.taken.mails == [], "it didn't wait for others that were made together with these"
    service.look(minutes=2)
    service.look(hours=1)
    service.look(days=1)
    (mail,) = mails.taken.mails
    assert (mail["To"], mail["Subject"]) == ("Marie <marie@acme.example>", CONNECT)
    assert "acme-archive@acme.example" in text_of(mail)
    links = links_in(mail)
    assert [link.partition("?")[0] for link in links] == [
        f"{PUBLIC}/c/{firm.namespace}/{name}" for name in ("acme-archive", "acme-onedrive")
    ]
    for link, name in zip(links, ("acme-archive", "acme-onedrive"), strict=True):
        ticket = opened(link, service.keys, now=firm.clock() - timedelta(days=1))
        assert ticket.channel == firm.body("CollectionChannel", name)["metadata"]["uid"]


def test_what_was_sent_is_told_by_kubectl(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    notified = firm.notified()
    assert (notified["status"], notified["reason"]) == ("True", "MailSent")
    assert notified["message"] == "The server for mails took over the last one: Connect, about one channel."
    told = firm.server.kubectl("get", "rcp", "marie", "-n", firm.namespace, "--no-headers").split()
    assert told[:4] == ["marie", "marie@acme.example", "True", told[3]]
    status = firm.status()
    assert status["email"] == "marie@acme.example"
    assert status["mails"] == [{"at": status["lastMail"], "kind": "Connect", "channels": 1}]
    assert "attempt" not in status


def test_reminders_come_after_three_and_seven_days_and_no_more(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    service.look(days=2.9)
    assert subjects(mails) == [CONNECT]
    service.look(days=0.2)
    service.look(days=3.8)
    assert subjects(mails) == [CONNECT, REMINDER]
    service.look(days=0.3)
    assert subjects(mails) == [CONNECT, REMINDER, REMINDER]
    for _ in range(4):
        service.look(days=30)
    assert len(mails.taken.mails) == 3


def test_what_was_connected_is_not_asked_for_any_more(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    firm.stands("acme-onedrive", "Connected")
    service.look(days=4)
    service.look(days=5)
    assert subjects(mails) == [CONNECT]


def test_an_account_that_somebody_disconnected_is_asked_for_once_a_day_later(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.stands("acme-onedrive", "Never")
    service.look(hours=23)
    assert subjects(mails) == []
    service.look(hours=2)
    for _ in range(3):
        service.look(days=4)
    assert subjects(mails) == [CONNECT]


def test_an_account_that_was_lost_before_somebody_disconnected_it_waits_a_day_too(firm, mails, service):
    firm.recipient()
    firm.channel(standing="Connected")
    firm.stands("acme-onedrive", "PasswordChanged")
    service.look(minutes=2)
    service.look(days=2)
    assert subjects(mails) == [LOST]
    # Connected stays False, and says since when.
    lost = firm.body("CollectionChannel", "acme-onedrive")["status"]
    said = [{**one, "reason": "NotSignedIn"} if one["type"] == "Connected" else one for one in lost["conditions"]]
    removed = {"conditions": said, "pages": {"changedAt": firm.clock().isoformat()}}
    firm.change("CollectionChannel", "acme-onedrive", {"status": removed}, status=True)
    service.look(hours=23)
    assert subjects(mails) == [LOST]
    service.look(hours=2)
    assert subjects(mails) == [LOST, CONNECT]
    for _ in range(3):
        service.look(days=4)
    assert subjects(mails) == [LOST, CONNECT]


@pytest.mark.parametrize(
    "otherwise",
    [
        pytest.param({"suspend": True}, id="suspended"),
        pytest.param({"destination.binder": "not-there"}, id="without a binder"),
        pytest.param({"recipient.name": "jean"}, id="of a recipient that isn't there"),
        pytest.param({"standing": None}, id="not looked at by the operator"),
        pytest.param(
            {"onedrive.account": {"delegated": {"loginHint": "compta@acme.example"}}}, id="without an application"
        ),
        pytest.param(
            {
                "onedrive.account": {
                    "application": {
                        "tenantId": "11111111-2222-3333-4444-555555555555",
                        "user": "compta@acme.example",
                        "clientId": "bannette-collector",
                        "credentialsSecret": {"name": "acme-app"},
                    }
                },
                "standing": "CredentialsMissing",
            },
            id="of an application",
        ),
    ],
)
def test_nobody_is_asked_for_a_channel(firm, mails, service, otherwise):
    firm.recipient()
    firm.channel(**otherwise)
    service.look(minutes=2)
    service.look(days=4)
    assert subjects(mails) == []


def test_a_channel_is_asked_for_once_what_it_needs_is_there(firm, mails, service):
    firm.recipient()
    firm.channel()
    firm.stands("acme-onedrive", "Never", met=False)
    service.look(minutes=2)
    service.look(hours=1)
    assert subjects(mails) == []
    firm.stands("acme-onedrive", "Never", met=True)
    service.look()
    assert subjects(mails) == [CONNECT]


def test_a_channel_is_asked_for_once_its_binder_is_there(firm, mails, service):
    firm.recipient()
    firm.channel(**{"destination.binder": "sales"})
    service.look(minutes=2)
    assert subjects(mails) == []
    firm.create("Binder", "sales", {"company": "Bolt", "storage": {"persistentVolumeClaim": {"claimName": "s"}}})
    service.look()
    assert subjects(mails) == ["Bolt: connect your OneDrive"]


def test_a_channel_that_is_deleted_or_suspended_is_not_reminded_of(firm, mails, service):
    firm.recipient()
    for name in ("one", "other", "third"):
        firm.channel(name)
    service.look(minutes=2)
    firm.delete("CollectionChannel", "one")
    firm.change("CollectionChannel", "other", {"spec": {"suspend": True}})
    service.look(days=3.1)
    assert subjects(mails) == [CONNECT, REMINDER]
    assert [link.partition("?")[0] for link in links_in(mails.taken.mails[1])] == [f"{PUBLIC}/c/{firm.namespace}/third"]
    assert {one["name"] for one in firm.status()["channels"]} == {"other", "third"}


def test_a_channel_that_is_made_again_is_another_one(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    firm.delete("CollectionChannel", "acme-onedrive")
    service.hear()
    firm.channel()
    service.look(hours=1)
    assert subjects(mails) == [CONNECT, CONNECT]


def test_a_channel_that_names_another_recipient_is_asked_for_there(firm, mails, service):
    firm.recipient("marie")
    firm.recipient("jean")
    firm.channel()
    service.look(minutes=2)
    firm.change("CollectionChannel", "acme-onedrive", {"spec": {"recipient": {"name": "jean"}}})
    service.look(minutes=2)
    service.look(days=3.1)
    assert [mail["To"].addresses[0].username for mail in mails.taken.mails] == ["marie", "jean", "jean"]


def test_another_address_is_asked_anew(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    firm.change("Recipient", "marie", {"spec": {"email": "marie@bolt.example"}})
    service.look(hours=1)
    service.look(hours=1)
    assert [address for (address,) in mails.taken.addressees] == ["marie@acme.example", "marie@bolt.example"]
    assert firm.status()["email"] == "marie@bolt.example"


def another_account(firm, address):
    account = {"delegated": {"loginHint": address, "clientId": "bannette"}}
    firm.change("CollectionChannel", "acme-onedrive", {"spec": {"onedrive": {"account": account}}})


@pytest.mark.parametrize("before", ["never connected", "connected", "disconnected"])
@pytest.mark.parametrize("was_asked", [False, True], ids=["not asked", "asked"])
@pytest.mark.parametrize("seen", [False, True], ids=["at once", "once the operator has seen it"])
def test_another_account_is_asked_for_at_once(firm, mails, service, before, was_asked, seen):
    firm.recipient()
    firm.channel(standing="Never" if was_asked else "Connected")
    service.look(minutes=2)
    if before != "never connected":
        firm.stands("acme-onedrive", "Connected")
        service.look(hours=1)
    if before == "disconnected":
        firm.stands("acme-onedrive", "Never")
        service.look(hours=1)
    another_account(firm, "ventes@acme.example")
    firm.stands("acme-onedrive", "Never")
    if seen:
        now = {"connection": {"account": "ventes@acme.example", "connectedAt": None}}
        firm.change("CollectionChannel", "acme-onedrive", {"status": now}, status=True)
    service.look(minutes=2)
    service.look(hours=1)
    assert subjects(mails) == [CONNECT] * (1 + was_asked)
    assert "ventes@acme.example" in text_of(mails.taken.mails[-1])


def test_another_account_that_somebody_disconnected_waits_a_day_though_nobody_was_asked_for_it(firm, mails, service):
    """Its owner signed in by a link that was handed over, and left again."""
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    another_account(firm, "ventes@acme.example")
    firm.stands("acme-onedrive", "Connected")
    now = {"connection": {"account": "ventes@acme.example"}}
    firm.change("CollectionChannel", "acme-onedrive", {"status": now}, status=True)
    firm.stands("acme-onedrive", "Never")
    service.look(hours=23)
    assert subjects(mails) == [CONNECT]
    service.look(hours=2)
    assert subjects(mails) == [CONNECT, CONNECT]


def test_an_address_that_is_written_otherwise_is_the_same_account(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    another_account(firm, "Acme-OneDrive@Acme.example")
    service.look(hours=1)
    assert subjects(mails) == [CONNECT]


def test_a_restart_asks_nobody_again(firm, mails, service, tmp_path):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    service.__exit__()
    with Service(firm, mails.port, tmp_path / "keys") as again:
        again.look(days=1)
        again.look(days=2.1)
    assert subjects(mails) == [CONNECT, REMINDER]
