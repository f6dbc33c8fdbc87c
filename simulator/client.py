"""A client of the control API; standard library only."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

Json = dict[str, object]

_PAUSE = 0.2


class ControlError(Exception):
    """The simulator refused a command; the message says why."""


class ControlClient:
    """Changes what the simulated OneDrive holds, makes it fail, reads its counts.

    Items are named by a path (``/Invoices/a.pdf``) or by an id; both are taken where ``item`` stands. ``drive`` is a
    drive's id, by default the first user's. Answers describe the item: id, drive, path, name, kind, size, eTag,
    deleted.

    Args:
        patience: seconds for which connections that are refused or reset are tried again.
    """

    def __init__(self, origin: str, ca_file: Path | None = None, *, patience: float = 0.0) -> None:
        parts = urlsplit(origin)
        self._context = ssl.create_default_context(cafile=ca_file)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or 443
        self._patience = patience
        self._connection: http.client.HTTPSConnection | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def call(self, verb: str, body: Mapping[str, object] | None = None) -> object:
        """Send a command and return its answer.

        Raises:
            ControlError: the simulator refused it.
        """
        payload = json.dumps({key: value for key, value in (body or {}).items() if value is not None}).encode()
        with self._lock:
            status, raw = self._send(verb, payload)
        answer: object = json.loads(raw)
        if status != 200:
            raise ControlError(str(answer.get("error")) if isinstance(answer, dict) else str(answer))
        return answer

    def _send(self, verb: str, payload: bytes) -> tuple[int, bytes]:
        kept, self._connection = self._connection, None
        if kept is not None:
            try:
                return self._exchange(kept, verb, payload)
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError):
                # It was idle for too long, and the server closed it before it read the command.
                kept.close()
        return self._exchange(self._connected(), verb, payload)

    def _connected(self) -> http.client.HTTPSConnection:
        until = time.monotonic() + self._patience
        while True:
            fresh = http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=60)
            try:
                # By itself: while it fails the server has read nothing, and it may be tried again.
                fresh.connect()
            except (ConnectionError, ssl.SSLError):
                fresh.close()
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)
            else:
                return fresh

    def _exchange(self, connection: http.client.HTTPSConnection, verb: str, payload: bytes) -> tuple[int, bytes]:
        connection.request("POST", f"/control/{verb}", body=payload, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        raw = response.read()
        self._connection = connection
        return response.status, raw

    def _item(self, verb: str, body: Mapping[str, object]) -> Json:
        answer = self.call(verb, body)
        if not isinstance(answer, dict):
            raise ControlError(f"Unexpected answer to {verb}.")
        return answer

    # What the drive holds.

    def create(
        self,
        path: str,
        content: bytes | str | None = None,
        *,
        generate: int | tuple[int, int] | None = None,
        facets: Mapping[str, object] | None = None,
        at: float | None = None,
        drive: str | None = None,
    ) -> Json:
        """Create a file, and its folders where they are missing.

        ``generate``: a size, or a seed and a size, instead of a content. Neither: the path itself. ``at``: seconds
        since 1970 when it was modified. ``facets`` with ``package`` or ``remoteItem`` make it no file.
        """
        return self._item(
            "create", {"path": path, **_content(content, generate), "facets": facets, "at": at, "drive": drive}
        )

    def folder(self, path: str, *, drive: str | None = None) -> Json:
        return self._item("folder", {"path": path, "drive": drive})

    def edit(
        self,
        item: str,
        content: bytes | str | None = None,
        *,
        generate: int | tuple[int, int] | None = None,
        drive: str | None = None,
    ) -> Json:
        """Give a file other bytes."""
        return self._item("edit", {**_name(item), **_content(content, generate), "drive": drive})

    def touch(self, item: str, *, drive: str | None = None) -> Json:
        """Change metadata only: a new eTag."""
        return self._item("touch", {**_name(item), "drive": drive})

    def facets(self, item: str, facets: Mapping[str, object], *, drive: str | None = None) -> Json:
        """Set facets (malware, shared…); None removes one."""
        return self._item("facets", {**_name(item), "facets": facets, "drive": drive})

    def rename(self, item: str, name: str, *, drive: str | None = None) -> Json:
        return self._item("rename", {**_name(item), "name": name, "drive": drive})

    def move(self, item: str, to: str, *, name: str | None = None, drive: str | None = None) -> Json:
        """Move an item into the folder *to*, which is made where it is missing."""
        return self._item("move", {**_name(item), "to": to, "name": name, "drive": drive})

    def copy(self, item: str, to: str, *, drive: str | None = None) -> Json:
        """Copy a file or a folder to the path *to*: new ids, the same bytes."""
        return self._item("copy", {**_name(item), "to": to, "drive": drive})

    def delete(self, item: str, *, drive: str | None = None) -> Json:
        return self._item("delete", {**_name(item), "drive": drive})

    def restore(self, item_id: str, *, drive: str | None = None) -> Json:
        """Take a deleted item out of the recycle bin; its id stays."""
        return self._item("restore", {"id": item_id, "drive": drive})

    def reupload(self, item: str, content: bytes | str | None = None, *, drive: str | None = None) -> Json:
        """Delete a file and upload one of the same name: a new id, the same bytes unless others are given."""
        return self._item("reupload", {**_name(item), **_content(content, None), "drive": drive})

    def item(self, item: str = "/", *, drive: str | None = None) -> Json:
        return self._item("item", {**_name(item), "drive": drive})

    def tree(self, item: str = "/", *, drive: str | None = None) -> list[Json]:
        """Describe everything below an item."""
        answer = self.call("tree", {**_name(item), "drive": drive})
        return answer if isinstance(answer, list) else []

    # The feed, tokens, URLs, the clock.

    def hold_feed(self, *, drive: str | None = None) -> None:
        """From now on the delta feed shows no change, until ``release_feed``."""
        self.call("hold-feed", {"drive": drive})

    def release_feed(self, *, drive: str | None = None) -> None:
        self.call("release-feed", {"drive": drive})

    def expire_cursors(self, *, drive: str | None = None) -> None:
        """Make every cursor given so far unknown: 410."""
        self.call("expire-cursors", {"drive": drive})

    def expire_tokens(self) -> None:
        """Make every access token given so far invalid: 401."""
        self.call("expire-tokens")

    def expire_urls(self) -> None:
        """Make every download URL given so far invalid."""
        self.call("expire-urls")

    def revoke_refresh_tokens(self) -> None:
        self.call("revoke-refresh-tokens")

    def issued(self) -> list[str]:
        """Return every token and code that was given since the start: what must stand in no log and on no page."""
        answer = self.call("issued")
        return [str(one) for one in answer] if isinstance(answer, list) else []

    def advance(self, seconds: float) -> None:
        """Set the simulator's clock forward."""
        self.call("advance", {"seconds": seconds})

    def settings(self, **changed: object) -> Json:
        """Change settings (``simulator.world.Settings``) and return all of them."""
        return self._item("settings", changed)

    # People and applications.

    def sign_in(self, *, user: str | None = None, client_id: str | None = None, scope: str | None = None) -> Json:
        """Return the token answer (access, refresh and id token) that a person's sign-in would give."""
        return self._item("sign-in", {"user": user, "clientId": client_id, "scope": scope})

    def answer_devices(self, *, user: str | None = None, decline: bool = False) -> None:
        """Approve, or decline, all device codes that wait."""
        self.call("answer-devices", {"user": user, "decline": decline})

    def person(self, upn: str, *, flavour: str | None = None, with_drive: bool = True) -> Json:
        """Add an account; ``flavour`` of its drive: business, personal or documentLibrary."""
        return self._item("person", {"upn": upn, "flavour": flavour, "drive": None if with_drive else False})

    def drive(self, identifier: str, *, flavour: str | None = None) -> Json:
        """Add a drive with this id."""
        return self._item("drive", {"id": identifier, "flavour": flavour})

    def application(
        self,
        client_id: str | None = None,
        *,
        secrets: Sequence[str] = (),
        remove_secrets: Sequence[str] = (),
        certificates: Sequence[str] = (),
        redirect_uris: Mapping[str, str] | None = None,
    ) -> Json:
        """Register an application, or add to one: secrets, certificates (PEM), redirect URIs with their platform."""
        return self._item(
            "application",
            {
                "clientId": client_id,
                "secrets": list(secrets),
                "removeSecrets": list(remove_secrets),
                "certificates": list(certificates),
                "redirectUris": dict(redirect_uris or {}),
            },
        )

    def mails(self) -> list[Json]:
        """Return the mails that came, the latest last: to, from, subject, text, html."""
        answer = self.call("mails")
        return answer if isinstance(answer, list) else []

    # Faults and counts.

    def add_faults(self, *faults: str | Mapping[str, object]) -> None:
        """Put faults in force: names of ``simulator.catalogue``, or rows; a row's ``like`` names the one it changes."""
        self.call("add-faults", {"faults": [fault if isinstance(fault, str) else dict(fault) for fault in faults]})

    def remove_faults(self, name: str | None = None) -> None:
        """End the faults of this name; all without one."""
        self.call("remove-faults", {"name": name})

    def faults(self) -> list[Json]:
        """Return the faults in force with ``hits``: how often each acted."""
        answer = self.call("faults")
        return answer if isinstance(answer, list) else []

    def counters(self) -> Json:
        """Return what ``simulator.counters`` counts since the last reset of the counters."""
        return self._item("counters", {})

    def count(self, kind: str) -> int:
        """Return how many requests of a kind (delta, children, item, content, download, token…) were made."""
        requests = self.counters()["requests"]
        if not isinstance(requests, dict):
            raise ControlError("Unexpected counters.")
        return int(requests[kind])

    def requests(self) -> list[Json]:
        """Return the last requests: kind, method, target, status."""
        answer = self.call("requests")
        return answer if isinstance(answer, list) else []

    def reset_counters(self) -> None:
        self.call("reset-counters")

    def reset(self) -> None:
        """Go back to the state at the start."""
        self.call("reset")


def _name(item: str) -> Json:
    return {"path": item} if item.startswith("/") else {"id": item}


def _content(content: bytes | str | None, generate: int | tuple[int, int] | None) -> Json:
    if generate is not None:
        return {"generate": list(generate) if isinstance(generate, tuple) else generate}
    if isinstance(content, bytes):
        return {"base64": base64.b64encode(content).decode()}
    return {"text": content} if content is not None else {}
