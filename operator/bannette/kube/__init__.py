"""The few calls to the Kubernetes API that a pod makes, by ``requests``: a pod imports no Kubernetes client."""

from bannette.kube.api import ClusterApi, Conflict

__all__ = ["ClusterApi", "Conflict"]
