"""From a channel that is applied to its owner's mails: a real operator, and a service with the chart's rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bannette.connect import Keys
from bannette.connect.asking import Asking, AskingSettings
from bannette.connect.background import links_for
from bannette.connect.watching import Watching
from bannette.controller.names import RECIPIENT
from bannette.kube import ClusterApi
from bannette.notify.mail import Mailer
from bannette.notify.plan import Pace
from bannette.notify.settings import MailSettings, Security
from simulator.testing import Simulator
from tests.controller.cluster import Cluster, eventually
from tests.controller.connecting import URL, account, ask, served, sign_in, simulator
from tests.controller.tenant import Tenant
from tests.notify.mail_server import MailServer, mail_server

__all__ = ["account", "served", "simulator"]

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(600)]

SECOND = timedelta(seconds=1)
HASTE = AskingSettings(pace=Pace(settle=SECOND, between_mails=SECOND, same_channel=SECOND))


@pytest.fixture
def mails(cluster: Cluster, served: Tenant, account: str, tmp_path: Path) -> Iterator[MailServer]:
    """A server for mails, and what sends them."""
    keys = Keys({"2026-11-01": b"0123456789abcdef" * 3})
    api = ClusterApi(cluster.server.url, namespace="", token=account, ca=cluster.server.ca_file.read_text(), attempts=2)
    with mail_server() as server:
        smtp = MailSettings(
            host="localhost", port=server.port, security=Security.NONE, sender="documents@acme.example", seconds=60.0
        )
        asking = Asking(api, Mailer(smtp), settings=HASTE, links=lambda now: links_for(URL, keys, now, {}))
        watching = Watching(api, [served.namespace])
        asking.listen(watching)
        watching.start()
        asking.start()
        yield server
        assert asking.is_healthy()
        watching.stop()
        asking.stop()


def wait_for_mail(mails: MailServer, number: int) -> str:
    eventually(lambda: len(mails.taken.mails) >= number, f"mail {number} has come")
    return str(mails.taken.mails[number - 1]["Subject"])


def test_an_owner_is_asked_told_and_asked_again(served: Tenant, mails: MailServer, simulator: Simulator) -> None:
    assert wait_for_mail(mails, 1) == "Acme\u00a0: connectez votre OneDrive"
    text = mails.taken.mails[0].get_body(("plain",))
    assert text is not None
    assert f"{URL}/c/{served.namespace}/acme-onedrive?t=" in text.get_content()

    sign_in(served, simulator)
    served.wait_for_condition("Connected", status="True", reason="SignedIn")
    served.run(served.wait_for_job("Initial"), collected=12)
    assert wait_for_mail(mails, 2) == "Acme\u00a0: vos premiers documents sont arrivés"

    simulator.control.add_faults("password changed")
    ask(served, "check-connection", "lost")
    served.wait_for_condition("Connected", status="False", reason="PasswordChanged")
    assert wait_for_mail(mails, 3) == "Acme\u00a0: votre OneDrive n'est plus connecté"

    def remembered() -> bool:
        status = served.cluster.get(RECIPIENT, served.namespace, "marie")["status"]
        return [mail["kind"] for mail in status["mails"]] == ["Lost", "FirstCollection", "Connect"]

    eventually(remembered, "all three are remembered")
    assert len(mails.taken.mails) == 3
