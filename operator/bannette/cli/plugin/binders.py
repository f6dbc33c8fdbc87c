"""``kubectl collection history`` and ``inbox``: what a binder of the cluster holds, by a pod that may only read it."""

from __future__ import annotations

import argparse
import sys

from bannette.cli.plugin.errand import Errand
from bannette.cli.plugin.kubectl import BINDERS, CHANNELS, Json, Kubectl
from bannette.cli.plugin.pods import do
from bannette.errors import PersonNeeded


def run(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    channel, binder = _channel_and_binder(kubectl, channel=arguments.name, binder=arguments.binder)
    name: str = channel["metadata"]["name"]
    if sys.stderr.isatty():
        print(f"kubectl collection: a pod reads binder {binder['metadata']['name']}…", file=sys.stderr)
    form = "table" if arguments.output == "text" else arguments.output
    if arguments.command == "history":
        # A binder may have the runs of several channels.
        of_channel = () if arguments.name is None else ("--channel", name)
        words = ("history", "--limit", str(arguments.limit), *of_channel, "-o", form)
    else:
        words = ("inbox", "list", "-o", form)
    reply = do(kubectl, name, Errand(words[0], words[1:], (channel, binder), arguments.timeout))
    sys.stderr.write(reply.errors)
    sys.stdout.write(reply.output)
    return reply.code


def _channel_and_binder(kubectl: Kubectl, *, channel: str | None, binder: str | None) -> tuple[Json, Json]:
    """Return the named channel and its binder, or the named binder and a channel that collects into it.

    Raises:
        PersonNeeded: Usage: both are named, or none; NotFound; NoChannel.
    """
    if (channel is None) == (binder is None):
        raise PersonNeeded("Name a channel, or a binder with -b.", reason="Usage")
    if channel is not None:
        body = kubectl.json("get", CHANNELS, channel)
        return body, kubectl.json("get", BINDERS, body["spec"]["destination"]["binder"])
    found = kubectl.json("get", BINDERS, str(binder))
    bodies = kubectl.json("get", CHANNELS, "--field-selector", f"spec.destination.binder={binder}")["items"]
    if not bodies:
        raise PersonNeeded(
            f'No channel of namespace {kubectl.namespace()} collects into binder "{binder}": the pod is made as those '
            "of a channel are.",
            reason="NoChannel",
        )
    return bodies[0], found
