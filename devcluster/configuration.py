"""The configuration files and command lines of the node's components: settings in, text out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from devcluster.layout import NODE_NAME, Addresses, Layout

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
NETWORK = "bannette-devcluster"
PAUSE_IMAGE = "localhost/bannette-pause:1"
CNI_PLUGINS = "/usr/lib/cni"
STORAGE_CLASS = "standard"
PROVISIONER = "bannette.io/devcluster"
ETCD = "127.0.0.1:2379"


@dataclass(frozen=True)
class Component:
    """A process of the node.

    Attributes:
        waits_for: a URL that must answer before it is started.
    """

    name: str
    command: tuple[str, ...]
    waits_for: str | None = None


def containerd(layout: Layout) -> str:
    """Return containerd's config.toml."""
    root, conf = json.dumps(str(layout.root / "containerd")), json.dumps(str(layout.etc / "cni"))
    return f"""\
version = 2
root = {root}
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE, as in many sandboxes, no score may be lowered.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = {conf}
"""


def cni(addresses: Addresses) -> str:
    """Return the network of the pods: one bridge, whose first address is the way out."""
    plugins = [
        {
            "type": "bridge",
            "bridge": "cni0",
            "isDefaultGateway": True,
            "hairpinMode": True,
            "ipMasq": False,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": addresses.pods}]], "dataDir": "/run/cni-addresses"},
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "0.4.0", "name": NETWORK, "plugins": plugins}, indent=2)


def kubelet(layout: Layout, addresses: Addresses) -> str:
    """Return the KubeletConfiguration."""
    never = dict.fromkeys(["memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"], "0%")
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": addresses.node,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(layout.etc / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(layout.etc / "kubelet.crt"),
            "tlsPrivateKeyFile": str(layout.etc / "kubelet.key"),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{layout.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [addresses.node],
            "clusterDomain": "cluster.local",
            "resolvConf": str(layout.etc / "resolv.conf"),
            "healthzBindAddress": "127.0.0.1",
            # The machine is not ours: pods and images stay though its disk is full.
            "oomScoreAdj": 0,
            "localStorageCapacityIsolation": False,
            "evictionHard": never,
            "imageGCHighThresholdPercent": 100,
            "volumePluginDir": str(layout.root / "volume-plugins"),
        },
        sort_keys=False,
    )


def kube_proxy(layout: Layout, addresses: Addresses) -> str:
    """Return the KubeProxyConfiguration."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": addresses.pods,
            "clientConnection": {"kubeconfig": str(layout.etc / "kube-proxy.kubeconfig")},
            "bindAddress": addresses.node,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "hostnameOverride": NODE_NAME,
            "oomScoreAdj": 0,
            # Pods share a bridge: without this, an answer would go straight to the asking pod and not be understood.
            "nftables": {"masqueradeAll": True},
            # These limits belong to the whole machine.
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
        },
        sort_keys=False,
    )


def corefile(layout: Layout, addresses: Addresses, *, upstream: bool) -> str:
    """Return CoreDNS's configuration; *upstream*: other names are asked of the host's name servers."""
    forward = f"    forward . {layout.etc / 'resolv.conf'}\n" if upstream else ""
    return f"""\
.:53 {{
    bind {addresses.node}
    errors
    ready {addresses.node}:8181
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {layout.kubeconfig}
        fallthrough in-addr.arpa
        ttl 5
    }}
{forward}    cache 30 {{
        denial 9984 1
    }}
}}
"""


def reachable_nameservers(resolv_conf: str) -> str:
    """Return the name servers of *resolv_conf* that the node can reach: those on the host's loopback it can't."""
    servers = [line for line in resolv_conf.splitlines() if line.startswith("nameserver")]
    return "".join(f"{line}\n" for line in servers if not line.split()[1].startswith(("127.", "::1")))


def first_manifests() -> str:
    """Return what is in the cluster from the start: the StorageClass, and kube-proxy's and the kubelet's rights."""
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }
    kubelet_access = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "bannette-devcluster-kubelet-access"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "kube-apiserver"}],
    }
    return yaml.safe_dump_all([storage_class, kubelet_access], sort_keys=False)


def components(
    layout: Layout, addresses: Addresses, *, program: Callable[[str], Path], provisioner: Iterable[str]
) -> list[Component]:
    """Return the node's processes, in the order in which they are started."""
    etc = layout.etc

    def client(name: str) -> dict[str, object]:
        path = etc / f"{name}.kubeconfig"
        return {"kubeconfig": path, "authentication-kubeconfig": path, "authorization-kubeconfig": path}

    api = f"{addresses.api_url}/readyz"  # not before: without its rights the controller-manager gives up
    etcd_flags: dict[str, object] = {
        "name": "default",
        "data-dir": layout.root / "etcd",
        "listen-client-urls": f"http://{ETCD}",
        "advertise-client-urls": f"http://{ETCD}",
        "listen-peer-urls": "http://127.0.0.1:2380",
        "initial-advertise-peer-urls": "http://127.0.0.1:2380",
        "initial-cluster": "default=http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",
    }
    api_flags: dict[str, object] = {
        "etcd-servers": f"http://{ETCD}",
        "bind-address": addresses.node,
        "advertise-address": addresses.node,
        "secure-port": 6443,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "client-ca-file": etc / "ca.crt",
        "tls-cert-file": etc / "kube-apiserver.crt",
        "tls-private-key-file": etc / "kube-apiserver.key",
        "kubelet-client-certificate": etc / "kube-apiserver.crt",
        "kubelet-client-key": etc / "kube-apiserver.key",
        "kubelet-certificate-authority": etc / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "service-cluster-ip-range": addresses.services,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": etc / "service-accounts.pub",
        "service-account-signing-key-file": etc / "service-accounts.key",
    }
    controller_flags = client("kube-controller-manager") | {
        "use-service-account-credentials": "true",
        "service-account-private-key-file": etc / "service-accounts.key",
        "root-ca-file": etc / "ca.crt",
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "cert-dir": layout.root / "controller-manager",
    }
    scheduler_flags = client("kube-scheduler") | {
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "cert-dir": layout.root / "scheduler",
    }
    kubelet_flags = {
        "config": etc / "kubelet.yaml",
        "kubeconfig": etc / "kubelet.kubeconfig",
        "hostname-override": NODE_NAME,
        "node-ip": addresses.node,
    }
    kube: list[tuple[str, dict[str, object], str]] = [
        ("kube-apiserver", api_flags, f"http://{ETCD}/health"),
        ("kube-controller-manager", controller_flags, api),
        ("kube-scheduler", scheduler_flags, api),
        ("kubelet", kubelet_flags, api),
        ("kube-proxy", {"config": etc / "kube-proxy.yaml"}, api),
    ]
    return [
        Component("etcd", _command(program("etcd"), etcd_flags)),
        Component("containerd", ("containerd", "--config", str(etc / "containerd.toml"))),
        *(Component(name, _command(program(name), flags), waits_for) for name, flags, waits_for in kube),
        Component("coredns", (str(program("coredns")), "-conf", str(etc / "Corefile")), api),
        Component("provisioner", tuple(provisioner), api),
    ]


def dump_components(items: Iterable[Component]) -> str:
    return json.dumps([asdict(item) for item in items], indent=2)


def load_components(text: str) -> list[Component]:
    return [Component(**{**item, "command": tuple(item["command"])}) for item in json.loads(text)]


def _command(path: Path, flags: Mapping[str, object]) -> tuple[str, ...]:
    return (str(path), *(f"--{flag}={value}" for flag, value in flags.items()))
