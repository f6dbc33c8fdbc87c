"""The host's side of the node's network: one link, one route, one table of packet filter rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from devcluster.layout import LINK_PREFIX, Addresses
from devcluster.run import run

IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def taken_networks() -> list[str]:
    """Return the destinations of all IPv4 routes of this machine."""
    routes = json.loads(run("ip", "-4", "-json", "route", "show", "table", "all"))
    return [route["dst"] for route in routes if route["dst"] != "default"]


def connect(name: str, pid: int, addresses: Addresses) -> None:
    """Link the host with the network namespace of *pid* by an interface *name*.

    The host then reaches pods and Services, and pods reach the world.
    """
    run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    run("ip", "address", "add", f"{addresses.host}/30", "dev", name)
    run("ip", "link", "set", name, "up")
    for command in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{addresses.node}/30", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["route", "add", "default", "via", addresses.host],
    ):
        run("nsenter", "--target", str(pid), "--net", "ip", *command)
    run("ip", "route", "add", addresses.block, "via", addresses.node)
    IP_FORWARD.write_text("1")
    run("nft", "-f", "-", given=rules(name, addresses))
    for rule in _forwarding(name):
        run("iptables", "-I", "FORWARD", *rule)


def disconnect(name: str, *, ip_forward: str | None) -> None:
    """Remove what `connect` made; *ip_forward* is what that setting was before."""
    run("ip", "link", "delete", name, may_fail=True)
    run("nft", "delete", "table", "ip", name, may_fail=True)
    for rule in _forwarding(name):
        run("iptables", "-D", "FORWARD", *rule, may_fail=True)
    # Another node that is still up needs it as well; the last one to go sets it back.
    if ip_forward is not None and not other_nodes(run("ip", "-json", "link", "show"), but=name):
        IP_FORWARD.write_text(ip_forward)


def other_nodes(links: str, *, but: str) -> list[str]:
    """Return the links of other nodes among *links*, the JSON of ``ip link``."""
    names = [str(link["ifname"]) for link in json.loads(links)]
    return [name for name in names if name.startswith(LINK_PREFIX) and name != but]


def rules(name: str, addresses: Addresses) -> str:
    """Return the nftables rules: what pods send to the world bears this machine's address."""
    return f"""\
table ip {name} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {addresses.block} oifname != "{name}" masquerade
    }}
}}
"""


def _forwarding(name: str) -> list[list[str]]:
    """Return the iptables rules that are needed where Docker lets nothing be forwarded by default."""
    if not shutil.which("iptables"):
        return []
    if "-P FORWARD DROP" not in run("iptables", "-S", "FORWARD", may_fail=True):
        return []
    return [[way, name, "-j", "ACCEPT"] for way in ("-i", "-o")]
