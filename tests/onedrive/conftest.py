"""A signed-in Graph on the simulated OneDrive, with a clock on which waiting costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bannette.onedrive import (
    ApplicationCredentials,
    Download,
    Drive,
    Endpoints,
    Graph,
    Item,
    Page,
    Patience,
    Position,
    SignIn,
    changes,
    download,
    endpoints_for,
    open_drive,
)
from simulator.testing import Simulator
from simulator.testing import simulator as simulator  # the fixture


class QuickClock:
    """The machine's clock, but sleeping moves it forward instead of waiting."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._ahead += seconds


@dataclass
class Walked:
    """What one walk gave."""

    items: dict[str, Item] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    pages: int = 0
    times: list[str] = field(default_factory=list)
    position: Position | None = None

    def take(self, page: Page) -> None:
        self.pages += 1
        self.items.update((item.id, item) for item in page.items)
        self.times += [item.name for item in page.items]
        self.paths.update(page.paths)
        self.gone.update(page.gone)
        self.notes += page.notes
        self.position = page.position or self.position

    @property
    def names(self) -> list[str]:
        return sorted(item.name for item in self.items.values())

    @property
    def places(self) -> list[str]:
        return sorted(f"{self.paths[item.parent_id].rstrip('/')}/{item.name}" for item in self.items.values())


class Account:
    """One channel's view of the simulated OneDrive."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.control = simulator.control
        self.clock = QuickClock()
        self.endpoints: Endpoints = endpoints_for("Global", simulator.environment)
        self.graph = self.new_graph()

    def new_graph(self, *, deadline: float | None = None, patience: Patience | None = None) -> Graph:
        credentials = ApplicationCredentials(
            self.simulator.tenant_id, self.simulator.client_id, secret=self.simulator.client_secret
        )
        sign_in = SignIn(self.endpoints, credentials, timeout=60)
        patience = patience or Patience(connect=60, read=60)
        return Graph(self.endpoints, sign_in, clock=self.clock, deadline=deadline, patience=patience)

    @property
    def drive(self) -> Drive:
        return open_drive(self.graph, user=self.simulator.user)

    def walk(self, folder: str = "/", position: Position | None = None) -> Walked:
        """Walk to the end, by way of what would be stored."""
        stored = Position.from_dict(position.to_dict()) if position is not None else None
        walked = Walked()
        drive = open_drive(self.graph, user=self.simulator.user, position=stored)
        for page in changes(self.graph, drive, folder=folder, position=stored):
            walked.take(page)
        assert walked.position is not None
        return walked

    def download(self, item: Item, target: Path) -> Download:
        return download(self.graph, self.drive, item, target)


@pytest.fixture
def account(simulator: Simulator) -> Iterator[Account]:
    opened = Account(simulator)
    yield opened
    opened.graph.close()


@pytest.fixture(scope="module")
def personal_simulator() -> Iterator[Simulator]:
    with Simulator(flavour="personal") as started:
        yield started


@pytest.fixture
def personal(personal_simulator: Simulator) -> Iterator[Account]:
    """A personal account."""
    personal_simulator.control.reset()
    opened = Account(personal_simulator)
    yield opened
    opened.graph.close()


@pytest.fixture
def new_item(account: Account) -> Callable[..., Item]:
    """Create a file and return it as the walk shows it."""

    def create(path: str = "/Invoices/a.pdf", content: bytes | str | None = None, **options: object) -> Item:
        made = account.control.create(path, content, **options)
        return account.walk().items[str(made["id"])]

    return create
