"""A browser, the pages behind an HTTPS address, and the simulated Microsoft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from demo.front import Front
from simulator.testing import Simulator
from tests.browser.person import WINDOWS, Person, browsing
from tests.connect.conftest import office as office  # the fixtures
from tests.connect.conftest import server as server
from tests.connect.office import PUBLIC, Office, serving

NewPerson = Callable[..., Person]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The public address of the pages; tests say what stands behind it."""
    host = urlsplit(PUBLIC).hostname
    with Front(str(host), tmp_path_factory.mktemp("front"), []).running() as running:
        yield running


@pytest.fixture(scope="module")
def chrome(front: Front) -> Iterator[Browser]:
    with browsing({str(urlsplit(PUBLIC).hostname): front.port}) as browser:
        yield browser


@pytest.fixture
def pages(office: Office, front: Front) -> Iterator[Front]:
    """The pages, served at the public address. Microsoft asks whoever comes."""
    office.simulator.control.settings(person_says="ask")
    with serving(office) as port:
        front.behind = [port]
        yield front


@pytest.fixture
def new_person(chrome: Browser, simulator: Simulator) -> Iterator[NewPerson]:
    """Opens a window, with Playwright's options of it: ``new_person(locale="fr", java_script_enabled=False)``."""
    contexts = []

    def new(**options: Any) -> Person:
        context = chrome.new_context(ignore_https_errors=True, viewport=WINDOWS["desktop"], **options)
        contexts.append(context)
        return Person(context.new_page(), PUBLIC, frozenset({simulator.origin}))

    yield new
    for context in contexts:
        context.close()
