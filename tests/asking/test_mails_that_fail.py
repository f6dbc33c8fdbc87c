"""What can't be sent is tried again, rarely, and said in the recipient's condition until it is sent."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest

from bannette.resources import Locale
from devcluster.errors import CommandFailed
from tests.asking.firm import PUBLIC, Service
from tests.asking.test_asked_for import CONNECT, subjects
from tests.connect.office import listens, wait_until
from tests.notify.mail_server import CLOSE, ScriptedServer, Taken, free_port, mail_server

pytestmark = pytest.mark.apiserver
LATER = "de"


def conversations(server):
    """Return how many mails a scripted server was offered."""
    return len([line for line in server.heard if line.upper().startswith("MAIL")])


def patches(firm):
    """Return the writes of the service, as the audit log has them."""
    return [one for one in firm.requests() if one["verb"] == "patch"]


def test_a_server_that_is_away_and_comes_back_gets_what_waited(firm, tmp_path, caplog):
    for name in ("marie", "jean"):
        firm.recipient(name)
        firm.channel(f"{name}-onedrive", recipient=name)
    port = free_port()
    with Service(firm, port, tmp_path / "keys") as service:
        service.look(minutes=2)
        for name in ("marie", "jean"):
            notified = firm.notified(name)
            assert (notified["status"], notified["reason"]) == ("False", "MailUnreachable")
            assert "can't be reached" in notified["message"]
        for _ in range(5):
            service.look(minutes=16)
        tries = caplog.text.count("mail.failed")
        assert tries == 6
        # Claimed and given back at each try; and the other one was told once what keeps their mail.
        wait_until(lambda: len(patches(firm)) >= 2 * tries + 1, "all writes are in the audit log")
        assert len(patches(firm)) == 2 * tries + 1
        with mail_server(port=port) as server:
            service.look(minutes=16)
            service.look(minutes=1)
    assert sorted(subjects(server)) == [CONNECT] * 2
    assert [firm.notified(name)["status"] for name in ("marie", "jean")] == ["True", "True"]


def test_a_server_that_fails_everybody_is_tried_now_and_then_and_not_for_each(firm, tmp_path):
    for number in range(20):
        firm.recipient(f"r{number}")
        firm.channel(f"c{number}", recipient=f"r{number}")
    with (
        ScriptedServer({"MAIL": "550 5.7.1 not from there"}) as server,
        Service(firm, server.port, tmp_path / "k") as service,
    ):
        service.look(minutes=2)
        assert conversations(server) == 1
        assert {firm.notified(f"r{number}")["reason"] for number in range(20)} == {"MailSenderRefused"}
        for _ in range(24):
            service.look(hours=1)
        assert 10 <= conversations(server) <= 26


def test_an_address_that_is_refused_is_tried_rarely_and_does_not_hold_up_others(firm, tmp_path):
    with (
        ScriptedServer({"RCPT": "550 5.1.1 no such user"}) as server,
        Service(firm, server.port, tmp_path / "k") as service,
    ):
        firm.recipient()
        firm.channel()
        service.look(minutes=2)
        notified = firm.notified()
        assert (notified["status"], notified["reason"]) == ("False", "MailAddressRefused")
        assert "correct spec.email" in notified["message"]
        assert firm.status()["attempt"]["failures"] == 1
        assert "claimedAt" not in firm.status()["attempt"]
        assert "lastMail" not in firm.status()
        for _ in range(48):
            service.look(hours=1)
        assert 4 <= conversations(server) <= 8
        # Another one fares no worse for it.
        firm.recipient("jean")
        firm.channel("other", recipient="jean")
        before = conversations(server)
        service.look(minutes=2)
        assert conversations(server) == before + 1


def test_a_corrected_address_is_tried_at_once(firm, mails, tmp_path):
    firm.recipient()
    firm.channel()
    keys = tmp_path / "keys"
    with ScriptedServer({"RCPT": "550 5.1.1 no such user"}) as refusing, Service(firm, refusing.port, keys) as service:
        service.look(minutes=2)
        service.look(minutes=1)
        assert conversations(refusing) == 1
    with Service(firm, mails.port, keys) as service:
        service.look(minutes=1)
        assert subjects(mails) == []
        firm.change("Recipient", "marie", {"spec": {"email": "marie.dupont@acme.example"}})
        service.look()
    assert subjects(mails) == [CONNECT]
    assert "attempt" not in firm.status()


def test_a_mail_that_is_put_off_comes_soon(firm, tmp_path):
    firm.recipient()
    firm.channel()
    keys = tmp_path / "keys"
    with ScriptedServer({"RCPT": "451 4.7.1 greylisted"}) as server, Service(firm, server.port, keys) as service:
        service.look(minutes=2)
        assert firm.notified()["reason"] == "MailPutOff"
        service.look(minutes=1)
        service.look(minutes=2)
        assert conversations(server) == 3


def test_a_server_that_puts_everybody_off_is_left_alone_for_a_while(firm, tmp_path):
    for number in range(20):
        firm.recipient(f"r{number}")
        firm.channel(f"c{number}", recipient=f"r{number}")
    with (
        ScriptedServer({"MAIL": "451 4.7.0 too many today"}) as server,
        Service(firm, server.port, tmp_path / "k") as service,
    ):
        service.look(minutes=2)
        assert conversations(server) == 5
        assert {firm.notified(f"r{number}")["reason"] for number in range(20)} == {"MailPutOff"}
        for _ in range(16):
            service.look(minutes=15)
        assert conversations(server) <= 45


def test_a_mail_whose_end_nobody_knows_is_repeated_with_the_same_id(firm, tmp_path):
    firm.recipient()
    firm.channel()
    keys = tmp_path / "keys"
    with ScriptedServer({"text": CLOSE}) as server, Service(firm, server.port, keys) as service:
        service.look(minutes=2)
        service.look(hours=1)
        ids = [line for line in server.heard if line.startswith("Message-ID")]
        assert firm.notified()["reason"] == "MailUnconfirmed"
    assert len(ids) == 2
    assert len(set(ids)) == 1


@pytest.mark.parametrize("recipients", [1, 7])
def test_a_server_that_takes_mails_and_never_says_so_floods_nobody(firm, tmp_path, recipients):
    for number in range(recipients):
        firm.recipient(f"r{number}")
        firm.channel(f"c{number}", recipient=f"r{number}")
    with ScriptedServer({"text": CLOSE}) as server, Service(firm, server.port, tmp_path / "k") as service:
        service.look(minutes=2)
        for _ in range(24):
            service.look(hours=1)
        # After 1, 2, 4, 8 and 16 hours, or a little less.
        assert 4 * recipients <= conversations(server) <= 6 * recipients
        assert {firm.notified(f"r{number}")["reason"] for number in range(recipients)} == {"MailUnconfirmed"}


def test_keys_that_are_missing_are_told_before_anything_is_sent(firm, mails, tmp_path):
    firm.recipient()
    firm.channel()
    with Service(firm, mails.port, tmp_path / "keys") as service:
        (key,) = service.keys.iterdir()
        kept = key.read_text()
        key.unlink()
        service.look(minutes=2)
        assert firm.notified()["reason"] == "InvalidSetting"
        assert subjects(mails) == []
        key.write_text(kept)
        service.look(hours=1)
    assert subjects(mails) == [CONNECT]


def test_a_recipient_that_goes_meanwhile_is_forgotten(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(seconds=1)
    firm.delete("Recipient", "marie")
    service.look(minutes=2)
    assert subjects(mails) == []
    firm.recipient()
    service.look()
    assert subjects(mails) == [CONNECT]


def test_a_status_that_was_wiped_costs_one_more_mail(firm, mails, service):
    firm.recipient()
    firm.channel()
    service.look(minutes=2)
    firm.change("Recipient", "marie", {"status": None}, status=True)
    service.look(minutes=1)
    service.look(minutes=30)
    assert subjects(mails) == [CONNECT, CONNECT]


def test_a_damaged_status_keeps_nobody_from_being_asked(firm, mails, service):
    firm.recipient()
    firm.channel()
    firm.change(
        "Recipient", "marie", {"status": {"digestDay": "soon", "channels": [{"name": "!", "uid": "?"}]}}, status=True
    )
    service.look(minutes=2)
    assert subjects(mails) == [CONNECT]
    assert [one["name"] for one in firm.status()["channels"]] == ["acme-onedrive"]


class Restarting(Taken):
    """Takes mails, and restarts the API server while it does so."""

    def __init__(self, restart):
        super().__init__()
        self._restart = threading.Thread(target=restart)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self._restart.start()
        wait_until(lambda: not self._restart.is_alive() or self.is_away(), "the API server is away")
        return await super().handle_DATA(server, session, envelope)

    def wait(self):
        """Wait until the API server is ready for the next test, too."""
        self._restart.join()


def test_what_was_sent_while_the_api_server_was_away_is_recorded_once_it_is_back(firm, tmp_path, caplog):
    firm.recipient()
    firm.channel()
    taken = Restarting(firm.server.restart)
    taken.is_away = lambda: not listens(int(firm.server.url.rpartition(":")[2]))
    with mail_server(taken=taken) as server, Service(firm, server.port, tmp_path / "keys") as service:
        service.look(minutes=2)
        assert "mail.hindered" in caplog.text
        assert firm.notified()["status"] == "True"
        service.look(hours=1)
    taken.wait()
    assert subjects(server) == [CONNECT]


class Editing(Taken):
    """Takes mails, and has something changed while it does so."""

    def __init__(self, change):
        super().__init__()
        self._change = change

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self._change()
        return await super().handle_DATA(server, session, envelope)


@contextmanager
def later_definitions(firm):
    """Let the API server know a language that this service doesn't, as definitions of a later version might."""
    set_locales(firm, [*Locale, LATER])
    try:
        yield
    finally:
        set_locales(firm, [*Locale])


