"""An assignment without Kubernetes: channel, binder, recipient and Secrets in YAML files, the status in a folder."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bannette.accounts import client_of, sign_in
from bannette.binder import Location, StorePath
from bannette.collector.connection_file import ConnectionFile
from bannette.collector.file_status import FileStatus
from bannette.collector.passwords import passwords_in
from bannette.collector.sinks import sink_of
from bannette.collector.stores import bucket_location
from bannette.errors import PersonNeeded
from bannette.notify.sink import Sink
from bannette.onedrive import Client, Endpoints, Tokens
from bannette.resources import (
    Binder,
    Channel,
    DelegatedAccount,
    InvalidResource,
    PathStorage,
    PersistentVolumeClaim,
    Recipient,
    load_documents,
)

_KINDS = ("CollectionChannel", "Binder", "Recipient", "Secret", "ConfigMap")
Named = TypeVar("Named", Channel, Binder, Recipient)


@dataclass(frozen=True)
class _Placed:
    """A document, and the folder of the file that it stands in."""

    body: Mapping[str, object]
    folder: Path


@dataclass(frozen=True)
class ResourceFiles:
    """The resources of some files; what else they hold is passed over."""

    documents: Mapping[str, tuple[_Placed, ...]]

    @classmethod
    def load(cls, paths: Iterable[Path]) -> ResourceFiles:
        """Read *paths*.

        Raises:
            PersonNeeded: a file can't be read or isn't YAML, or a resource stands there twice, in two ways.
        """
        found: dict[str, list[_Placed]] = {kind: [] for kind in _KINDS}
        seen: dict[tuple[str, str, str], _Placed] = {}
        for path in paths:
            for body in _documents(path):
                kind = body.get("kind")
                if not isinstance(kind, str) or kind not in found:
                    continue
                namespace, name = _name_of(body)
                placed = _Placed(body, path.absolute().parent)
                first = seen.setdefault((kind, str(namespace), str(name)), placed)
                if first is placed:
                    found[kind].append(placed)
                elif first != placed:
                    raise PersonNeeded(
                        f'{path}: {kind} "{name}" of namespace "{namespace}" stands in the files twice, and differs: '
                        "keep one of them.",
                        reason="ResourceRepeated",
                    )
        return cls({kind: tuple(placed) for kind, placed in found.items()})

    def channel(self, name: str | None = None) -> Channel:
        """Return the channel *name*; the only one without a name.

        Raises:
            PersonNeeded: there is none, or there are several; InvalidResource.
        """
        channels = [Channel.parse(placed.body, strict=True) for placed in self.documents["CollectionChannel"]]
        if name is not None:
            channels = [
                channel for channel in channels if name in (channel.name, f"{channel.namespace}/{channel.name}")
            ]
        if not channels:
            wanted = "CollectionChannel" if name is None else f'CollectionChannel "{name}"'
            raise PersonNeeded(f"The files hold no {wanted}: add one, or name its file with -f.", reason="NoChannel")
        if len(channels) > 1:
            names = ", ".join(f"{channel.namespace}/{channel.name}" for channel in channels)
            raise PersonNeeded(
                f"The files hold several channels ({names}): choose one with --channel.", reason="SeveralChannels"
            )
        return channels[0]

    def binder(self, namespace: str, name: str) -> Binder:
        binders = (Binder.parse(placed.body, strict=True) for placed in self.documents["Binder"])
        return _named(binders, "Binder", namespace, name)

    def only_binder(self) -> Binder:
        """Return the only binder.

        Raises: PersonNeeded: there is none, or there are several.
        """
        binders = [Binder.parse(placed.body, strict=True) for placed in self.documents["Binder"]]
        if len(binders) != 1:
            raise PersonNeeded(
                f"The files hold {len(binders)} binders: choose a channel with --channel, or name the binder's folder "
                "with --binder.",
                reason="NotOneBinder",
            )
        return binders[0]

    def recipient(self, namespace: str, name: str) -> Recipient:
        recipients = (Recipient.parse(placed.body, strict=True) for placed in self.documents["Recipient"])
        return _named(recipients, "Recipient", namespace, name)

    def secret(self, namespace: str, name: str) -> dict[str, str]:
        """Return the members of a Secret.

        Raises: PersonNeeded: there is none, or it can't be decoded.
        """
        for placed in self.documents["Secret"]:
            if _name_of(placed.body) == (namespace, name):
                return _members(placed.body, name)
        raise _missing("Secret", namespace, name)

    def config_map_value(self, namespace: str, name: str, key: str) -> str | None:
        """Return a value of a ConfigMap; None if there is none."""
        for placed in self.documents["ConfigMap"]:
            data = placed.body.get("data")
            if _name_of(placed.body) == (namespace, name) and isinstance(data, Mapping):
                value = data.get(key)
                return value if isinstance(value, str) else None
        return None

    def storage(self, binder: Binder) -> Location:
        """Return where *binder* is; the relative path of a folder starts at the file that the binder stands in.

        Raises: PersonNeeded: it is a volume, or what it needs isn't in the files.
        """
        storage = binder.storage
        if isinstance(storage, PersistentVolumeClaim):
            raise PersonNeeded(
                f'Binder "{binder.name}" of namespace "{binder.namespace}" is a volume of a cluster: without '
                "Kubernetes it needs storage: {path: DIR}, or a bucket.",
                reason="StorageUnsupported",
            )
        if not isinstance(storage, PathStorage):
            secret = storage.credentials_secret
            return bucket_location(binder, storage, self.secret(binder.namespace, secret) if secret else {})
        name = (binder.namespace, binder.name)
        folder = next(placed.folder for placed in self.documents["Binder"] if _name_of(placed.body) == name)
        try:
            return StorePath(folder / Path(storage.path).expanduser())
        except RuntimeError as error:
            raise PersonNeeded(
                f'Binder "{binder.name}" of namespace "{binder.namespace}": storage.path begins with the home folder '
                "of a user that this machine doesn't know: write the path from /.",
                reason="BinderNotFound",
            ) from error


class FileAssignment:
    """The channel *name* of some files, or the only one.

    Args:
        state: folder of its status; by default one in the user's own state folder.
    """

    def __init__(self, files: ResourceFiles, *, name: str | None = None, state: Path | None = None) -> None:
        self._files = files
        self._channel = files.channel(name)
        folder = state or default_state_folder(self._channel)
        self._folder = folder
        # In the locked folder, so that the documents of a run that was killed are removed by the next one.
        self.scratch = folder / "scratch"
        self.connection = ConnectionFile(folder)
        self.status = FileStatus(
            folder,
            namespace=self._channel.namespace,
            name=self._channel.name,
            binder=self._channel.binder,
        )

    def channel(self) -> Channel:
        return self._channel

    def binder(self, channel: Channel) -> Binder:
        return self._files.binder(channel.namespace, channel.binder)

    def recipient(self, channel: Channel) -> Recipient:
        return self._files.recipient(channel.namespace, channel.recipient)

    def storage(self, binder: Binder) -> Location:
        return self._files.storage(binder)

    def passwords(self, channel: Channel) -> tuple[str, ...]:
        name = channel.ocr.passwords_secret
        return passwords_in(self._files.secret(channel.namespace, name), name) if name else ()

    def sink(self, binder: Binder) -> Sink:
        events = binder.events
        assert events is not None  # noqa: S101 - asked for by the caller
        secret = self._files.secret(binder.namespace, events.secret) if events.secret else {}
        ca_file: Path | None = None
        if events.ca_bundle is not None:
            value = self._files.config_map_value(binder.namespace, events.ca_bundle.config_map, events.ca_bundle.key)
            if value is not None:
                ca_file = self._folder / "events-ca.crt"
                ca_file.write_text(value, encoding="utf-8")
        return sink_of(binder, events, secret=secret, ca_file=ca_file)

    def sign_in(self, channel: Channel, endpoints: Endpoints, environ: Mapping[str, str]) -> Tokens:
        return sign_in(channel, endpoints, secret=self._secret(channel), connections=self.connection, environ=environ)

    def client(self, channel: Channel, account: DelegatedAccount, environ: Mapping[str, str]) -> Client:
        """Return the application under which the owner of *account* signs in.

        Raises: PersonNeeded.
        """
        return client_of(channel, account, self._secret(channel), environ)

    def _secret(self, channel: Channel) -> dict[str, str]:
        name = channel.onedrive.account.credentials_secret
        return self._files.secret(channel.namespace, name) if name else {}


def default_state_folder(channel: Channel) -> Path:
    """Return where a channel's status is kept if nothing else is said."""
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "bannette" / channel.namespace / channel.name


