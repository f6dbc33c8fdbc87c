"""An API server for the tests of mails that nobody sends by hand; each test has a namespace of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.apiserver import ApiServer
from tests.asking.firm import Clock, Firm, Service
from tests.notify.mail_server import MailServer, mail_server
from tests.resources.api import ROOT

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Path]]:
    log = tmp_path_factory.mktemp("audit") / "audit.log"
    with ApiServer(audit_log=log) as running:
        running.install_crds(ROOT / "crds")
        yield running, log


@pytest.fixture
def firm(audited: tuple[ApiServer, Path], clock: Clock) -> Firm:
    """A namespace with a binder, and recipients and channels as a test makes them."""
    server, log = audited
    return Firm(server, f"firm-{next(_NUMBERS)}", clock, log)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def service(firm: Firm, mails: MailServer, tmp_path: Path) -> Iterator[Service]:
    """What sends mails, at the test's own time."""
    with Service(firm, mails.port, tmp_path / "keys") as running:
        yield running
