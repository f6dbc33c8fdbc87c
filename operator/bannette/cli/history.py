"""``bannette history``: the runs of a binder, or those that a status file remembers."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from itertools import islice

from bannette.cli.binders import binder_location, open_binder
from bannette.cli.output import print_data, print_table

_COUNTS = ("collected", "duplicates", "deferred", "rejected")


def run(arguments: argparse.Namespace) -> int:
    runs = list(islice(_runs(arguments), arguments.limit or None))
    if arguments.output != "table":
        print_data(runs, arguments.output)
        return 0
    if not runs:
        print("No run yet.")
        return 0
    # A status file is of one channel.
    of_many = arguments.state is None
    rows = [
        (
            _text(run, "startedAt"),
            *([_channel(run)] if of_many else []),
            _text(run, "trigger"),
            _text(run, "result"),
            *(_text(run, name) for name in _COUNTS),
            _text(run, "message"),
        )
        for run in runs
    ]
    channel = ("CHANNEL",) if of_many else ()
    head = ("STARTED", *channel, "TRIGGER", "RESULT", "NEW", "DUPLICATES", "DEFERRED", "REJECTED", "MESSAGE")
    print_table(head, rows)
    return 0


def _runs(arguments: argparse.Namespace) -> Iterable[Mapping[str, object]]:
    if arguments.state is not None:
        from bannette.collector import status_in

        return [entry.to_dict() for entry in status_in(arguments.state).history]
    channel = namespace = None
    if arguments.channel is not None and arguments.files:
        from bannette.collector import ResourceFiles

        wanted = ResourceFiles.load(arguments.files).channel(arguments.channel)
        namespace, channel = wanted.namespace, wanted.name
    return open_binder(binder_location(arguments)).reports(namespace, channel)


def _channel(run: Mapping[str, object]) -> str:
    channel = run.get("channel")
    return f"{channel.get('namespace')}/{channel.get('name')}" if isinstance(channel, Mapping) else ""


def _text(run: Mapping[str, object], name: str) -> str:
    return str(run.get(name, ""))
