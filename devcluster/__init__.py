"""An embedded Kubernetes for machines that have none: a single API server for tests, or a whole node.

It is the real thing (kube-apiserver, kubelet, containerd…), built from Go modules and run from this user's cache. It
never touches a cluster, a kubeconfig or a containerd that was there before.
"""
