"""A run as Kubernetes gets it: the CronJob, the on-demand Job, and the pod of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from bannette.controller.api import Manifest
from bannette.controller.builders import child, metadata
from bannette.controller.names import (
    COLLECTOR_CONTAINER,
    CRON_JOB,
    JOB,
    REQUEST_ANNOTATION,
    collector_name,
    cron_job_name,
    labels,
    on_demand_job_name,
)
from bannette.controller.quantities import parse_quantity
from bannette.controller.settings import Settings
from bannette.resources import (
    AzureBlobStorage,
    Binder,
    CaBundle,
    Channel,
    EventSink,
    GcsStorage,
    PersistentVolumeClaim,
    S3Storage,
    Storage,
    Trigger,
)

# 20 hours: the promise of a run a day holds when the cluster runs at some moment of them.
STARTING_DEADLINE: Final = 72_000
ACTIVE_DEADLINE: Final = 6 * 3600
_USER: Final = 65532
_CA_FOLDER: Final = "/etc/bannette/ca"
CA_FILE: Final = f"{_CA_FOLDER}/ca.crt"
POD_SECURITY: Final[Manifest] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    # A binder with many files isn't walked at every start.
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Final[Manifest] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_DEFAULT_RESOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "requests": {"cpu": "250m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}


def cron_job(channel: Channel, binder: Binder | None, settings: Settings, *, suspend: bool) -> Manifest:
    """Return the channel's CronJob.

    Args:
        binder: None while it is missing; the pod has no volume for it then, and *suspend* is true.
    """
    return child(
        CRON_JOB,
        channel,
        cron_job_name(channel.name),
        spec={
            "schedule": channel.schedule.cron,
            "timeZone": channel.schedule.time_zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": STARTING_DEADLINE,
            "suspend": suspend,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": labels(channel.name, channel.uid, trigger=Trigger.SCHEDULED)},
                "spec": _job_spec(channel, binder, settings, trigger=Trigger.SCHEDULED, request=None),
            },
        },
    )


def on_demand_job(channel: Channel, binder: Binder, settings: Settings, *, request: str | None) -> Manifest:
    """Return the Job of a request; of the channel's first collection without one.

    It belongs to the channel, not to the CronJob, whose history limits and Forbid are for its own Jobs; and it has no
    time to live, so that the same request finds its name taken.
    """
    trigger = Trigger.INITIAL if request is None else Trigger.MANUAL
    name = on_demand_job_name(channel.name, channel.uid, request=request)
    annotations = None if request is None else {REQUEST_ANNOTATION: request}
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": metadata(channel, name, trigger=trigger, annotations=annotations),
        "spec": _job_spec(channel, binder, settings, trigger=trigger, request=request),
    }


def _job_spec(
    channel: Channel, binder: Binder | None, settings: Settings, *, trigger: Trigger, request: str | None
) -> Manifest:
    return {
        "backoffLimit": 3,
        "activeDeadlineSeconds": ACTIVE_DEADLINE,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": COLLECTOR_CONTAINER, "operator": "In", "values": [2]},
                },
            ]
        },
        "template": {
            "metadata": {"labels": labels(channel.name, channel.uid, trigger=trigger)},
            "spec": _pod_spec(channel, binder, settings, trigger=trigger, request=request),
        },
    }


def _pod_spec(
    channel: Channel, binder: Binder | None, settings: Settings, *, trigger: Trigger, request: str | None
) -> Manifest:
    volumes, mounts = _volumes(channel, binder, settings)
    collector = channel.collector
    return {
        "serviceAccountName": collector_name(channel.name),
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        **(
            {"imagePullSecrets": [{"name": name} for name in settings.image_pull_secrets]}
            if settings.image_pull_secrets
            else {}
        ),
        **({"nodeSelector": dict(collector.node_selector)} if collector.node_selector else {}),
        **({"tolerations": [dict(one) for one in collector.tolerations]} if collector.tolerations else {}),
        "securityContext": POD_SECURITY,
        "containers": [
            {
                "name": COLLECTOR_CONTAINER,
                "image": settings.collector_image,
                "imagePullPolicy": settings.image_pull_policy,
                "args": ["collect", "--in-cluster"],
                "env": _environment(channel, settings, trigger=trigger, request=request),
                "resources": _resources(collector.resources),
                "volumeMounts": mounts,
                "securityContext": CONTAINER_SECURITY,
            }
        ],
        "volumes": volumes,
    }


def _environment(channel: Channel, settings: Settings, *, trigger: Trigger, request: str | None) -> list[Manifest]:
    values = {
        "BANNETTE_CHANNEL": channel.name,
        "BANNETTE_NAMESPACE": channel.namespace,
        "BANNETTE_TRIGGER": trigger.value,
        **({} if request is None else {"BANNETTE_REQUEST": request}),
        "OMP_THREAD_LIMIT": "1",
        "TMPDIR": "/scratch",
        "HOME": "/scratch",
        **settings.collector_environment,
    }
    if channel.collector.ca_bundle is not None:
        values |= dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), CA_FILE)
    fields = {
        "BANNETTE_JOB_NAME": "metadata.labels['batch.kubernetes.io/job-name']",
        "BANNETTE_RUN_ID": "metadata.labels['batch.kubernetes.io/controller-uid']",
        "POD_NAME": "metadata.name",
    }
    plain: list[Manifest] = [{"name": name, "value": literal(value)} for name, value in values.items()]
    return plain + [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]


def literal(value: str) -> str:
    """Return *value* as the variable of a container that is to have it."""
    # "$(NAME)" in a value would be expanded by the kubelet.
    return value.replace("$", "$$")


def _volumes(channel: Channel, binder: Binder | None, settings: Settings) -> tuple[list[Manifest], list[Manifest]]:
    volumes: list[Manifest] = [{"name": "scratch", "emptyDir": {"sizeLimit": settings.scratch_size}}]
    mounts: list[Manifest] = [{"name": "scratch", "mountPath": "/scratch"}]
    if binder is not None:
        for found, into in zip(storage_volumes(binder.storage), (volumes, mounts), strict=True):
            into += found
    if channel.onedrive.account.credentials_secret:
        volumes.append(_secret_volume("credentials", channel.onedrive.account.credentials_secret))
        mounts.append({"name": "credentials", "mountPath": "/etc/bannette/credentials", "readOnly": True})
    if channel.ocr.passwords_secret:
        volumes.append(_secret_volume("passwords", channel.ocr.passwords_secret))
        mounts.append({"name": "passwords", "mountPath": "/etc/bannette/passwords", "readOnly": True})
    bundle = channel.collector.ca_bundle
    if bundle is not None:
        volume, mount = ca_volume(bundle)
        volumes.append(volume)
        mounts.append(mount)
    events = binder.events if binder else None
    # Both optional: a run collects though nobody can be told of it.
    if events is not None and events.secret:
        items = [{"key": EventSink.TOKEN, "path": EventSink.TOKEN}]
        secret = {"secretName": events.secret, "items": items, "defaultMode": 0o440, "optional": True}
        volumes.append({"name": "events", "secret": secret})
        mounts.append({"name": "events", "mountPath": "/etc/bannette/events", "readOnly": True})
    if events is not None and events.ca_bundle is not None:
        volumes.append({"name": "events-ca", "configMap": {**_ca_file(events.ca_bundle), "optional": True}})
        mounts.append({"name": "events-ca", "mountPath": "/etc/bannette/events-ca", "readOnly": True})
    return volumes, mounts


def storage_volumes(storage: Storage) -> tuple[list[Manifest], list[Manifest]]:
    """Return the volumes, and their mounts, by which a pod opens a binder's store."""
    if isinstance(storage, PersistentVolumeClaim):
        volume: Manifest = {"name": "binder", "persistentVolumeClaim": {"claimName": storage.claim_name}}
        within = {"subPath": storage.sub_path} if storage.sub_path else {}
        return [volume], [{"name": "binder", "mountPath": "/binder", **within}]
    if isinstance(storage, S3Storage | AzureBlobStorage | GcsStorage) and storage.credentials_secret:
        mount: Manifest = {"name": "store", "mountPath": "/etc/bannette/store", "readOnly": True}
        return [_secret_volume("store", storage.credentials_secret)], [mount]
    return [], []