def _documents(path: Path) -> list[dict[str, object]]:
    try:
        return load_documents(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it isn't UTF-8"
        raise PersonNeeded(
            f"{path} can't be read ({cause}): name a YAML file with the resources.", reason="FileUnreadable"
        ) from error
    except InvalidResource as error:
        raise InvalidResource(f"{path}: {error}", path=error.path) from None


def _named(found: Iterable[Named], kind: str, namespace: str, name: str) -> Named:
    for resource in found:
        if (resource.namespace, resource.name) == (namespace, name):
            return resource
    raise _missing(kind, namespace, name)


def _missing(kind: str, namespace: str, name: str) -> PersonNeeded:
    return PersonNeeded(
        f'{kind} "{name}" of namespace "{namespace}" isn\'t in the files: add it, or name its file with another -f.',
        reason=f"{kind}NotFound",
    )


def _name_of(body: Mapping[str, object]) -> tuple[object, object]:
    metadata = body.get("metadata")
    members: Mapping[str, object] = metadata if isinstance(metadata, Mapping) else {}
    return members.get("namespace") or "default", members.get("name")


def _members(secret: Mapping[str, object], name: str) -> dict[str, str]:
    members: dict[str, str] = {}
    encoded, plain = secret.get("data"), secret.get("stringData")
    try:
        for key, value in (encoded if isinstance(encoded, Mapping) else {}).items():
            members[str(key)] = base64.b64decode(str(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise PersonNeeded(
            f'Secret "{name}": data must be base64; use stringData for plain text.', reason="SecretInvalid"
        ) from error
    given = plain if isinstance(plain, Mapping) else {}
    members.update({str(key): str(value) for key, value in given.items() if value is not None})
    return members
