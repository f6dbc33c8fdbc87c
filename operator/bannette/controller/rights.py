"""What the operator itself may do: no more than it uses, and all that it grants to the pods of its channels.

The API server lets nobody grant what he doesn't hold, so the rules on statuses and Secrets are there for the Roles of
channels too. The chart's ClusterRole must have these rules; a test runs the operator with them and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bannette.controller.api import Manifest

GRANTED: Final[tuple[Manifest, ...]] = (
    {
        "apiGroups": ["bannette.io"],
        "resources": ["collectionchannels", "binders", "recipients"],
        "verbs": ["get", "list", "watch"],
    },
    {"apiGroups": ["bannette.io"], "resources": ["collectionchannels/status", "binders/status"], "verbs": ["patch"]},
    # Create: the empty Secret for a client's sign-in. Update: not used, but granted to the pods.
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update"]},
)
USED: Final[tuple[Manifest, ...]] = (
    {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list", "watch", "create", "patch"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch", "create", "delete"]},
    {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch", "create", "patch"]},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": ["get", "list", "watch", "create", "patch"],
    },
    {"apiGroups": [""], "resources": ["configmaps", "persistentvolumeclaims"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
)
OPERATOR_RULES: Final = GRANTED + USED
# kopf looks for namespaces and kinds that come and go, unless the namespaces are named.
CLUSTER_WIDE_RULES: Final[tuple[Manifest, ...]] = (
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list", "watch"]},
)
# In the namespace of --lease-namespace.
LEASE_RULES: Final[tuple[Manifest, ...]] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
)
