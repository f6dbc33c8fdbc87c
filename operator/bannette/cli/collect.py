"""``bannette collect``."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Final

from bannette.collector import (
    Assignment,
    ClusterAssignment,
    FileAssignment,
    Interruption,
    Order,
    ResourceFiles,
    Run,
    entry_line,
    order_by_hand,
    order_of_pod,
)
from bannette.errors import PersonNeeded
from bannette.resources import Trigger

# What the run imports only when it signs in, and reads.
_PACKAGES: Final = ("msal", "pypdfium2")


def run(arguments: argparse.Namespace) -> int:
    """Do one run; its entry in the history is the last line of standard output."""
    _refuse_part_of_an_installation()
    interruption = Interruption()
    interruption.install()
    assignment, order = _assignment(arguments)
    entry, code = Run(assignment, order, interruption, in_pod=arguments.in_cluster).run()
    sys.stdout.buffer.write(entry_line(entry) + b"\n")
    sys.stdout.flush()
    if threading.active_count() > 1:
        # A thread that hangs in a request would keep the process from ending.
        sys.stderr.flush()
        os._exit(code)
    return code


def _refuse_part_of_an_installation() -> None:
    """Miss packages before the run does, which would end as a bug, or deliver documents unread.

    Raises: ModuleNotFoundError.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)


def _assignment(arguments: argparse.Namespace) -> tuple[Assignment, Order]:
    now = datetime.now(UTC)
    if arguments.in_cluster:
        if arguments.files:
            raise PersonNeeded("Give either --in-cluster or -f FILE, not both.", reason="Usage")
        return ClusterAssignment.of_pod(os.environ), order_of_pod(os.environ, now=now)
    if not arguments.files:
        raise PersonNeeded(
            "Name the file that holds the channel: bannette collect -f FILE (bannette collect --help shows examples).",
            reason="Usage",
        )
    files = ResourceFiles.load(arguments.files)
    assignment = FileAssignment(files, name=arguments.channel, state=arguments.state)
    return assignment, order_by_hand(Trigger(arguments.trigger.capitalize()), now=now)
