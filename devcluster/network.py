"""The host's side of the node's network: one link, one route, one table of packet filter rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from devcluster.layout import Addresses
from devcluster.run import run

LINK = "bannette0"
TABLE = "bannette-devcluster"
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_COMMENT = ["-m", "comment", "--comment", TABLE]


def taken_networks() -> list[str]:
    """Return the destinations of all IPv4 routes of this machine."""
    routes = json.loads(run("ip", "-4", "-json", "route", "show", "table", "all"))
    return [route["dst"] for route in routes if route["dst"] != "default"]


def connect(pid: int, addresses: Addresses) -> None:
    """Link the host with the network namespace of *pid*, let the host reach pods and Services, and pods the world."""
    run("ip", "link", "add", LINK, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    run("ip", "address", "add", f"{addresses.host}/30", "dev", LINK)
    run("ip", "link", "set", LINK, "up")
    for command in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{addresses.node}/30", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        ["route", "add", "default", "via", addresses.host],
    ):
        run("nsenter", "--target", str(pid), "--net", "ip", *command)
    run("ip", "route", "add", addresses.block, "via", addresses.node)
    IP_FORWARD.write_text("1")
    run("nft", "-f", "-", given=rules(addresses))
    for rule in _forwarding():
        run("iptables", "-I", "FORWARD", *rule)


def disconnect(*, ip_forward: str | None) -> None:
    """Remove what `connect` made; *ip_forward* is what that setting was before."""
    run("ip", "link", "delete", LINK, may_fail=True)
    run("nft", "delete", "table", "ip", TABLE, may_fail=True)
    for rule in _forwarding():
        run("iptables", "-D", "FORWARD", *rule, may_fail=True)
    if ip_forward is not None:
        IP_FORWARD.write_text(ip_forward)


def rules(addresses: Addresses) -> str:
    """Return the nftables rules: what pods send to the world bears this machine's address."""
    return f"""\
table ip {TABLE} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat
        ip saddr {addresses.block} oifname != "{LINK}" masquerade
    }}
}}
"""


def _forwarding() -> list[list[str]]:
    """Return the iptables rules that are needed where Docker lets nothing be forwarded by default."""
    if not shutil.which("iptables"):
        return []
    if "-P FORWARD DROP" not in run("iptables", "-S", "FORWARD", may_fail=True):
        return []
    return [[way, LINK, *_COMMENT, "-j", "ACCEPT"] for way in ("-i", "-o")]
