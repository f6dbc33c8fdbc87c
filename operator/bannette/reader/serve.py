"""The process: serves one binder until it is told to end, or nobody has asked for a while."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Final

import uvicorn

from bannette import logs
from bannette.binder import Store
from bannette.errors import PersonNeeded
from bannette.reader.access import Access
from bannette.reader.app import Reader
from bannette.reader.catalogue import Catalogue

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 100
_GRACE_SECONDS: Final = 20
_LOOK_SECONDS: Final = 1.0
# The index is made in the background: whoever asks shouldn't wait for Python's usual 5 ms at each turn.
_SWITCH_SECONDS: Final = 0.0005
_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")


def serve(store: Store, *, uid: str, digest: str, address: str, port: int, idle_seconds: float) -> None:
    """Serve the binder of the Binder resource *uid* until SIGTERM or SIGINT, or until nobody asks any more.

    Args:
        digest: SHA-256 of the only token that is let in, in hex.
        idle_seconds: after so long without a request the process ends; 0: never.

    Raises:
        PersonNeeded: InvalidSetting.
    """
    if not _DIGEST.fullmatch(digest):
        raise PersonNeeded(
            "BANNETTE_INBOX_READER must be the SHA-256 of the token that is let in, as 64 hexadecimal digits.",
            reason="InvalidSetting",
        )
    sys.setswitchinterval(_SWITCH_SECONDS)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="bannette-inbox-") as folder:
        catalogue = Catalogue(store, uid=uid, folder=Path(folder))
        try:
            access = Access(Reader(catalogue, store).application(), digest=digest)
            server = _server(access, address, port)
            logs.event(logger, "inbox.serving", address=address, port=port)
            # uvicorn ends in good order, and raises the signal once more, which would end the process as if killed.
            signal.signal(signal.SIGTERM, lambda *_: None)
            asyncio.run(_until_idle(server, access, idle_seconds))
        finally:
            catalogue.close()


async def _until_idle(server: uvicorn.Server, access: Access, idle_seconds: float) -> None:
    serving = asyncio.create_task(server.serve())
    while not serving.done():
        await asyncio.wait([serving], timeout=_LOOK_SECONDS)
        if idle_seconds and access.idle_seconds() > idle_seconds and not server.should_exit:
            logs.event(logger, "inbox.idle", seconds=round(access.idle_seconds()))
            server.should_exit = True
    serving.result()


def _server(app: Access, address: str, port: int) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=address,
            port=port,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_AT_ONCE,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
