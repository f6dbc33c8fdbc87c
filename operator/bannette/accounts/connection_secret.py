"""Where the connection of an account is kept in a cluster: in the Secret that the operator made for the channel."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi, Conflict, contended
from bannette.onedrive import Connection, settled
from bannette.resources import (
    ACCOUNT_ANNOTATION,
    CONNECTED_AT_ANNOTATION,
    CONNECTION_ID_ANNOTATION,
    TOKEN_KEY,
    Channel,
    format_time,
    parse_time,
    token_secret_name,
)

# For which an API server that is away is waited for, besides its own attempts: whoever renewed tokens has them alone.
_PATIENCE: Final = 20.0


class ConnectionSecret:
    """The connection of *channel* in its Secret.

    Args:
        has_page: its owner can connect it at a page, which the channel's status names.
    """

    def __init__(self, api: ClusterApi, *, channel: str, has_page: bool = False) -> None:
        self._api = api
        self._has_page = has_page
        self._name = token_secret_name(channel)
        self._body: Mapping[str, object] = {}

    @classmethod
    def of(cls, api: ClusterApi, channel: Channel) -> ConnectionSecret:
        """Return that of *channel*, as its status tells of its page."""
        connection = channel.status.connection
        return cls(api, channel=channel.name, has_page=connection is not None and connection.page is not None)

    @property
    def advice(self) -> str:
        if self._has_page:
            return "let its owner sign in at the channel's page, which is in status.connection.page"
        return (
            "run `bannette connect -f FILE --manifest SECRET.yaml` on a machine with a browser, then "
            "`kubectl apply --server-side --force-conflicts -f SECRET.yaml`"
        )

    def load(self) -> Connection | None:
        try:
            self._body = self._api.get("secrets", self._name)
        except PersonNeeded as error:
            if error.reason == "NotFound":
                return None
            raise
        return connection_in(self._body)

    def save(self, held: Connection, tokens: str) -> Connection:
        seen: list[Connection | None] = [connection_in(self._body)]

        def attempt() -> Connection:
            stored = seen.pop() if seen else self.load()
            kept = settled(stored, held, tokens, advice=self.advice)
            if kept != stored:
                self._put(tokens)
            return kept

        what = f'Secret "{self._name}" of namespace "{self._api.namespace}"'
        return contended(attempt, what=what, patience=_PATIENCE)

    def _put(self, tokens: str) -> None:
        # In the version that was read: what somebody else wrote meanwhile is never undone.
        try:
            self._body = self._api.put("secrets", self._name, {**self._body, "data": self._data(tokens)})
        except PersonNeeded as error:
            if error.reason == "NotFound":
                raise Conflict("Gone between the look and the write.", reason=error.reason) from None
            raise

    def _data(self, tokens: str) -> dict[str, object]:
        return {**_members(self._body, "data"), TOKEN_KEY: base64.b64encode(tokens.encode()).decode()}


def connection_in(secret: Mapping[str, object]) -> Connection | None:
    """Return the connection that the Secret holds; None of one that nobody has signed in to."""
    annotations = _members(_members(secret, "metadata"), "annotations")
    connection_id = annotations.get(CONNECTION_ID_ANNOTATION)
    encoded = _members(secret, "data").get(TOKEN_KEY)
    if not encoded or not connection_id:
        return None
    try:
        tokens = base64.b64decode(str(encoded), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        # Damaged: whoever uses it says so.
        tokens = ""
    return Connection(
        id=str(connection_id),
        account=str(annotations.get(ACCOUNT_ANNOTATION) or ""),
        connected_at=_time(annotations.get(CONNECTED_AT_ANNOTATION)),
        tokens=tokens,
    )


def with_connection(secret: Mapping[str, object], connection: Connection) -> dict[str, object]:
    """Return the Secret with *connection* in it, in place of what it holds."""
    metadata = _members(secret, "metadata")
    annotations = {**_members(metadata, "annotations"), **_annotations(connection)}
    data = {**_members(secret, "data"), TOKEN_KEY: base64.b64encode(connection.tokens.encode()).decode()}
    return {**secret, "metadata": {**metadata, "annotations": annotations}, "data": data}


def without_connection(secret: Mapping[str, object]) -> dict[str, object]:
    """Return the Secret as it was before anybody signed in."""
    metadata = _members(secret, "metadata")
    gone = (CONNECTION_ID_ANNOTATION, ACCOUNT_ANNOTATION, CONNECTED_AT_ANNOTATION)
    annotations = {name: value for name, value in _members(metadata, "annotations").items() if name not in gone}
    data = {name: value for name, value in _members(secret, "data").items() if name != TOKEN_KEY}
    return {**secret, "metadata": {**metadata, "annotations": annotations}, "data": data}


def connection_manifest(channel: Channel, connection: Connection) -> dict[str, object]:
    """Return what, applied to the cluster, connects *channel* there. It holds the tokens."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": token_secret_name(channel.name),
            "namespace": channel.namespace,
            "annotations": _annotations(connection),
        },
        "type": "Opaque",
        "data": {TOKEN_KEY: base64.b64encode(connection.tokens.encode()).decode()},
    }


def _annotations(connection: Connection) -> dict[str, str]:
    return {
        CONNECTION_ID_ANNOTATION: connection.id,
        ACCOUNT_ANNOTATION: connection.account,
        CONNECTED_AT_ANNOTATION: format_time(connection.connected_at),
    }


def _members(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _time(text: object) -> datetime:
    try:
        return parse_time(str(text))
    except ValueError:
        # Shown only.
        return datetime.fromtimestamp(0, UTC)
