"""What a channel's children are called, and how they are found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from bannette.resources import GROUP, Trigger
from bannette.resources.requests import on_demand_job_name as on_demand_job_name

MANAGER: Final = "bannette"

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
CHANNEL_LABEL: Final = f"{GROUP}/channel"
BINDER_LABEL: Final = f"{GROUP}/binder"
CHANNEL_UID_LABEL: Final = f"{GROUP}/channel-uid"
TRIGGER_LABEL: Final = f"{GROUP}/trigger"
SELECTOR: Final = f"{MANAGED_BY}={MANAGER},{CHANNEL_LABEL}"

REQUEST_ANNOTATION: Final = f"{GROUP}/request"
DESIRED_ANNOTATION: Final = f"{GROUP}/desired"

# What the operator writes of a channel's status; the rest is the run's.
OWNED: Final = ("observedGeneration", "conditions", "schedule", "connection", "lastHandledRequestedAt")

COLLECTOR_CONTAINER: Final = "collector"


class Key(NamedTuple):
    """A channel's place in the cluster."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Kind:
    """A kind of object, as far as its address in the API goes."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, or of all of a namespace, or of the cluster."""
        root = "apis" if "/" in self.api_version else "api"
        within = f"/namespaces/{namespace}" if namespace is not None else ""
        below = f"/{name}" if name else ""
        return f"/{root}/{self.api_version}{within}/{self.plural}{below}{f'/{subresource}' if subresource else ''}"


CHANNEL: Final = Kind(f"{GROUP}/v1alpha1", "CollectionChannel", "collectionchannels")
BINDER: Final = Kind(f"{GROUP}/v1alpha1", "Binder", "binders")
RECIPIENT: Final = Kind(f"{GROUP}/v1alpha1", "Recipient", "recipients")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
ROLE: Final = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
CRON_JOB: Final = Kind("batch/v1", "CronJob", "cronjobs")
JOB: Final = Kind("batch/v1", "Job", "jobs")
SECRET: Final = Kind("v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD: Final = Kind("v1", "Pod", "pods")
EVENT: Final = Kind("events.k8s.io/v1", "Event", "events")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")

CHILD_KINDS: Final = (SERVICE_ACCOUNT, ROLE, ROLE_BINDING, CRON_JOB)
KINDS: Final = {kind.kind: kind for kind in (*CHILD_KINDS, JOB, SECRET, EVENT, CHANNEL)}


def collector_name(channel: str) -> str:
    """Return the name of the channel's ServiceAccount, Role and RoleBinding."""
    return f"{channel}-collector"


def cron_job_name(channel: str) -> str:
    # 42 + 8 characters: CronJob allows 52, since its Jobs add a dash and the minute.
    return f"{channel}-collect"


def child_name(kind: Kind, channel: str) -> str:
    return cron_job_name(channel) if kind == CRON_JOB else collector_name(channel)


def labels(channel: str, uid: str, *, trigger: Trigger | None = None) -> dict[str, str]:
    return {
        MANAGED_BY: MANAGER,
        "app.kubernetes.io/part-of": "bannette",
        CHANNEL_LABEL: channel,
        CHANNEL_UID_LABEL: uid,
        **({TRIGGER_LABEL: trigger.value} if trigger else {}),
    }


def resource_of(path: str) -> str:
    """Return what a path of the API is about, for example ``jobs`` or ``collectionchannels/status``."""
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return "/".join((rest[0], *rest[2:3])) if rest else "other"