def ca_volume(bundle: CaBundle) -> tuple[Manifest, Manifest]:
    """Return the volume, and its mount, with the authorities that a pod is to trust: CA_FILE."""
    volume: Manifest = {"name": "ca", "configMap": _ca_file(bundle)}
    return volume, {"name": "ca", "mountPath": _CA_FOLDER, "readOnly": True}


def _ca_file(bundle: CaBundle) -> Manifest:
    return {"name": bundle.config_map, "items": [{"key": bundle.key, "path": "ca.crt"}]}


def _secret_volume(name: str, secret: str) -> Manifest:
    return {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}


def _resources(wanted: Mapping[str, object]) -> Manifest:
    """Return the default resources with what the channel says over them; a default never contradicts it."""
    said = {part: dict(cast("Mapping[str, object]", wanted.get(part) or {})) for part in ("requests", "limits")}
    merged = {part: dict(_DEFAULT_RESOURCES[part]) | said[part] for part in said}
    for name, limit in merged["limits"].items():
        request = merged["requests"].get(name)
        if (parse_quantity(request) or 0) > (parse_quantity(limit) or 0):
            if name in said["limits"]:
                merged["requests"][name] = limit
            else:
                merged["limits"][name] = request
    return {**{name: dict(cast("Mapping[str, object]", part)) for name, part in wanted.items()}, **merged}
