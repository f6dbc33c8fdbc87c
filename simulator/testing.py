"""The simulator for tests: in a thread of the test's process, at a port of its own.

A ``conftest.py`` gets the fixture by ``from simulator.testing import simulator as simulator``.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pytest

from simulator.accounts import CLIENT_ID, SECRET, TENANT, USER
from simulator.certificates import ClientCertificate, load_authority, new_client_certificate, server_context
from simulator.client import ControlClient
from simulator.environment import environment
from simulator.identifiers import Flavour
from simulator.seeding import populate_from
from simulator.server import Server
from simulator.world import World

_START_SECONDS = 60


class Simulator:
    """A simulated OneDrive and sign-in that runs while the context is entered.

    Args:
        content: as for ``python -m simulator --content``.
        flavour: of the first user's drive: business, personal, documentLibrary.
        separate_download_port: serve downloads at another port, as another origin.

    Attributes:
        origin: for BANNETTE_GRAPH_URL and BANNETTE_AUTHORITY_URL.
        download_origin: what download URLs begin with.
        ca_file: the certificate of the authority that signed the server's.
        control: changes content, sets faults, reads counts.
    """

    tenant_id = TENANT
    user = USER
    client_id = CLIENT_ID
    client_secret = SECRET

    def __init__(
        self,
        content: str | Path = "empty",
        *,
        flavour: Flavour | str = Flavour.WORK,
        separate_download_port: bool = False,
    ) -> None:
        self._populate = populate_from(content)
        self._flavour = Flavour(flavour)
        self._ports = 2 if separate_download_port else 1
        self._folder = tempfile.TemporaryDirectory(prefix="simulator-")
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._error: BaseException | None = None
        self.ca_file = Path(self._folder.name) / "ca.crt"
        self.origin = ""
        self.download_origin = ""
        self.control: ControlClient

    def __enter__(self) -> Simulator:
        authority = load_authority(Path(self._folder.name))
        self._context = server_context(authority, ["localhost", "127.0.0.1", "::1"])
        self._thread.start()
        if not self._ready.wait(_START_SECONDS) or self._error is not None:
            raise RuntimeError("The simulator didn't start.") from self._error
        self.control = ControlClient(self.origin, self.ca_file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._folder.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that lead Bannette, and whatever uses requests or OpenSSL, to this simulator."""
        return environment(self.origin, self.download_origin, self.ca_file)

    def new_certificate(self) -> ClientCertificate:
        """Register a new certificate for the default application, and return it with its key."""
        made = new_client_certificate(self.client_id)
        self.control.application(certificates=[made.certificate])
        return made

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        world = World("", "", flavour=self._flavour, populate=self._populate)
        server = Server(world)
        try:
            self._loop.run_until_complete(self._start(server, world, self._context))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._error = error
            return
        finally:
            self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(server.stop())
            # Answers that stand still, as a fault wanted them to.
            waiting = asyncio.all_tasks(self._loop)
            for task in waiting:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
            self._loop.close()

    async def _start(self, server: Server, world: World, context: ssl.SSLContext) -> None:
        ports = await server.start([("127.0.0.1", 0, context)] * self._ports)
        self.origin = world.public_url = f"https://localhost:{ports[0]}"
        self.download_origin = world.download_url = f"https://localhost:{ports[-1]}"


@contextmanager
def running(content: str | Path = "empty", *, flavour: Flavour | str = Flavour.WORK) -> Iterator[Simulator]:
    """Run a simulator while the context is entered."""
    with Simulator(content, flavour=flavour) as started:
        yield started


_SHARED = pytest.StashKey[Simulator]()


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Simulator:
    """An empty OneDrive: one simulator for the whole session, reset for each test (starting one costs 50 ms)."""
    stash = request.config.stash
    if _SHARED not in stash:
        started = Simulator()
        started.__enter__()
        request.config.add_cleanup(lambda: started.__exit__(None, None, None))
        stash[_SHARED] = started
    stash[_SHARED].control.reset()
    return stash[_SHARED]
