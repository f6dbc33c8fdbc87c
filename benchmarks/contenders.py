"""Operators that are given the same task: ours, and two that run backups by a schedule, unmodified.

Each is told how a namespace is prepared, what one schedule is, when it is settled, and how the program is started.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bannette.controller.names import (
    BINDER,
    CHANNEL,
    CHILD_KINDS,
    CLAIM,
    JOB,
    RECIPIENT,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
)
from devcluster.go_tools import built_by_requirement, source
from devcluster.kubeconfig import write_kubeconfig
from tests.controller.cluster import Cluster, Json
from tests.controller.operator_process import Operator
from tests.controller.tenant import Tenant

_CRON = "30 5 * * *"  # the same minute as the channels'
_NAMESPACE = "peers"

_SCHEDULE = Kind("k8up.io/v1", "Schedule", "schedules")
_REPLICATION_SOURCE = Kind("volsync.backube/v1alpha1", "ReplicationSource", "replicationsources")

_K8UP = "github.com/k8up-io/k8up/v2@v2.15.0"
_VOLSYNC = "github.com/backube/volsync@v0.16.0"
# The volume snapshots that VolSync watches; of the version that VolSync asks for.
_SNAPSHOTS = "github.com/kubernetes-csi/external-snapshotter/client/v8@v8.4.0"


class Running(Protocol):
    """A program that was started."""

    @property
    def pid(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Contender:
    """An operator.

    Attributes:
        kind: what it is given many of. children: what it makes for each, one of each kind.
        user: as whom it is in the audit log.
        definitions: manifests of its kinds.
        prepare: gives a namespace what the resources of it share. add: makes the resource of this name.
        is_settled: whether the operator has said in its status all that it says while nothing runs.
        start: the program, in a folder of its own.
        needs: kinds of what *prepare* makes.
    """

    name: str
    kind: Kind
    user: str
    definitions: Sequence[Path]
    prepare: Callable[[Tenant], None]
    add: Callable[[Tenant, str], object]
    is_settled: Callable[[Json], bool]
    start: Callable[[Cluster, Path], AbstractContextManager[Running]]
    children: Sequence[Kind] = ()
    needs: Sequence[Kind] = ()

    @property
    def kinds(self) -> Sequence[Kind]:
        """All that there is of it in a namespace: first what makes the others, then these."""
        return (self.kind, *self.children, JOB, *self.needs)


def ours() -> Contender:
    return Contender(
        name="Bannette",
        kind=CHANNEL,
        user=Operator.user,
        definitions=[Path("crds")],
        prepare=lambda tenant: tenant.add_prerequisites(),
        add=lambda tenant, name: tenant.add_channel(name),
        is_settled=_has_condition("Ready"),
        start=lambda cluster, folder: Operator(cluster, folder, environ={"POD_NAME": folder.name}),
        children=CHILD_KINDS,
        needs=(BINDER, RECIPIENT, CLAIM, SECRET),
    )


def k8up() -> Contender:
    """Its Schedule is kept in the operator's memory: no child is made before the hour.

    Raises: subprocess.CalledProcessError: it can't be built.
    """
    program = built_by_requirement("k8up", "github.com/k8up-io/k8up/v2/cmd/k8up", _K8UP)
    return Contender(
        name="K8up",
        kind=_SCHEDULE,
        user=_user("k8up"),
        definitions=[source(_K8UP) / "config/crd/apiextensions.k8s.io/v1"],
        prepare=lambda tenant: None,
        add=_adding(_SCHEDULE, _k8up_spec()),
        is_settled=lambda body: _has_condition("Ready")(body) and bool(body["metadata"].get("finalizers")),
        start=lambda cluster, folder: _Peer(
            cluster,
            folder,
            account="k8up",
            command=[program, "operator", "--enable-leader-election=false", "--metrics-bindaddress=0"],
            environment={"BACKUP_OPERATOR_NAMESPACE": _NAMESPACE},
        ),
    )


def volsync() -> Contender:
    """Its ReplicationSource has as many children as a channel: a ServiceAccount, Role, RoleBinding and Job.

    It runs a first time at once; here the Job stays unfinished, since there is no node.

    Raises: subprocess.CalledProcessError: it can't be built.
    """
    program = built_by_requirement("volsync", "github.com/backube/volsync/cmd", _VOLSYNC)
    snapshots = source(_SNAPSHOTS) / "config/crd"
    return Contender(
        name="VolSync",
        kind=_REPLICATION_SOURCE,
        user=_user("volsync"),
        definitions=[
            source(_VOLSYNC) / "config/crd/bases",
            *sorted(snapshots.glob("snapshot.storage.k8s.io_*.yaml")),
        ],
        prepare=_prepare_for_volsync,
        add=_adding(_REPLICATION_SOURCE, _volsync_spec()),
        is_settled=_has_condition("Synchronizing"),
        start=lambda cluster, folder: _Peer(
            cluster,
            folder,
            account="volsync",
            command=[program, "--metrics-bind-address=0", "--health-probe-bind-address=0"],
            environment={"VOLSYNC_NAMESPACE": _NAMESPACE},
        ),
        children=(SERVICE_ACCOUNT, ROLE, ROLE_BINDING, JOB),
        needs=(CLAIM, SECRET),
    )


def install_peers(cluster: Cluster, accounts: Sequence[str] = ("k8up", "volsync")) -> None:
    """Make the peers' namespace and ServiceAccounts, with all rights: theirs aren't what is compared."""
    cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    rbac = "rbac.authorization.k8s.io"
    for account in accounts:
        cluster.create(SERVICE_ACCOUNT, _NAMESPACE, {"metadata": {"name": account}})
        body = {
            "metadata": {"name": account},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": _NAMESPACE}],
        }
        cluster.request("POST", f"/apis/{rbac}/v1/clusterrolebindings", body)


class _Peer:
    """A peer's process, until the block is left."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        *,
        account: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
    ) -> None:
        self._log = folder / "log"
        self._command = command
        token = cluster.service_account_token(_NAMESPACE, account)
        server = cluster.server
        kubeconfig = write_kubeconfig(
            folder / "kubeconfig", context=account, server=server.url, ca_file=server.ca_file, token=token
        )
        self._environment = {**os.environ, **environment, "KUBECONFIG": str(kubeconfig)}

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(30)
        if error is not None:
            error.add_note(f"{self._command[0]} said at its end:\n{self._log.read_text()[-2000:]}")

    @property
    def pid(self) -> int:
        return self._process.pid