def set_locales(firm, locales):
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/locale/enum"
    patch = json.dumps([{"op": "replace", "path": path, "value": locales}])
    firm.server.kubectl("patch", "crd", "recipients.bannette.io", "--type=json", "-p", patch)
    wait_until(lambda: takes(firm, LATER) is (LATER in locales), "the API server goes by these definitions")


def takes(firm, locale):
    patch = json.dumps({"spec": {"locale": locale}})
    dry = ("--dry-run=server", "--type=merge", "-p", patch)
    try:
        firm.server.kubectl("patch", "recipient", "jean", "-n", firm.namespace, *dry)
    except CommandFailed as refusal:
        if "Unsupported value" not in refusal.stderr:
            raise
        return False
    return True


def test_what_was_sent_to_somebody_who_became_unacceptable_meanwhile_is_recorded_at_once(firm, tmp_path):
    firm.recipient()
    firm.recipient("jean")
    firm.channel()
    taken = Editing(lambda: firm.change("Recipient", "marie", {"spec": {"locale": LATER}}))
    with (
        later_definitions(firm),
        mail_server(taken=taken) as server,
        # It may make room for the definitions once more.
        Service(firm, server.port, tmp_path / "keys", api=firm.api(attempts=20)) as service,
    ):
        service.look(minutes=2)
    assert subjects(server) == [CONNECT]
    assert (firm.notified()["status"], "attempt" in firm.status()) == ("True", False)
    # Claimed; recorded in a version that is gone; recorded.
    assert len([one for one in patches(firm) if one["objectRef"]["name"] == "marie"]) <= 4


