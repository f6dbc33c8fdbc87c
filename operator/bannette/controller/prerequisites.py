"""What must exist before a channel may run, and what to say about what doesn't. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bannette.controller.names import CLAIM, CONFIG_MAP, SECRET, Kind
from bannette.resources import (
    ACCOUNT_ANNOTATION,
    CONNECTED_AT_ANNOTATION,
    CONNECTION_ID_ANNOTATION,
    TOKEN_KEY,
    ApplicationAccount,
    AzureBlobStorage,
    Binder,
    Channel,
    DelegatedAccount,
    GcsStorage,
    PathStorage,
    PersistentVolumeClaim,
    Recipient,
    S3Storage,
    parse_time,
)

# As the CustomResourceDefinition has it; a run's pod may write its Secret.
_LONGEST_ACCOUNT: Final = 320


@dataclass(frozen=True)
class Presence:
    """What is known about an object that is only asked whether it exists: the names of its keys, never their values."""

    keys: frozenset[str] = frozenset()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Need:
    """An object that the channel, or its binder, refers to.

    Attributes:
        keys: sets of keys of which one must be there completely; empty: any will do.
        purpose: what it's for, and where it is named, for whoever reads the message.
    """

    kind: Kind
    name: str
    purpose: str
    reason: str
    keys: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class Missing:
    """A prerequisite that isn't met: one CamelCase word, and a sentence that says what to do."""

    reason: str
    message: str


@dataclass(frozen=True)
class Prerequisites:
    """What was found of what the channel needs."""

    recipient: Recipient | None = None
    binder: Binder | None = None
    token: Presence | None = None
    missing: tuple[Missing, ...] = ()


def no_recipient(channel: Channel) -> Missing:
    return Missing(
        "RecipientMissing",
        f'Recipient "{channel.recipient}" of namespace "{channel.namespace}" doesn\'t exist: create it, or name '
        "another one in spec.recipient.name.",
    )


def no_binder(channel: Channel) -> Missing:
    return Missing(
        "BinderMissing",
        f'Binder "{channel.binder}" of namespace "{channel.namespace}" doesn\'t exist: create it; or delete the '
        "channel and make it again with another spec.destination.binder, which can't be changed.",
    )


def needs(channel: Channel, binder: Binder | None) -> tuple[Need, ...]:
    """Return the plain objects that the channel's pods need."""
    found: list[Need] = []
    account = channel.onedrive.account
    if isinstance(account, ApplicationAccount):
        purpose = "the app's credentials (spec.onedrive.account.application.credentialsSecret)"
        found.append(_secret(account.credentials_secret, purpose, "CredentialsMissing", *_CREDENTIALS))
    elif account.credentials_secret:
        purpose = "the app's credentials (spec.onedrive.account.delegated.credentialsSecret)"
        found.append(_secret(account.credentials_secret, purpose, "CredentialsMissing", *_CREDENTIALS))
    if channel.ocr.passwords_secret:
        purpose = "passwords of encrypted documents (spec.ocr.passwordsSecret)"
        found.append(_secret(channel.ocr.passwords_secret, purpose, "PasswordsMissing"))
    if channel.collector.ca_bundle is not None:
        bundle = channel.collector.ca_bundle
        purpose = "the CA bundle (spec.collector.caBundle)"
        found.append(Need(CONFIG_MAP, bundle.config_map, purpose, "CaBundleMissing", (frozenset({bundle.key}),)))
    return (*found, *(storage_needs(binder) if binder is not None else ()))


def storage_needs(binder: Binder) -> tuple[Need, ...]:
    """Return the plain objects that whoever opens the binder needs."""
    storage = binder.storage
    if isinstance(storage, PersistentVolumeClaim):
        return (Need(CLAIM, storage.claim_name, f'the storage of binder "{binder.name}"', "StorageMissing"),)
    if isinstance(storage, S3Storage | AzureBlobStorage | GcsStorage) and storage.credentials_secret:
        purpose = f'the credentials of the storage of binder "{binder.name}"'
        return (_secret(storage.credentials_secret, purpose, "StorageMissing", *storage.CREDENTIALS),)
    return ()


def unmet(channel: Channel, binder: Binder | None, found: Mapping[Need, Presence | None]) -> Iterable[Missing]:
    """Yield what is missing of *found*, with what to do about it."""
    if binder is not None and isinstance(binder.storage, PathStorage):
        yield Missing(
            "StorageUnsupported",
            f'Binder "{binder.name}" names a folder of one machine, which runs in a cluster can\'t use: make one with '
            "a volume or a bucket, and name it in spec.destination.binder of a new channel.",
        )
    yield from lacking(found, namespace=channel.namespace)


def lacking(found: Mapping[Need, Presence | None], *, namespace: str) -> Iterable[Missing]:
    """Yield what is missing of the plain objects *found* in *namespace*."""
    for need, presence in found.items():
        what = f'{need.kind.kind} "{need.name}" of namespace "{namespace}"'
        if presence is None:
            yield Missing(need.reason, f"{what} doesn't exist: create it; it holds {need.purpose}.")
        elif need.keys and not any(keys <= presence.keys for keys in need.keys):
            keys = ", or ".join(" and ".join(sorted(keys)) for keys in need.keys)
            yield Missing(need.reason, f"{what} lacks {keys}: add what is missing; it holds {need.purpose}.")


_CREDENTIALS = (frozenset({"clientSecret"}), frozenset({"tls.crt", "tls.key"}))


def _secret(name: str, purpose: str, reason: str, *keys: frozenset[str]) -> Need:
    return Need(SECRET, name, purpose, reason, keys)


def is_signed_in(channel: Channel, token: Presence | None) -> bool:
    """Tell whether the sign-in of the channel's client is kept in its token Secret; True for an app, which needs none.

    A sign-in of another account than the one that the channel names now is none.
    """
    account = channel.onedrive.account
    if not isinstance(account, DelegatedAccount):
        return True
    if token is None or TOKEN_KEY not in token.keys or not token.annotations.get(CONNECTION_ID_ANNOTATION):
        return False
    return token.annotations.get(ACCOUNT_ANNOTATION, "").casefold() == account.login_hint.casefold()


def connected_account(token: Presence) -> tuple[str | None, datetime | None]:
    """Return who signed in, and when, as the sign-in page noted it on the token Secret."""
    try:
        connected_at = parse_time(token.annotations.get(CONNECTED_AT_ANNOTATION, ""))
    except ValueError:
        connected_at = None
    account = token.annotations.get(ACCOUNT_ANNOTATION)
    return account if account and len(account) <= _LONGEST_ACCOUNT else None, connected_at
