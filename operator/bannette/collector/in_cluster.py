"""The assignment of a pod: resources from the API server, credentials and the binder's volume as they are mounted."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from bannette.accounts import ConnectionSecret, sign_in
from bannette.binder import Location, StorePath
from bannette.collector.assignment import secret_in_folder
from bannette.collector.cluster_status import ClusterStatus
from bannette.collector.passwords import passwords_in
from bannette.collector.sinks import sink_of
from bannette.collector.stores import bucket_location
from bannette.errors import PersonNeeded
from bannette.kube import ClusterApi
from bannette.notify.sink import Sink
from bannette.onedrive import Endpoints, Tokens
from bannette.resources import (
    BINDERS,
    CHANNELS,
    RECIPIENTS,
    Binder,
    Channel,
    PathStorage,
    PersistentVolumeClaim,
    Recipient,
)

_BINDER = Path("/binder")
_CREDENTIALS = Path("/etc/bannette/credentials")
_STORE = Path("/etc/bannette/store")
_PASSWORDS = Path("/etc/bannette/passwords")
_EVENTS = Path("/etc/bannette/events")
_EVENTS_CA = Path("/etc/bannette/events-ca/ca.crt")


class ClusterAssignment:
    """The channel that the pod's environment names.

    Args:
        volume: where the binder's volume is mounted.
        credentials: where the Secret of the channel's account is mounted.
        store: where the Secret of the binder's bucket is mounted.
        passwords: where the Secret with passwords of documents is mounted.
        events: where the Secret of the binder's sink is mounted; events_ca: the file with its authorities.
    """

    def __init__(
        self,
        api: ClusterApi,
        *,
        channel: str,
        volume: Path = _BINDER,
        credentials: Path = _CREDENTIALS,
        store: Path = _STORE,
        passwords: Path = _PASSWORDS,
        events: Path = _EVENTS,
        events_ca: Path = _EVENTS_CA,
    ) -> None:
        self._api = api
        self._name = channel
        self._volume = volume
        self._credentials = credentials
        self._store = store
        self._passwords = passwords
        self._events = events
        self._events_ca = events_ca
        self.status = ClusterStatus(api, name=channel)
        self.scratch = Path(tempfile.gettempdir()) / "bannette"

    @classmethod
    def of_pod(cls, environ: Mapping[str, str]) -> ClusterAssignment:
        """Return the assignment of this pod.

        Raises:
            PersonNeeded: this process isn't one that the operator started.
        """
        name = environ.get("BANNETTE_CHANNEL")
        if not name:
            raise PersonNeeded(
                "--in-cluster is for the pods that the operator makes (BANNETTE_CHANNEL is not set): use -f FILE.",
                reason="NotInCluster",
            )
        api = ClusterApi.in_cluster(environ=environ, namespace=environ.get("BANNETTE_NAMESPACE") or None)
        return cls(api, channel=name)

    def channel(self) -> Channel:
        return Channel.parse(self._api.get(CHANNELS, self._name))

    def binder(self, channel: Channel) -> Binder:
        body = self._api.get(BINDERS, channel.binder)
        binder = Binder.parse(body)
        self.status.use_binder(binder.name, body)
        return binder

    def recipient(self, channel: Channel) -> Recipient:
        return Recipient.parse(self._api.get(RECIPIENTS, channel.recipient))

    def storage(self, binder: Binder) -> Location:
        return mounted_storage(binder, volume=self._volume, store=self._store)

    def passwords(self, channel: Channel) -> tuple[str, ...]:
        name = channel.ocr.passwords_secret
        return passwords_in(secret_in_folder(self._passwords), name) if name else ()

    def sink(self, binder: Binder) -> Sink:
        assert binder.events is not None  # noqa: S101 - asked for by the caller
        secret = secret_in_folder(self._events)
        return sink_of(binder, binder.events, secret=secret, ca_file=self._events_ca)

    def sign_in(self, channel: Channel, endpoints: Endpoints, environ: Mapping[str, str]) -> Tokens:
        return sign_in(
            channel,
            endpoints,
            secret=secret_in_folder(self._credentials),
            connections=ConnectionSecret.of(self._api, channel),
            environ=environ,
        )


def mounted_storage(binder: Binder, *, volume: Path = _BINDER, store: Path = _STORE) -> Location:
    """Return where *binder* is for a pod that the operator made.

    Raises:
        PersonNeeded: StorageUnsupported, BinderNotMounted, StoreCredentialsMissing.
    """
    storage = binder.storage
    if isinstance(storage, PathStorage):
        raise PersonNeeded(
            f'Binder "{binder.name}" of namespace "{binder.namespace}" is a folder of one machine, which runs in a '
            "cluster don't have: use a volume or a bucket.",
            reason="StorageUnsupported",
        )
    if not isinstance(storage, PersistentVolumeClaim):
        return bucket_location(binder, storage, secret_in_folder(store))
    if not volume.is_dir():
        raise PersonNeeded(
            f"The volume of binder \"{binder.name}\" isn't mounted at {volume}: delete the run's Job, the "
            "next one mounts it.",
            reason="BinderNotMounted",
        )
    return StorePath(volume)