def test_without_the_right_to_remember_nothing_is_sent(firm, mails, tmp_path, caplog):
    for number in range(5):
        firm.recipient(f"r{number}")
        firm.channel(f"c{number}", recipient=f"r{number}")
    kubectl, name = firm.server.kubectl, f"reader-of-{firm.namespace}"
    kubectl("create", "serviceaccount", "reader", "-n", firm.namespace)
    kinds = "collectionchannels,binders,recipients"
    kubectl("create", "clusterrole", name, "--verb=get,list,watch", f"--resource={kinds}")
    subject = f"--serviceaccount={firm.namespace}:reader"
    kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", subject)
    token = kubectl("create", "token", "reader", "-n", firm.namespace).strip()
    with Service(firm, mails.port, tmp_path / "keys", api=firm.api(token)) as service:
        service.look(minutes=2)
        service.look(minutes=4)
        assert subjects(mails) == []
        assert len(patches(firm)) == 1, "it is tried for each"
        assert "reason=Forbidden" in caplog.text
        rules = "--resource=recipients.bannette.io/status"
        kubectl("create", "clusterrole", f"{name}-too", "--verb=patch", rules)
        kubectl("create", "clusterrolebinding", f"{name}-too", f"--clusterrole={name}-too", subject)
        wait_until(lambda: may_write(firm, "reader"), "the API server goes by the right")
        service.look(minutes=6)
        assert len(subjects(mails)) == 5


def may_write(firm, account):
    """Tell whether a ServiceAccount may write into the status of recipients."""
    whom = f"--as=system:serviceaccount:{firm.namespace}:{account}"
    try:
        firm.server.kubectl(
            "auth", "can-i", "patch", "recipients.bannette.io", "--subresource=status", "-n", firm.namespace, whom
        )
    except CommandFailed:
        return False
    return True


def test_what_a_server_repeats_of_a_mail_is_told_to_nobody(firm, tmp_path, caplog):
    firm.recipient()
    firm.channel()
    echo = f"{PUBLIC}/c/{firm.namespace}/acme-onedrive?t=eyJjaGFubmVs.c2VjcmV0"
    with (
        ScriptedServer({"text": f"554 5.7.1 blocked: {echo}"}) as server,
        Service(firm, server.port, tmp_path / "k") as service,
    ):
        service.look(minutes=2)
    notified = firm.notified()
    assert (notified["reason"], "blocked" in notified["message"]) == ("MailRefused", True)
    for place in (str(firm.status()), caplog.text):
        assert "eyJjaGFubmVs" not in place
        assert "c2VjcmV0" not in place
        assert "?t=" not in place
