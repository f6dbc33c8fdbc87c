"""``kubectl collection check``, ``connect`` and ``disconnect``: the connection of a channel's account."""

from __future__ import annotations

import argparse
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from bannette.cli.output import plain, print_data
from bannette.cli.plugin.following import overtaken
from bannette.cli.plugin.kubectl import CHANNELS, Json, Kubectl
from bannette.cli.plugin.run import confirmed
from bannette.errors import ExitCode, PersonNeeded, Transient
from bannette.resources import (
    CHECK_CONNECTION,
    DISCONNECT,
    Channel,
    CheckOutcome,
    ConnectionCheck,
    ConnectionStatus,
    DelegatedAccount,
    PagesStatus,
    format_time,
)

_PAGES: Final = "app.kubernetes.io/name=bannette,app.kubernetes.io/component=connect"
_CONTAINER: Final = "connect"
_URL: Final = "BANNETTE_PUBLIC_URL"
_CODES: Final = {
    CheckOutcome.CONNECTED: ExitCode.DONE,
    CheckOutcome.LOST: ExitCode.PERSON_NEEDED,
    CheckOutcome.REFUSED: ExitCode.PERSON_NEEDED,
    CheckOutcome.NOT_CHECKED: ExitCode.TRANSIENT,
}


def run(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    act: dict[str, Callable[[argparse.Namespace, Kubectl], int]] = {
        "check": _check,
        "connect": _connect,
        "disconnect": _disconnect,
    }
    return act[arguments.command](arguments, kubectl)


def _check(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    request = _ask(kubectl, arguments.name, CHECK_CONNECTION)
    channel, check = _checked(kubectl, arguments.name, request, seconds=arguments.timeout)
    assert check.outcome is not None  # noqa: S101 - it has ended
    if arguments.output == "text":
        print(f"{check.outcome.value}: {plain(check.message)}")
    else:
        checked_at = (channel.status.connection or ConnectionStatus()).checked_at
        outcome = {"outcome": check.outcome.value, "reason": check.reason, "message": check.message}
        print_data({**outcome, "checkedAt": format_time(checked_at) if checked_at else None}, arguments.output)
    return _CODES[check.outcome]


def _checked(kubectl: Kubectl, name: str, request: str, *, seconds: float) -> tuple[Channel, ConnectionCheck]:
    """Return the channel when the check has ended, and when the operator has heard of that.

    Raises: Transient: NotTakenUp, Overtaken, TimedOut.
    """
    mine: ConnectionCheck | None = None
    for channel in _states(kubectl, name, seconds):
        check = (channel.status.pages or PagesStatus()).check
        mine = check if check is not None and check.request == request else mine
        connection = channel.status.connection or ConnectionStatus()
        if mine is not None and mine.outcome is not None and connection.last_handled_check == request:
            return channel, mine
        if (mine is None or mine.outcome is None) and (
            error := overtaken(channel.check_requested, request)
        ) is not None:
            raise error
    if mine is not None and mine.outcome is not None:
        # The operator is away: what was found is known all the same.
        return Channel.parse(kubectl.json("get", CHANNELS, name)), mine
    if mine is not None:
        raise Transient(f"The check hasn't ended in {seconds:.0f} s; it goes on.", reason="TimedOut")
    raise _untaken(seconds)


def _connect(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    name = arguments.name
    channel = _of_a_person(kubectl, name)
    connection = channel.status.connection or ConnectionStatus()
    if connection.page is None:
        raise PersonNeeded(
            "There is no page where the account could be connected: install the pages (the chart's connect.enabled and "
            "connect.url), or run `bannette connect -f FILE --manifest SECRET.yaml` on a machine with a browser, then "
            "`kubectl apply --server-side --force-conflicts -f SECRET.yaml`.",
            reason="NoPages",
        )
    page = connection.page
    address = _signed_link(kubectl, f"{channel.namespace}/{name}", page=page) if arguments.link else page
    if arguments.output == "text":
        print(address)
        if not arguments.link:
            print("The link that signs in is in the recipient's mail; the page sends it again.", file=sys.stderr)
    else:
        print_data({"account": connection.account, "link" if arguments.link else "page": address}, arguments.output)
    if arguments.open and not webbrowser.open(address):
        raise PersonNeeded("No browser could be opened: open the address yourself.", reason="NoBrowser")
    return ExitCode.DONE


def _signed_link(kubectl: Kubectl, channel: str, *, page: str) -> str:
    """Return a link to *page* that one of the pages' pods signs.

    Raises:
        PersonNeeded: NoPages; Forbidden to list pods of all namespaces, or to exec in that one.
    """
    pods: list[Json] = kubectl.json("get", "pods", "--all-namespaces", "-l", _PAGES)["items"]
    serving = [pod["metadata"] for pod in pods if _serves(pod, page)]
    if not serving:
        origin = "/".join(page.split("/")[:3])
        raise PersonNeeded(
            f"No pod of the pages is running that serves {origin}: look at their Deployment.", reason="NoPages"
        )
    within = kubectl.within(serving[0]["namespace"])
    command = ("bannette", "connect-service", "--link", channel)
    return within.executed(serving[0]["name"], _CONTAINER, *command).strip()


def _serves(pod: Json, page: str) -> bool:
    """Whether a pod is at work and serves *page*: several installations have pages, and each has keys of its own."""
    if (pod.get("status") or {}).get("phase") != "Running" or "deletionTimestamp" in pod["metadata"]:
        return False
    containers = (one for one in pod["spec"]["containers"] if one["name"] == _CONTAINER)
    env = [variable for one in containers for variable in one.get("env") or ()]
    url = next((one.get("value") for one in env if one["name"] == _URL), None)
    # What isn't written there may be in a ConfigMap.
    return not url or page.startswith(f"{url.removesuffix(':443')}/")


def _disconnect(arguments: argparse.Namespace, kubectl: Kubectl) -> int:
    name = arguments.name
    channel = _of_a_person(kubectl, name)
    if (channel.status.connection or ConnectionStatus()).page is None:
        raise PersonNeeded(
            "No service runs that would disconnect it: delete the Secret with the sign-in instead, `kubectl -n "
            f"{channel.namespace} delete secret {name}-onedrive`. The operator makes an empty one.",
            reason="NoPages",
        )
    question = f"Disconnect {channel.onedrive.account.login_hint} from {channel.namespace}/{name}?"  # type: ignore[union-attr]
    if not arguments.yes and not confirmed(question):
        print("Nothing was asked for.", file=sys.stderr)
        return ExitCode.DONE
    request = _ask(kubectl, name, DISCONNECT)
    for state in _states(kubectl, name, arguments.timeout):
        connection = state.status.connection or ConnectionStatus()
        if connection.last_handled_disconnect == request:
            print("The account is disconnected: no run starts before somebody signs in again.")
            return ExitCode.DONE
        if (error := overtaken(state.disconnect_requested, request)) is not None:
            raise error
    raise _untaken(arguments.timeout)


def _of_a_person(kubectl: Kubectl, name: str) -> Channel:
    channel = Channel.parse(kubectl.json("get", CHANNELS, name))
    if not isinstance(channel.onedrive.account, DelegatedAccount):
        raise PersonNeeded(
            f"Nobody has to connect the account of {channel.namespace}/{name}: an application signs in for it, by what "
            "the Secret of account.application.credentialsSecret holds.",
            reason="NothingToConnect",
        )
    return channel


def _ask(kubectl: Kubectl, name: str, annotation: str) -> str:
    """Set the annotation to a new value, and return that."""
    request = datetime.now(UTC).isoformat()
    kubectl.text("annotate", CHANNELS, name, f"{annotation}={request}", "--overwrite")
    print("kubectl collection: asked; the pages act on it", file=sys.stderr)
    return request


def _states(kubectl: Kubectl, name: str, seconds: float) -> Iterator[Channel]:
    for body in kubectl.states(name, deadline=time.monotonic() + seconds):
        if body is not None:
            yield Channel.parse(body)


def _untaken(seconds: float) -> Transient:
    return Transient(
        f"Nobody has taken the request up in {seconds:.0f} s: are the pages installed (the chart's connect.enabled), "
        "and do their Deployment and the operator's run? They act on it when they do.",
        reason="NotTakenUp",
    )