def _user(account: str) -> str:
    return f"system:serviceaccount:{_NAMESPACE}:{account}"


def _adding(kind: Kind, spec: Json) -> Callable[[Tenant, str], object]:
    return lambda tenant, name: tenant.cluster.create(
        kind, tenant.namespace, {"metadata": {"name": name}, "spec": spec}
    )


def _has_condition(kind: str) -> Callable[[Json], bool]:
    def has(body: Json) -> bool:
        conditions = (body.get("status") or {}).get("conditions") or []
        return any(one["type"] == kind and one["status"] == "True" for one in conditions)

    return has


def _k8up_spec() -> Json:
    secret = {"name": "backup-credentials"}
    bucket = {
        "endpoint": "http://minio.example:9000",
        "bucket": "k8up",
        "accessKeyIDSecretRef": {**secret, "key": "username"},
        "secretAccessKeySecretRef": {**secret, "key": "password"},
    }
    backend = {"repoPasswordSecretRef": {"name": "backup-repo", "key": "password"}, "s3": bucket}
    return {"backend": backend, "backup": {"schedule": _CRON}}


def _volsync_spec() -> Json:
    rclone = {
        "rcloneConfigSection": "bucket",
        "rcloneDestPath": "volsync/acme",
        "rcloneConfig": "rclone",
        "copyMethod": "Direct",
    }
    return {"sourcePVC": "binders", "trigger": {"schedule": _CRON}, "rclone": rclone}


def _prepare_for_volsync(tenant: Tenant) -> None:
    tenant.add_claim()
    body = {"metadata": {"name": "rclone"}, "stringData": {"rclone.conf": "[bucket]\ntype = s3\n"}}
    tenant.cluster.create(SECRET, tenant.namespace, body)
