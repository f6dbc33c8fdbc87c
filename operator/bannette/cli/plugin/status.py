"""``kubectl collection status``: what needs a person."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from bannette.cli.output import plain, print_data
from bannette.cli.plugin.kubectl import CHANNELS, Json, Kubectl
from bannette.errors import ExitCode, PersonNeeded
from bannette.resources.needs import Need, need_of

_BOLD: Final = ("\x1b[1m", "\x1b[0m")
_UNITS: Final = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"))


def run(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    bodies = _asked(arguments.name, kubectl, everywhere=arguments.all_namespaces)
    needs = [need for body in bodies if (need := need_of(body)) is not None]
    if arguments.output != "text":
        print_data([need.to_dict() for need in needs], arguments.output)
    elif not bodies:
        where = "in the cluster" if arguments.all_namespaces else f"in namespace {kubectl.namespace()}"
        print(f"There is no channel {where}.")
    else:
        for need in needs:
            _print(need)
        print(summary(len(needs), of=len(bodies)))
    return ExitCode.PERSON_NEEDED if needs and arguments.exit_code else ExitCode.DONE


def summary(needs: int, *, of: int) -> str:
    """Return how many channels need a person, at least one being there."""
    if of == 1:
        return f"The channel needs {'a' if needs else 'no'} person."
    return f"{needs or 'None'} of {of} channels {'need' if needs > 1 else 'needs'} a person."


def _asked(name: str | None, kubectl: Kubectl, *, everywhere: bool) -> list[Json]:
    if name is None:
        return _channels(kubectl, everywhere=everywhere)
    if everywhere:
        raise PersonNeeded("Name one channel and its namespace, or all of them by -A, not both.", reason="Usage")
    return [kubectl.json("get", CHANNELS, name)]


def _channels(kubectl: Kubectl, *, everywhere: bool) -> list[Json]:
    try:
        bodies: list[Json] = kubectl.json("get", CHANNELS, *(("--all-namespaces",) if everywhere else ()))["items"]
    except PersonNeeded as error:
        if everywhere and error.reason == "Forbidden":
            message = f"{str(error).rstrip('.')}: look at one namespace, by -n NAMESPACE in place of -A."
            raise PersonNeeded(message, reason=error.reason) from None
        raise
    if not bodies and not everywhere:
        kubectl.refuse_missing_namespace()
    return bodies


def _print(need: Need) -> None:
    begin, end = _BOLD if sys.stdout.isatty() else ("", "")
    since = f"  for {age(datetime.now(UTC) - need.since)}" if need.since else ""
    print(f"{begin}{need.namespace}/{need.name}{end}  {need.reason}{since}\n    {plain(need.message)}")


def age(span: timedelta) -> str:
    """Return *span* as kubectl shows ages."""
    for unit, letter in _UNITS:
        if span >= unit:
            return f"{span // unit}{letter}"
    return f"{max(int(span.total_seconds()), 0)}s"
