"""What only a pod can tell: whether Microsoft can be reached from it, and its binder be written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bannette.cli.output import size_text
from bannette.cli.plugin.findings import Finding, ok, problem
from bannette.errors import BannetteError
from bannette.resources import Binder, Channel, EventSink

if TYPE_CHECKING:
    from bannette.collector import ResourceFiles
    from bannette.onedrive.transport import Transport

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 20.0
_UNTRUSTED: Final = (
    "its certificate isn't trusted here. If a proxy of yours opens connections, or the service has a CA of its own, "
    "name the CA in the channel's spec.collector.caBundle"
)
_CLOSED: Final = "let the namespace's pods out to it by HTTPS: network policies, firewall, and DNS"

_SINK_ADVICE: Final = {
    "EventSinkUnreachable": (
        "Correct spec.events.url, or let the namespace's pods out to it: network policies, firewall, and DNS."
    ),
    "EventSinkUntrusted": "Name it in spec.events.caBundle.",
}

IsItself = Callable[[int, bytes], bool]


def probe(file: Path, environ: Mapping[str, str], *, events_ca: Path) -> Iterator[Finding]:
    """Yield what is found from this process for the channel and the binder of *file*.

    Args:
        events_ca: where the authorities for the binder's sink are mounted, if it names some.
    """
    from bannette.collector import ResourceFiles

    files = ResourceFiles.load([file])
    channel = files.channel()
    yield from reach_microsoft(channel, environ)
    binder = files.binder(channel.namespace, channel.binder)
    yield _try_store(files, binder)
    if binder.events is not None:
        yield reach_sink(binder, binder.events, ca_file=events_ca)


def reach_microsoft(channel: Channel, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield whether sign-in and Microsoft Graph of the channel's cloud answer as themselves."""
    from bannette.onedrive import default_user_agent, endpoints_for
    from bannette.onedrive.transport import Transport

    try:
        endpoints = endpoints_for(channel.onedrive.cloud.value, environ)
        transport = Transport(
            ca_file=endpoints.ca_file,
            user_agent=default_user_agent(),
            connect=_CONNECT_SECONDS,
            read=_READ_SECONDS,
        )
    except BannetteError as error:
        yield problem("Egress", str(error))
        return
    for check, url, is_itself in (
        ("Egress to sign-in", f"{endpoints.authority}/common/v2.0/.well-known/openid-configuration", _is_sign_in),
        ("Egress to Microsoft Graph", f"{endpoints.graph}/v1.0/me/drive", _is_graph),
    ):
        origin = "/".join(url.split("/")[:3])
        yield _reached(check, origin, url, transport, is_itself)
    transport.close()


def _reached(check: str, origin: str, url: str, transport: Transport, is_itself: IsItself) -> Finding:
    import requests

    try:
        response = transport.get(url, {"Accept": "application/json"})
        status, body = response.status_code, response.raw.read(1 << 16, decode_content=True)
    except requests.exceptions.SSLError:
        return problem(check, f"{origin} can't be reached: {_UNTRUSTED}.")
    except requests.exceptions.ProxyError:
        return problem(
            check, f"{origin} can't be reached through the proxy of the pod's environment: check HTTPS_PROXY."
        )
    except (requests.RequestException, OSError) as error:
        return problem(check, f"{origin} can't be reached ({type(error).__name__}): {_CLOSED}.")
    if is_itself(status, body):
        return ok(check, f"{origin} answers.")
    return problem(
        check,
        f"{origin} is answered by something else (status {status}): a proxy or firewall stands in its place, or the "
        "service is out of order.",
    )


def reach_sink(binder: Binder, events: EventSink, *, ca_file: Path) -> Finding:
    """Return whether the program that is told of documents answers; it is told nothing, and isn't sent the token."""
    from bannette.collector.sinks import sink_of
    from bannette.notify.sink import reach

    check = f"Egress to the sink of binder {binder.name}"
    try:
        sink = sink_of(binder, replace(events, secret=None), secret={}, ca_file=ca_file)
        status = reach(sink)
    except BannetteError as error:
        return problem(check, f"{error} {_SINK_ADVICE.get(error.reason, '')}".strip())
    if 300 <= status <= 399:
        return problem(check, f"{sink.host} redirects, which no event follows: write where to into spec.events.url.")
    # What a gateway says; a program that doesn't know the question may answer with 500 or 501.
    if status in (502, 503, 504):
        return problem(check, f"{sink.host} answers with {status}: look at the program, and at what stands before it.")
    return ok(check, f"{sink.host} answers.")


def _is_sign_in(status: int, body: bytes) -> bool:
    try:
        return status == 200 and "token_endpoint" in json.loads(body)
    except (ValueError, TypeError):
        return False


def _is_graph(status: int, body: bytes) -> bool:
    # It was asked without a token.
    try:
        return status == 401 and "error" in json.loads(body)
    except (ValueError, TypeError):
        return False


def _try_store(files: ResourceFiles, binder: Binder) -> Finding:
    """Write a small object of its own in the binder's store, and remove it."""
    from bannette.binder import StorePath, address, open_store
    from bannette.binder.marker import check_conditional_put, read_marker

    check = f"Store of binder {binder.name}"
    try:
        location = files.storage(binder)
        store = open_store(location)
        marker = read_marker(store)
        if marker is not None and marker.uid not in (binder.uid, binder.adopt):
            return problem(
                check,
                f"it belongs to another Binder (uid {marker.uid}, of namespace {marker.namespace}, company "
                f"{marker.company}): is the right volume or bucket mounted? If it was moved or made again on purpose, "
                f"annotate the Binder with bannette.io/adopt={marker.uid}.",
            )
        check_conditional_put(store)
    except BannetteError as error:
        return problem(check, str(error))
    if isinstance(location, StorePath):
        found = os.statvfs(location.path)
        return ok(check, f"it can be read and written, and has {size_text(found.f_bavail * found.f_frsize)} free.")
    return ok(check, f"{address(location, '').rstrip('/')} can be read and written.")
