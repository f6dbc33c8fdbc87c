"""The keys as the service beside a command has them: a command that has just begun can't know which came lately."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

import requests

from bannette.connect.address import PATH, PURPOSE
from bannette.connect.settings import Settings
from bannette.web.sealing import Keys

_TIMEOUT: Final = (2.0, 5.0)
_LONGEST: Final = 4096
# What listens on all of a machine's addresses answers on its own.
_OWN: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104


def keys_beside(settings: Settings) -> Keys:
    """Return the keys of now, of which that one seals that the service on this machine seals with.

    Where none serves, the newest seals. The age of the files tells nothing: of a Secret that is mounted, the kubelet
    makes all files anew whenever one changes.

    Raises: PersonNeeded: as for ``load_keys``.
    """
    keys, nonce = settings.load_keys(), secrets.token_urlsafe(24)
    host = _OWN.get(settings.address, settings.address)
    try:
        with requests.Session() as session:
            # Neither a proxy nor ~/.netrc for one's own machine.
            session.trust_env = False
            answer = session.get(
                f"http://{host}:{settings.port}{PATH}",
                params={"nonce": nonce},
                headers={"Host": settings.host},
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            text = answer.raw.read(_LONGEST, decode_content=True).decode(errors="replace")
    except (requests.RequestException, OSError):
        return keys
    opened = keys.open(PURPOSE, text)
    if opened is None or opened.get("nonce") != nonce:
        return keys
    return replace(keys, fresh=frozenset(keys.by_id) - {str(opened["key"])})
