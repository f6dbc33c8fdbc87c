"""The Job whose pod serves a binder's inbox to the console. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, cast

from bannette.controller.api import Manifest
from bannette.controller.jobs import (
    CA_FILE,
    CONTAINER_SECURITY,
    POD_SECURITY,
    ca_volume,
    literal,
    storage_volumes,
)
from bannette.controller.names import (
    BINDER,
    BINDER_LABEL,
    COLLECTOR_CONTAINER,
    JOB,
    MANAGED_BY,
    MANAGER,
    collector_name,
)
from bannette.controller.settings import Settings
from bannette.resources import INBOX_OPENED, INBOX_READER, Binder, Channel, PersistentVolumeClaim

PORT: Final = 8377
#: After so long without a request it ends.
IDLE_SECONDS: Final = 900
# However much it is used: the next one has the present image and settings.
_DEADLINE: Final = 8 * 3600
_KEPT_SECONDS: Final = 300
_LONGEST_NAME: Final = 63
_SUFFIX: Final = "-inbox"
_RESOURCES: Final[Manifest] = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"memory": "1Gi"},
}
_PROBE: Final[Manifest] = {"httpGet": {"path": "/healthz", "port": "http"}, "timeoutSeconds": 5}
_READY: Final[Manifest] = _PROBE | {"periodSeconds": 1}
_ALIVE: Final[Manifest] = _PROBE | {"periodSeconds": 30}


def inbox_job_name(binder: str) -> str:
    """Return the only name that the Job of this binder's inbox may have."""
    if len(binder) + len(_SUFFIX) <= _LONGEST_NAME:
        return f"{binder}{_SUFFIX}"
    digest = hashlib.sha256(binder.encode()).hexdigest()[:8]
    return f"{binder[: _LONGEST_NAME - len(_SUFFIX) - 9].rstrip('-.')}-{digest}{_SUFFIX}"


def is_ours(job: Manifest, uid: str) -> bool:
    """Tell whether *job* was made for the Binder with that uid."""
    metadata = cast("dict[str, Any]", job["metadata"])
    return (metadata.get("labels") or {}).get(MANAGED_BY) == MANAGER and any(
        owner.get("kind") == BINDER.kind and owner.get("uid") == uid for owner in metadata.get("ownerReferences") or ()
    )


def image_of(job: Manifest) -> str:
    spec = cast("dict[str, Any]", job["spec"])
    return str(spec["template"]["spec"]["containers"][0]["image"])


def inbox_job(
    binder: Binder, body: Mapping[str, object], channel: Channel | None, settings: Settings, *, reader: str, opened: str
) -> Manifest:
    """Return the Job that serves *binder* to whoever has the token with the hash *reader*.

    Args:
        body: the Binder as it came, of which the pod is told what leads to the store.
        channel: one that collects into the binder: where its runs can be, this pod can.
        opened: the request.
    """
    name = inbox_job_name(binder.name)
    labels = {
        MANAGED_BY: MANAGER,
        "app.kubernetes.io/part-of": "bannette",
        "app.kubernetes.io/component": "inbox",
        # A label takes 63 characters, a Binder's name may have more.
        BINDER_LABEL: name.removesuffix(_SUFFIX),
    }
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": name,
            "namespace": binder.namespace,
            "labels": labels,
            "annotations": {INBOX_READER: reader, INBOX_OPENED: opened},
            "ownerReferences": [
                {
                    "apiVersion": BINDER.api_version,
                    "kind": BINDER.kind,
                    "name": binder.name,
                    "uid": binder.uid,
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": {
            # Whoever still wants it asks again.
            "backoffLimit": 0,
            "activeDeadlineSeconds": _DEADLINE,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod_spec(binder, body, channel, settings, reader=reader),
            },
        },
    }


def _pod_spec(
    binder: Binder, body: Mapping[str, object], channel: Channel | None, settings: Settings, *, reader: str
) -> Manifest:
    volumes: list[Manifest] = [{"name": "scratch", "emptyDir": {"sizeLimit": settings.scratch_size}}]
    mounts: list[Manifest] = [{"name": "scratch", "mountPath": "/scratch"}]
    for found, into in zip(storage_volumes(binder.storage), (volumes, mounts), strict=True):
        into += found
    environment = {
        "BANNETTE_INBOX_READER": reader,
        "BANNETTE_BINDER": json.dumps(_told(binder, body), separators=(",", ":")),
        "TMPDIR": "/scratch",
        "HOME": "/scratch",
    }
    collector = channel.collector if channel is not None else None
    if collector is not None and collector.ca_bundle is not None:
        volume, mount = ca_volume(collector.ca_bundle)
        volumes.append(volume)
        mounts.append(mount)
        environment |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), CA_FILE)
    pull_secrets = [{"name": name} for name in settings.image_pull_secrets]
    return {
        "automountServiceAccountToken": False,
        **(
            {"serviceAccountName": collector_name(channel.name)} if _by_identity(binder) and channel is not None else {}
        ),
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 30,
        **({"imagePullSecrets": pull_secrets} if pull_secrets else {}),
        **({"nodeSelector": dict(collector.node_selector)} if collector and collector.node_selector else {}),
        **(
            {"tolerations": [dict(one) for one in collector.tolerations]} if collector and collector.tolerations else {}
        ),
        **({"affinity": _NEAR_RUNS} if isinstance(binder.storage, PersistentVolumeClaim) else {}),
        "securityContext": POD_SECURITY,
        "containers": [
            {
                "name": COLLECTOR_CONTAINER,
                "image": settings.collector_image,
                "imagePullPolicy": settings.image_pull_policy,
                "args": ["inbox", "serve", "--in-cluster", "--listen", f":{PORT}", "--idle", str(IDLE_SECONDS)],
                "env": [{"name": name, "value": literal(value)} for name, value in environment.items()],
                "ports": [{"name": "http", "containerPort": PORT}],
                "readinessProbe": _READY,
                "livenessProbe": _ALIVE,
                # What it says last is told to whoever waits for it.
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "resources": _RESOURCES,
                "volumeMounts": mounts,
                "securityContext": CONTAINER_SECURITY,
            }
        ],
        "volumes": volumes,
    }


# A volume that one node at a time may mount is on the node of a run, if there is one.
_NEAR_RUNS: Final[Manifest] = {
    "podAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 100,
                "podAffinityTerm": {
                    "labelSelector": {"matchLabels": {MANAGED_BY: MANAGER}},
                    "topologyKey": "kubernetes.io/hostname",
                },
            }
        ]
    }
}


def _told(binder: Binder, body: Mapping[str, object]) -> Manifest:
    spec = cast("Mapping[str, object]", body["spec"])
    return {
        "apiVersion": BINDER.api_version,
        "kind": BINDER.kind,
        "metadata": {"name": binder.name, "namespace": binder.namespace, "uid": binder.uid},
        "spec": {"company": spec["company"], "storage": spec["storage"]},
    }


def _by_identity(binder: Binder) -> bool:
    """Tell whether the store knows who comes by the ServiceAccount of the pod: then it must be that of the runs."""
    return getattr(binder.storage, "credentials_secret", "") is None
