"""Channels whose account its owner connects, and the sign-in of that owner at the simulator."""

from __future__ import annotations

import html
import json
import re
import ssl
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from bannette.collector.connection_file import ConnectionFile
from bannette.onedrive import Certificate, Client, Connection, Consent, endpoints_for
from simulator.testing import Simulator
from tests.collector.local_channel import LocalChannel


def delegate(channel: LocalChannel, *, secret: Mapping[str, str] | None = None, **onedrive: object) -> None:
    """Let the account of *channel* be connected by its owner; with *secret*, under a confidential application."""
    account: dict[str, object] = {"loginHint": channel.simulator.user, "clientId": channel.simulator.client_id}
    if secret is not None:
        account["credentialsSecret"] = {"name": "acme-app"}
    channel.write(onedrive={"account": {"delegated": account}, **onedrive}, secret=secret)


def connection_file(channel: LocalChannel) -> ConnectionFile:
    return ConnectionFile(channel.state)


def connect(channel: LocalChannel, *, stale: bool = False, secret: Mapping[str, str] | None = None) -> Connection:
    """Connect the channel's account; *stale*: the next run must renew the token first."""
    connection = sign_in_person(channel.simulator, stale=stale, secret=secret)
    connection_file(channel).connect(connection)
    return connection


def sign_in_person(
    simulator: Simulator, *, stale: bool = False, secret: Mapping[str, str] | None = None, user: str | None = None
) -> Connection:
    """Return what the sign-in of a person gives."""
    consent = new_consent(simulator, secret=secret, user=user)
    control = simulator.control
    if stale:
        before = control.settings()["token_seconds"]
        control.settings(token_seconds=0)
    try:
        if secret is not None:
            visit = consent.begin_visit("http://localhost:1")
            return consent.finish_visit(visit, answer_of(simulator, visit.url))
        code = consent.begin_with_code()
        control.answer_devices(user=user or simulator.user)
        connection = consent.ask(code)
        assert connection is not None
        return connection
    finally:
        if stale:
            control.settings(token_seconds=before)


def new_consent(
    simulator: Simulator, *, secret: Mapping[str, str] | None = None, user: str | None = None, cloud: str = "Global"
) -> Consent:
    secret = secret or {}
    certificate = Certificate(secret["tls.crt"], secret["tls.key"]) if "tls.crt" in secret else None
    client = Client(simulator.client_id, secret=secret.get("clientSecret"), certificate=certificate)
    endpoints = endpoints_for(cloud, simulator.environment)
    return Consent(
        endpoints, client, login_hint=user or simulator.user, advice="run `bannette connect -f FILE`", timeout=60
    )


def answer_of(simulator: Simulator, url: str) -> dict[str, str]:
    """Visit the sign-in page as a browser does, and return the fields that it sends to the redirect URI."""
    context = ssl.create_default_context(cafile=simulator.ca_file)
    with urllib.request.urlopen(url, context=context, timeout=60) as page:
        found = re.findall(r'name="([^"]*)" value="([^"]*)"', page.read().decode())
    return {html.unescape(name): html.unescape(value) for name, value in found}


def browser(folder: Path, simulator: Simulator, *, answers: Mapping[str, str] | None = None, times: int = 1) -> Path:
    """Return a program that visits the page of its argument and takes the answer to its redirect URI.

    Args:
        answers: fields that it brings in place of the page's.
        times: how often it brings them.
    """
    script = folder / "browser"
    script.write_text(
        f"""#!/usr/bin/env python3
import html, json, re, ssl, sys, urllib.error, urllib.parse, urllib.request
context = ssl.create_default_context(cafile={str(simulator.ca_file)!r})
page = urllib.request.urlopen(sys.argv[1], context=context, timeout=60).read().decode()
fields = {{html.unescape(n): html.unescape(v) for n, v in re.findall(r'name="([^"]*)" value="([^"]*)"', page)}}
action = html.unescape(re.search(r'action="([^"]*)"', page)[1])
said = []
for changed in [{dict(answers or {})!r}] * {times if answers else 0} + [{{}}] * {1 if answers else times}:
    body = urllib.parse.urlencode({{**fields, **changed}}).encode()
    try:
        with urllib.request.urlopen(action, body, timeout=60) as answer:
            said.append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as error:
        said.append([error.code, error.read().decode()])
    except OSError as error:
        said.append([0, type(error).__name__])
open({str(folder / "browser.log")!r}, "w").write(json.dumps(said))
""",
        encoding="utf-8",
    )
    script.chmod(0o755)
    return script


def refresh_tokens(tokens: str) -> set[str]:
    return {entry["secret"] for entry in json.loads(tokens).get("RefreshToken", {}).values()}
