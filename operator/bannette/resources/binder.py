"""The Binder: where a company's documents go, and what happens to those that come twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from bannette.resources import rules
from bannette.resources.channel import CaBundle, parse_ca_bundle
from bannette.resources.fields import Section
from bannette.resources.metadata import open_resource
from bannette.resources.names import ADOPT, uid_of_binder

# The condition that says whether a program was told of all documents, or why not.
EVENTS_DELIVERED: Final = "EventsDelivered"


class OnDuplicate(StrEnum):
    """What happens to a document whose bytes are in the binder already, under another item."""

    SKIP = "Skip"
    DELIVER = "Deliver"


@dataclass(frozen=True)
class PathStorage:
    """A folder of this machine; only in files, for runs without Kubernetes."""

    path: str


@dataclass(frozen=True)
class PersistentVolumeClaim:
    """A claim of the binder's namespace, or a folder in it."""

    claim_name: str
    sub_path: str | None = None


class Addressing(StrEnum):
    """Where the bucket's name stands in the address of a service that isn't Amazon's."""

    PATH = "Path"
    VIRTUAL_HOST = "VirtualHost"


@dataclass(frozen=True)
class S3Storage:
    """A bucket of S3 or of a service that speaks its protocol.

    Attributes:
        CREDENTIALS: sets of keys of which the credentials Secret has one completely; likewise for the other kinds.
    """

    CREDENTIALS: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"accessKeyId", "secretAccessKey"}),)

    bucket: str
    prefix: str | None = None
    endpoint: str | None = None
    region: str | None = None
    addressing: Addressing = Addressing.PATH
    credentials_secret: str | None = None


@dataclass(frozen=True)
class AzureBlobStorage:
    """A container of an Azure storage account."""

    CREDENTIALS: ClassVar[tuple[frozenset[str], ...]] = (
        frozenset({"accountKey"}),
        frozenset({"sasToken"}),
        frozenset({"tenantId", "clientId", "clientSecret"}),
    )

    account: str
    container: str
    prefix: str | None = None
    endpoint: str | None = None
    credentials_secret: str | None = None


@dataclass(frozen=True)
class GcsStorage:
    """A bucket of Google Cloud Storage."""

    CREDENTIALS: ClassVar[tuple[frozenset[str], ...]] = (frozenset({"serviceAccount"}),)

    bucket: str
    prefix: str | None = None
    credentials_secret: str | None = None


Bucket = S3Storage | AzureBlobStorage | GcsStorage
Storage = PathStorage | PersistentVolumeClaim | Bucket


@dataclass(frozen=True)
class EventSink:
    """A program that is told of each document.

    Attributes:
        secret: the Secret whose key ``token`` is sent with each event.
        ca_bundle: the authorities to trust in place of the usual ones.
    """

    TOKEN: ClassVar[str] = "token"  # noqa: S105 - a key's name

    url: str
    secret: str | None = None
    ca_bundle: CaBundle | None = None


@dataclass(frozen=True)
class Binder:
    """A company's binder.

    Attributes:
        events: who is told of documents, if anybody is.
        adopt: the uid of the foreign binder that a person allowed to be taken over (annotation bannette.io/adopt).
    """

    name: str
    namespace: str
    uid: str
    company: str
    storage: Storage
    on_duplicate: OnDuplicate = OnDuplicate.SKIP
    adopt: str | None = None
    events: EventSink | None = None

    @classmethod
    def parse(cls, body: Mapping[str, object], *, strict: bool = False) -> Binder:
        """Return the binder that *body* describes; *strict* refuses unknown fields too, for files.

        Raises:
            InvalidResource: it isn't acceptable; the message says which field, and what to write.
        """
        top, metadata = open_resource(body, kind="Binder", name_rule=rules.REFERENCE, strict=strict)
        return top.required(
            "spec",
            lambda spec: cls(
                name=metadata.name,
                namespace=metadata.namespace,
                uid=metadata.uid or uid_of_binder(metadata.namespace, metadata.name),
                company=spec.text("company", rules.ONE_LINE),
                storage=spec.required("storage", _parse_storage),
                on_duplicate=spec.choice("onDuplicate", OnDuplicate, default=OnDuplicate.SKIP),
                adopt=metadata.annotations.get(ADOPT) or None,
                events=spec.optional("events", _parse_events),
            ),
        )


def _parse_storage(storage: Section) -> Storage:
    path = storage.optional_text("path", rules.PATH)
    kinds: list[Storage | None] = [
        None if path is None else PathStorage(path),
        storage.optional("persistentVolumeClaim", _parse_claim),
        storage.optional("s3", _parse_s3),
        storage.optional("azureBlob", _parse_azure_blob),
        storage.optional("gcs", _parse_gcs),
    ]
    found = [kind for kind in kinds if kind is not None]
    if len(found) != 1:
        raise storage.invalid("", f'{rules.ONE_STORAGE}, or "path" in a file for one machine')
    return found[0]


def _parse_claim(claim: Section) -> Storage:
    return PersistentVolumeClaim(
        claim_name=claim.text("claimName", rules.CLAIM), sub_path=claim.optional_text("subPath", rules.INSIDE)
    )


def _parse_s3(s3: Section) -> Storage:
    return S3Storage(
        bucket=s3.text("bucket", rules.BUCKET),
        prefix=s3.optional_text("prefix", rules.INSIDE),
        endpoint=s3.optional_text("endpoint", rules.ENDPOINT),
        region=s3.optional_text("region", rules.ONE_LINE),
        addressing=s3.choice("addressing", Addressing, default=Addressing.PATH),
        credentials_secret=_parse_secret(s3),
    )


def _parse_azure_blob(azure: Section) -> Storage:
    return AzureBlobStorage(
        account=azure.text("account", rules.AZURE_ACCOUNT),
        container=azure.text("container", rules.AZURE_CONTAINER),
        prefix=azure.optional_text("prefix", rules.INSIDE),
        endpoint=azure.optional_text("endpoint", rules.AZURE_ENDPOINT),
        credentials_secret=_parse_secret(azure),
    )


def _parse_gcs(gcs: Section) -> Storage:
    return GcsStorage(
        bucket=gcs.text("bucket", rules.BUCKET),
        prefix=gcs.optional_text("prefix", rules.INSIDE),
        credentials_secret=_parse_secret(gcs),
    )


def _parse_events(events: Section) -> EventSink:
    sink = EventSink(
        url=events.text("url", rules.EVENTS_URL),
        secret=events.optional("secret", lambda secret: secret.text("name", rules.REFERENCE)),
        ca_bundle=events.optional("caBundle", parse_ca_bundle),
    )
    if sink.secret is not None and not rules.KEEPS_A_TOKEN.accepts(sink.url):
        raise events.invalid("", rules.KEEPS_A_TOKEN.message)
    return sink


def _parse_secret(section: Section) -> str | None:
    return section.optional("credentialsSecret", lambda secret: secret.text("name", rules.REFERENCE))
