"""What an installation decides about its operator."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from bannette.controller.access import SERVICE_ACCOUNT
from bannette.errors import PersonNeeded
from bannette.resources.rules import REFERENCE

# Handed on to the collector's pods as they are.
PASSED_ON: Final = ("BANNETTE_GRAPH_URL", "BANNETTE_AUTHORITY_URL", "BANNETTE_DOWNLOAD_HOSTS", "BANNETTE_CLIENT_ID")
_ORIGIN: Final = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Settings:
    """The operator's settings.

    Attributes:
        collector_image: the image that runs are made of.
        namespaces: the only ones that are looked after; empty: all of the cluster.
        max_concurrent_runs: unfinished Jobs that the operator makes, at most; the CronJobs' own don't count.
        max_open_inboxes: Jobs that serve inboxes to consoles, at most.
        workers: channels that are reconciled at the same time.
        collector_environment: variables of every run's pod.
        image_pull_secrets: Secrets of the channels' namespaces.
        scratch_size: of a run's scratch volume.
        listen: host (None: all addresses) and port of probes and metrics; None: no port is opened.
        connect_url: the public address of the pages where people connect their accounts; None: there are none.
        connect_mails: recipients are asked by mail to connect accounts.
        connect_account: namespace and name of the ServiceAccount of these pages, which keeps people's sign-ins in the
            Secrets of channels, by the Role of each; None: there is none.
        lease: namespace and name of the Lease to hold, for more than one replica; None: there is one replica.
        service_account: the folder with the token and the CA by which the operator reaches its cluster.
    """

    collector_image: str
    image_pull_policy: str = "IfNotPresent"
    namespaces: tuple[str, ...] = ()
    max_concurrent_runs: int = 20
    max_open_inboxes: int = 20
    workers: int = 20
    collector_environment: Mapping[str, str] = field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    scratch_size: str = "8Gi"
    listen: tuple[str | None, int] | None = None
    connect_url: str | None = None
    connect_mails: bool = False
    connect_account: tuple[str, str] | None = None
    lease: tuple[str, str] | None = None
    service_account: Path = SERVICE_ACCOUNT
    instance: str = "bannette"
    unmet_recheck_longest: timedelta = timedelta(seconds=120)

    @classmethod
    def from_arguments(cls, arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings that a command line and the environment ask for.

        Raises:
            PersonNeeded: they ask for something impossible (InvalidSettings).
        """
        found = _parser(environ).parse_args(arguments)
        if not found.collector_image:
            raise PersonNeeded(
                "No image for the collector: set BANNETTE_COLLECTOR_IMAGE or --collector-image.",
                reason="InvalidSettings",
            )
        if not found.max_concurrent_runs.isdecimal() or int(found.max_concurrent_runs) < 1:
            raise PersonNeeded(
                "BANNETTE_MAX_CONCURRENT_RUNS (--max-concurrent-runs) must be a whole number of 1 or more.",
                reason="InvalidSettings",
            )
        return cls(
            collector_image=found.collector_image,
            image_pull_policy=found.image_pull_policy,
            namespaces=_names(",".join(found.namespace or [environ.get("BANNETTE_NAMESPACES", "")])),
            max_concurrent_runs=int(found.max_concurrent_runs),
            max_open_inboxes=_count(environ.get("BANNETTE_MAX_OPEN_INBOXES") or "20"),
            collector_environment={name: environ[name] for name in PASSED_ON if environ.get(name)},
            image_pull_secrets=_names(environ.get("BANNETTE_IMAGE_PULL_SECRETS", "")),
            scratch_size=environ.get("BANNETTE_SCRATCH_SIZE") or "8Gi",
            listen=_address(found.listen),
            connect_url=_origin(environ.get("BANNETTE_CONNECT_URL", "")),
            connect_mails=environ.get("BANNETTE_CONNECT_MAILS") == "true",
            connect_account=_account(environ.get("BANNETTE_CONNECT_ACCOUNT", "")),
            lease=(found.lease_namespace, "bannette-operator") if found.lease_namespace else None,
            service_account=Path(found.service_account),
            instance=environ.get("POD_NAME") or environ.get("HOSTNAME") or "bannette",
        )


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bannette controller", description="Run the operator.")
    parser.add_argument(
        "--collector-image",
        default=environ.get("BANNETTE_COLLECTOR_IMAGE"),
        metavar="IMAGE",
        help="image of the runs' pods ($BANNETTE_COLLECTOR_IMAGE)",
    )
    parser.add_argument(
        "--image-pull-policy",
        default=environ.get("BANNETTE_IMAGE_PULL_POLICY") or "IfNotPresent",
        choices=["Always", "IfNotPresent", "Never"],
        help="of the runs' pods ($BANNETTE_IMAGE_PULL_POLICY)",
    )
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        help="look after this namespace only; may be repeated ($BANNETTE_NAMESPACES, separated by commas)",
    )
    parser.add_argument(
        "--max-concurrent-runs",
        default=environ.get("BANNETTE_MAX_CONCURRENT_RUNS") or "20",
        metavar="N",
        help="unfinished on-demand Jobs at any one time ($BANNETTE_MAX_CONCURRENT_RUNS)",
    )
    parser.add_argument(
        "--listen",
        default=environ.get("BANNETTE_LISTEN", ":8080"),
        metavar="[HOST]:PORT",
        help="where to answer /healthz, /readyz and /metrics; empty: nowhere ($BANNETTE_LISTEN)",
    )
    parser.add_argument(
        "--lease-namespace",
        default=environ.get("BANNETTE_LEASE_NAMESPACE"),
        metavar="NAMESPACE",
        help="hold a Lease there, so that one replica of several works ($BANNETTE_LEASE_NAMESPACE)",
    )
    parser.add_argument(
        "--service-account",
        default=environ.get("BANNETTE_SERVICE_ACCOUNT") or str(SERVICE_ACCOUNT),
        metavar="FOLDER",
        help="token and ca.crt of the operator's ServiceAccount ($BANNETTE_SERVICE_ACCOUNT); without them the "
        "kubeconfig counts",
    )
    return parser


def _count(text: str) -> int:
    """Raises: PersonNeeded: InvalidSettings."""
    if not text.isdecimal() or int(text) < 1:
        raise PersonNeeded("BANNETTE_MAX_OPEN_INBOXES must be a whole number of 1 or more.", reason="InvalidSettings")
    return int(text)


def _address(text: str) -> tuple[str | None, int] | None:
    """Raises: PersonNeeded: InvalidSettings."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise PersonNeeded(
            f"BANNETTE_LISTEN (--listen) must be HOST:PORT, or :PORT for all addresses, not {text!r}.",
            reason="InvalidSettings",
        )
    return host.strip("[]") or None, int(port)


def _origin(text: str) -> str | None:
    """Raises: PersonNeeded: InvalidSettings."""
    text = text.removesuffix(":443")
    if text and not _ORIGIN.fullmatch(text):
        raise PersonNeeded(
            f"BANNETTE_CONNECT_URL must be an https address without a path, https://connect.example, not {text!r}.",
            reason="InvalidSettings",
        )
    return text or None


def _account(text: str) -> tuple[str, str] | None:
    """Raises: PersonNeeded: InvalidSettings."""
    namespace, _, name = text.partition("/")
    if text and not (REFERENCE.accepts(namespace) and REFERENCE.accepts(name)):
        raise PersonNeeded(
            f"BANNETTE_CONNECT_ACCOUNT must be NAMESPACE/SERVICEACCOUNT, not {text!r}.", reason="InvalidSettings"
        )
    return (namespace, name) if text else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
