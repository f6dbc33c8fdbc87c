"""The few calls to the Kubernetes API that a pod makes, by ``requests``: a pod imports no Kubernetes client."""

from bannette.kube.api import ClusterApi, Conflict, Expired
from bannette.kube.contended import contended
from bannette.kube.follow import Change, What, follow
from bannette.kube.pauses import pause_after

__all__ = ["Change", "ClusterApi", "Conflict", "Expired", "What", "contended", "follow", "pause_after"]
