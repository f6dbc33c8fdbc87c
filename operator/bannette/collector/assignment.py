"""Where a run finds its channel and what belongs to it; two implementations, in files and in Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bannette.binder import StorePath
from bannette.collector.status import RunStatus
from bannette.errors import PersonNeeded
from bannette.onedrive import ApplicationCredentials, Certificate
from bannette.resources import ApplicationAccount, Binder, Channel, Recipient, Storage


class Assignment(Protocol):
    """A channel to collect, with what it refers to. Methods raise PersonNeeded and Transient."""

    @property
    def status(self) -> RunStatus:
        """Where the run reports."""

    @property
    def scratch(self) -> Path:
        """A folder of this run alone; what an earlier one left in it may be removed."""

    def channel(self) -> Channel: ...

    def binder(self, channel: Channel) -> Binder: ...

    def recipient(self, channel: Channel) -> Recipient: ...

    def storage(self, binder: Binder) -> StorePath:
        """Return where the binder's store is for this process."""

    def credentials(self, channel: Channel) -> ApplicationCredentials: ...


def credentials_from(channel: Channel, secret: Mapping[str, str]) -> ApplicationCredentials:
    """Return the credentials that the members of a Secret make for the channel's account.

    Raises:
        PersonNeeded: they don't.
    """
    account = channel.onedrive.account
    if not isinstance(account, ApplicationAccount):
        raise PersonNeeded(
            f'The client of channel "{channel.name}" has not connected the account {account.login_hint} yet.',
            reason="NotConnected",
        )
    # Editors and `kubectl create secret --from-file` leave a newline at the end.
    shared = secret.get("clientSecret", "").strip()
    pem, key = secret.get("tls.crt", ""), secret.get("tls.key", "")
    certificate = Certificate(pem=pem, key=key) if pem.strip() and key.strip() else None
    if not shared and certificate is None:
        raise PersonNeeded(
            f'Secret "{account.credentials_secret}" of namespace "{channel.namespace}" has neither clientSecret nor '
            "tls.crt and tls.key: add one of them.",
            reason="CredentialsMissing",
        )
    return ApplicationCredentials(
        tenant_id=account.tenant_id,
        client_id=account.client_id,
        secret=None if certificate else shared,
        certificate=certificate,
    )


def unsupported_storage(binder: Binder, storage: Storage) -> PersonNeeded:
    """Return the error for a kind of storage that this run can't open."""
    kind = type(storage).__name__
    return PersonNeeded(
        f'Binder "{binder.name}" of namespace "{binder.namespace}" is kept in {kind}, which this run can\'t open.',
        reason="StorageUnsupported",
    )


def secret_in_folder(folder: Path) -> dict[str, str]:
    """Return the members of a Secret that is mounted at *folder*; empty if it isn't."""
    if not folder.is_dir():
        return {}
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return {path.name: path.read_text(encoding="utf-8") for path in files}
