"""What a channel's pods run as: ServiceAccount, Role, RoleBinding, and the Secret for its sign-in. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bannette.controller.api import Manifest
from bannette.controller.names import (
    CHANNEL,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
    collector_name,
    labels,
)
from bannette.controller.settings import Settings
from bannette.resources import GROUP, Channel, DelegatedAccount, Trigger, token_secret_name


def metadata(
    channel: Channel, name: str, *, trigger: Trigger | None = None, annotations: Mapping[str, str] | None = None
) -> Manifest:
    """Return the metadata of a child: found again by its labels, and removed with its channel."""
    return {
        "name": name,
        "namespace": channel.namespace,
        "labels": labels(channel.name, channel.uid, trigger=trigger),
        **({"annotations": dict(annotations)} if annotations else {}),
        "ownerReferences": [
            {
                "apiVersion": CHANNEL.api_version,
                "kind": CHANNEL.kind,
                "name": channel.name,
                "uid": channel.uid,
                "controller": True,
                # True would need rights on the channel's finalizers where the cluster enforces who may set it.
                "blockOwnerDeletion": False,
            }
        ],
    }


def child(kind: Kind, channel: Channel, name: str, **members: object) -> Manifest:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata(channel, name), **members}


def service_account(channel: Channel) -> Manifest:
    return child(SERVICE_ACCOUNT, channel, collector_name(channel.name))


def role(channel: Channel, settings: Settings) -> Manifest:
    """Return what the channel's pods may do: read what they are about, and report.

    The pages where people connect their accounts may do the same, and need what an application signs in with: the pods
    have it mounted.
    """
    account = channel.onedrive.account
    rules: list[Manifest] = [
        _rule(GROUP, "collectionchannels", channel.name, "get"),
        _rule(GROUP, "binders", channel.binder, "get"),
        _rule(GROUP, "recipients", channel.recipient, "get"),
        _rule(GROUP, "collectionchannels/status", channel.name, "patch"),
        _rule(GROUP, "binders/status", channel.binder, "patch"),
    ]
    if isinstance(account, DelegatedAccount):
        rules.append(_rule("", "secrets", token_secret_name(channel.name), "get", "update"))
    if settings.connect_account and account.credentials_secret:
        rules.append(_rule("", "secrets", account.credentials_secret, "get"))
    return child(ROLE, channel, collector_name(channel.name), rules=rules)


def role_binding(channel: Channel, settings: Settings) -> Manifest:
    """Return who has the channel's Role: its pods, and the pages where people connect their accounts."""
    name = collector_name(channel.name)
    subjects = [(channel.namespace, name), *([settings.connect_account] if settings.connect_account else [])]
    return child(
        ROLE_BINDING,
        channel,
        name,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[
            {"kind": "ServiceAccount", "name": account, "namespace": namespace} for namespace, account in subjects
        ],
    )


def token_secret(channel: Channel) -> Manifest:
    """Return the empty Secret that the client's sign-in will be kept in."""
    return child(SECRET, channel, token_secret_name(channel.name), type="Opaque")


def _rule(group: str, resource: str, name: str, *verbs: str) -> Manifest:
    return {"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": list(verbs)}
