"""A pod for one errand, made as the channel's runs are made, and what it answers. Pure.

It has a run's image, node, user, network labels and binder; neither the ServiceAccount's token nor the credentials of
the channel's account, and it can't write in the binder's volume unless the errand is to try that.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bannette.cli.output import plain
from bannette.cli.plugin.reply import RESOURCES_VARIABLE, Reply, decoded
from bannette.controller.names import CHANNEL_LABEL, COLLECTOR_CONTAINER, TRIGGER_LABEL
from bannette.controller.runs import parse_pod
from bannette.errors import PersonNeeded, Transient
from bannette.resources import ADOPT, GROUP, format_time, parse_time

Json = dict[str, Any]

#: Tells the pods of errands from those of runs, and which errand it is.
ERRAND_LABEL: Final = f"{GROUP}/errand"
#: When whoever made the pod has given up on it.
UNTIL_ANNOTATION: Final = f"{GROUP}/until"
_PROGRAM: Final = ("python", "-P", "-m", "bannette.cli.plugin.inside")
# Of a run's volumes: its room to write, the binder, the binder's credentials, and the authorities to trust.
_VOLUMES: Final = frozenset({"scratch", "binder", "store", "ca", "events-ca"})
_OF_RUNS: Final = frozenset({"BANNETTE_TRIGGER", "BANNETTE_REQUEST"})
_GRACE: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Errand:
    """What a pod is to do.

    Attributes:
        command: one word, part of the pod's name.
        arguments: what follows it.
        resources: the channel and the binder as the API server has them: the pod has no right to read them.
        seconds: after which the kubelet ends the pod.
        writes: it may write in the binder's volume.
    """

    command: str
    arguments: tuple[str, ...]
    resources: tuple[Mapping[str, Any], ...]
    seconds: int
    writes: bool = False


def errand_pod(cron_job: Mapping[str, Any], errand: Errand, *, suffix: str, now: datetime) -> Json:
    """Return the pod that does *errand* as the runs of *cron_job* do theirs.

    Raises:
        PersonNeeded: ForeignCronJob: it isn't one of the operator's.
    """
    template = copy.deepcopy(cron_job["spec"]["jobTemplate"]["spec"]["template"])
    labels = template["metadata"].get("labels") or {}
    spec: Json = template["spec"]
    container: Json | None = next((one for one in spec["containers"] if one["name"] == COLLECTOR_CONTAINER), None)
    if container is None or CHANNEL_LABEL not in labels:
        raise PersonNeeded(
            f"CronJob \"{cron_job['metadata']['name']}\" isn't of the operator's making: see the channel's conditions.",
            reason="ForeignCronJob",
        )
    del labels[TRIGGER_LABEL]
    container |= {
        "command": list(_PROGRAM),
        "args": [errand.command, *errand.arguments],
        "env": [*_environment(container), {"name": RESOURCES_VARIABLE, "value": _literal(errand.resources)}],
        "volumeMounts": list(_mounts(container, writes=errand.writes)),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{labels[CHANNEL_LABEL]}-{errand.command}-{suffix}",
            # The labels of a run's pod: network policies that are about those are about this one.
            "labels": {**labels, ERRAND_LABEL: errand.command},
            "annotations": {UNTIL_ANNOTATION: format_time(now + timedelta(seconds=errand.seconds) + _GRACE)},
            "ownerReferences": [
                {**owner, "controller": False} for owner in cron_job["metadata"].get("ownerReferences") or ()
            ],
        },
        "spec": {
            **spec,
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": errand.seconds,
            "terminationGracePeriodSeconds": 5,
            "containers": [container],
            "volumes": [volume for volume in spec.get("volumes") or () if volume["name"] in _VOLUMES],
        },
    }


def leftovers(pods: Sequence[Mapping[str, Any]], *, now: datetime) -> list[str]:
    """Return the names of those of *pods* that outlived their errand: whoever made them isn't there any more."""
    return [pod["metadata"]["name"] for pod in pods if now > _until(pod["metadata"])]


def reply_of(pod: Json, log: str) -> Reply:
    """Return what a *pod* that has ended answered in its *log*.

    Raises:
        PersonNeeded: ImageTooOld, ReplyIncomplete, PodFailed. Transient: TimedOut.
    """
    reply = decoded(log)
    if reply is not None:
        return reply
    view = parse_pod(pod)
    image = pod["spec"]["containers"][0]["image"]
    if "No module named" in log:
        raise PersonNeeded(
            f"The image {image} doesn't know what this plugin asks: upgrade the operator and its images.",
            reason="ImageTooOld",
        )
    if view.reason == "DeadlineExceeded":
        raise Transient("The pod was ended by its deadline: give a longer --timeout.", reason="TimedOut")
    if view.exit_code == 0:
        raise PersonNeeded(
            "The answer is longer than a container's log may be: run `bannette` itself, beside the binder.",
            reason="ReplyIncomplete",
        )
    how = view.reason or "nobody knows why"
    code = "" if view.exit_code is None else f", exit code {view.exit_code}"
    last = plain(log.strip().splitlines()[-1]) if log.strip() else ""
    raise PersonNeeded(f"The pod ended without an answer ({how}{code}). {last}".strip(), reason="PodFailed")


def _until(metadata: Mapping[str, Any]) -> datetime:
    try:
        return parse_time((metadata.get("annotations") or {}).get(UNTIL_ANNOTATION, ""))
    except ValueError:
        # Not of our making.
        return datetime.max.replace(tzinfo=UTC)


def _environment(container: Mapping[str, Any]) -> Iterator[Json]:
    for one in container.get("env") or ():
        path = ((one.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "")
        # The labels that a Job gives its pods, this one doesn't have.
        if one["name"] not in _OF_RUNS and not path.startswith("metadata.labels["):
            yield one


def _mounts(container: Mapping[str, Any], *, writes: bool) -> Iterator[Json]:
    for mount in container.get("volumeMounts") or ():
        if mount["name"] in _VOLUMES:
            yield {**mount, "readOnly": not writes} if mount["name"] == "binder" else mount


def _literal(resources: Sequence[Mapping[str, Any]]) -> str:
    kept = [
        {
            "apiVersion": one["apiVersion"],
            "kind": one["kind"],
            "metadata": {
                **{name: one["metadata"][name] for name in ("name", "namespace", "uid")},
                "annotations": {
                    name: text for name, text in (one["metadata"].get("annotations") or {}).items() if name == ADOPT
                },
            },
            "spec": one["spec"],
        }
        for one in resources
    ]
    # "$(NAME)" in a value would be expanded by the kubelet.
    return json.dumps(kept).replace("$", "$$")
