"""What the node's components are told."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from devcluster import configuration, network
from devcluster.cluster import prepare
from devcluster.errors import DevclusterError
from devcluster.layout import Addresses, Layout, Record, free_addresses, start_ticks

LAYOUT = Layout(Path("/state/devcluster"))
ADDRESSES = Addresses("10.213.0.0/16")


def test_addresses_of_host_node_services_and_pods_share_one_block() -> None:
    parts = [ADDRESSES.host, ADDRESSES.node, ADDRESSES.services, ADDRESSES.kubernetes_service, ADDRESSES.pods]
    assert parts == ["10.213.0.1", "10.213.0.2", "10.213.64.0/18", "10.213.64.1", "10.213.128.0/17"]


def test_a_block_that_the_machine_uses_is_not_taken() -> None:
    assert free_addresses(["127.0.0.0/8", "10.213.7.0/24", "10.214.0.1", "0.0.0.0/0"]).block == "10.215.0.0/16"


def test_a_machine_that_uses_all_of_ten_is_told() -> None:
    with pytest.raises(DevclusterError, match="are in use on this machine"):
        free_addresses(["10.0.0.0/8"])


def test_containerd_has_a_folder_of_its_own_and_lowers_no_score() -> None:
    config = tomllib.loads(configuration.containerd(LAYOUT))
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["root"] == "/state/devcluster/containerd"
    assert cri["restrict_oom_score_adj"]
    assert cri["cni"]["conf_dir"] == "/state/devcluster/etc/cni"


def test_the_kubelet_runs_on_both_versions_of_cgroups_below_a_group_of_its_own() -> None:
    config = yaml.safe_load(configuration.kubelet(LAYOUT, ADDRESSES))
    assert not config["failCgroupV1"]
    assert config["cgroupRoot"] == f"/{LAYOUT.name}"
    assert config["clusterDNS"] == ["10.213.0.2"]


def test_kube_proxy_leaves_the_limits_of_the_machine_alone() -> None:
    config = yaml.safe_load(configuration.kube_proxy(LAYOUT, ADDRESSES))
    assert config["mode"] == "nftables"
    assert set(config["conntrack"].values()) == {0, "0s"}


def test_pods_get_addresses_of_their_range() -> None:
    bridge, _ = json.loads(configuration.cni(ADDRESSES))["plugins"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.213.128.0/17"}]]


@pytest.mark.parametrize(
    ("resolv_conf", "kept"),
    [
        ("nameserver 127.0.0.53\noptions edns0\n", ""),
        ("search example.org\nnameserver 192.0.2.53\nnameserver ::1\n", "nameserver 192.0.2.53\n"),
    ],
)
def test_name_servers_on_the_loopback_are_of_no_use_to_the_node(resolv_conf: str, kept: str) -> None:
    assert configuration.reachable_nameservers(resolv_conf) == kept
    assert ("forward" in configuration.corefile(LAYOUT, ADDRESSES, upstream=bool(kept))) == bool(kept)


def test_components_survive_being_written_to_the_supervisor() -> None:
    made = configuration.components(LAYOUT, ADDRESSES, program=lambda name: Path("/bin") / name, provisioner=["p"])
    assert configuration.load_components(configuration.dump_components(made)) == made
    assert [component.name for component in made][:3] == ["etcd", "containerd", "kube-apiserver"]


def test_clusters_of_two_folders_have_names_of_their_own_that_fit_an_interface() -> None:
    other = Layout(Path("/elsewhere/devcluster"))
    assert other.name != LAYOUT.name
    assert len(other.name) <= 15
    assert other.name in network.rules(other.name, ADDRESSES)


def test_a_pid_that_was_given_to_another_process_is_not_ours(tmp_path: Path) -> None:
    record = Record(pid=1, started=-1, addresses=ADDRESSES.block, made_folders=("/var/lib/cni",), ip_forward="0")
    record.save(tmp_path / "record")
    loaded = Record.load(tmp_path / "record")
    assert loaded == record
    assert loaded is not None
    assert not loaded.alive
    assert start_ticks(1) is not None
    assert Record.load(tmp_path / "none") is None


def test_without_root_the_message_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DevclusterError, match=r"needs root .*BANNETTE_CONTEXT=name"):
        prepare()


def test_forwarding_stays_while_another_node_has_its_link() -> None:
    links = json.dumps([{"ifname": "lo"}, {"ifname": "eth0"}, {"ifname": "bannette-111111"}])
    assert network.other_nodes(links, but="bannette-111111") == []
    assert network.other_nodes(links, but="bannette-222222") == ["bannette-111111"]
