"""``bannette connect``: the owner of an account signs in at Microsoft and lets their files be read."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bannette.accounts import connection_manifest
from bannette.cli.loopback import Loopback
from bannette.collector import FileAssignment, ResourceFiles
from bannette.errors import PersonNeeded, Transient
from bannette.onedrive import Connection, Consent, DeviceCode, Endpoints, admin_consent_url, endpoints_for
from bannette.resources import Channel, DelegatedAccount

_ADVICE: Final = "run `bannette connect -f FILE`"
_TICK: Final = 0.2
_WITHDRAW: Final = (
    "To withdraw the permission at Microsoft too: https://myapps.microsoft.com for work and school, "
    "https://account.microsoft.com/privacy/app-access for personal accounts."
)


def run(arguments: argparse.Namespace) -> int:
    if not arguments.files:
        raise PersonNeeded(
            "Name the file that holds the channel: bannette connect -f FILE (bannette connect --help shows examples).",
            reason="Usage",
        )
    assignment = FileAssignment(ResourceFiles.load(arguments.files), name=arguments.channel, state=arguments.state)
    channel = assignment.channel()
    account = channel.onedrive.account
    if not isinstance(account, DelegatedAccount):
        raise PersonNeeded(
            f'Channel "{channel.name}" has account.application, which signs in by itself: nobody has to connect it.',
            reason="NothingToConnect",
        )
    if arguments.disconnect:
        if arguments.manifest is not None:
            raise PersonNeeded(
                "--disconnect removes the tokens of this machine and writes no manifest; in a cluster delete the "
                "channel's Secret instead.",
                reason="Usage",
            )
        return _disconnect(assignment, channel)
    # Before a person signs in for nothing.
    if arguments.manifest is not None:
        _try_manifest(arguments.manifest)
    else:
        assignment.connection.try_folder()
    endpoints = endpoints_for(channel.onedrive.cloud.value, os.environ)
    consent = Consent(
        endpoints, assignment.client(channel, account, os.environ), login_hint=account.login_hint, advice=_ADVICE
    )
    print(
        f"Bannette asks Microsoft for one permission, Files.Read: to read the files of {account.login_hint}. "
        "It changes and deletes nothing there.",
        flush=True,
    )
    try:
        connection = _connection(consent, browser=not arguments.device_code, timeout=arguments.timeout)
    except PersonNeeded as error:
        if error.reason == "AdminConsentNeeded":
            _show_admin(endpoints, assignment.client(channel, account, os.environ).client_id)
        raise
    if arguments.manifest is not None:
        _write_manifest(arguments.manifest, channel, connection)
        return 0
    assignment.connection.connect(connection)
    print(f"Connected: {connection.account}. `bannette collect` with the same -f and --state reads it from now on.")
    print("To disconnect: `bannette connect` with the same -f and --state, and --disconnect.")
    return 0


def _connection(consent: Consent, *, browser: bool, timeout: float) -> Connection:
    if browser and has_browser(os.environ, sys.platform):
        connection = _by_browser(consent, timeout=timeout)
        if connection is not None:
            return connection
    return _by_code(consent, timeout=timeout)


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Tell whether a browser with windows may be expected: a text browser can't show Microsoft's page."""
    if environ.get("BROWSER"):
        return True
    if platform in ("darwin", "win32"):
        return not environ.get("SSH_CONNECTION")
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def _by_browser(consent: Consent, *, timeout: float) -> Connection | None:
    """Return the connection; None if no browser opens."""
    with Loopback() as loopback:
        visit = consent.begin_visit(loopback.url)
        loopback.expect(visit.state)
        opening = _Opening(visit.url)
        print(f"A browser opens at Microsoft; waiting {timeout:.0f} s for the sign-in there.", flush=True)
        opening.thread.start()
        deadline = time.monotonic() + timeout
        while (answer := loopback.wait(_TICK)) is None:
            if opening.failed.is_set():
                print("No browser could be opened.", flush=True)
                return None
            if time.monotonic() > deadline:
                raise PersonNeeded(
                    f"Nobody signed in within {timeout:.0f} s: {_ADVICE} again, or with --device-code. If Microsoft's "
                    "page said AADSTS50011, register the redirect URI http://localhost at the application.",
                    reason="SignInExpired",
                )
    return consent.finish_visit(visit, answer)


class _Opening:
    """Opens a browser in a thread of its own: some commands return only when it is closed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.failed = threading.Event()
        self.thread = threading.Thread(target=self._open, name="browser", daemon=True)

    def _open(self) -> None:
        try:
            opened = webbrowser.open(self._url)
        except (webbrowser.Error, OSError):
            opened = False
        if not opened:
            self.failed.set()


@dataclass
class _Patience:
    """How long is waited between two questions, and until when; seconds."""

    deadline: float
    longer: float = 0.0

    def wait(self, code: DeviceCode) -> None:
        time.sleep(max(0.0, min(code.interval + self.longer, self.deadline - time.monotonic())))

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.deadline


def _by_code(consent: Consent, *, timeout: float) -> Connection:
    code = consent.begin_with_code()
    print(f"On any device, open {code.url} and enter the code {code.code}", flush=True)
    patience = _Patience(time.monotonic() + min(timeout, max(code.expires_at - time.time(), 0.0)))
    outage: Transient | None = None
    while True:
        patience.wait(code)
        try:
            connection, outage = consent.ask(code), None
        except Transient as error:
            # The person is busy at Microsoft's page: a service that fails for a moment is no reason to stop.
            connection, outage = None, error
            patience.longer += code.interval
        if connection is not None:
            return connection
        if patience.over:
            raise outage or PersonNeeded(
                f"Nobody signed in while the code was valid: {_ADVICE} again.", reason="SignInExpired"
            )


def _disconnect(assignment: FileAssignment, channel: Channel) -> int:
    if assignment.connection.disconnect():
        print(f'Channel "{channel.name}" is disconnected: its tokens are removed from this machine. {_WITHDRAW}')
    else:
        print(f'Channel "{channel.name}" wasn\'t connected.')
    return 0


def _show_admin(endpoints: Endpoints, client_id: str) -> None:
    link = admin_consent_url(endpoints, client_id)
    print(f"An administrator of the account's tenant can allow it for everybody there: {link}", flush=True)


def _try_manifest(path: Path) -> None:
    """Make sure that a file can be written there; a link, device or folder is never replaced.

    Raises: PersonNeeded.
    """
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        raise _unwritable(path, "it is there, and no plain file")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _unwritable(path, error.strerror or type(error).__name__) from error


def _write_manifest(path: Path, channel: Channel, connection: Connection) -> None:
    import yaml

    text = yaml.safe_dump(connection_manifest(channel, connection), sort_keys=False)
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error.strerror or type(error).__name__) from error
    print(
        f"Signed in: {connection.account}. {path} holds the tokens: once the channel is in the cluster, "
        f"`kubectl apply --server-side --force-conflicts -f {path}` connects it there. Then remove the file."
    )


def _unwritable(path: Path, cause: str) -> PersonNeeded:
    return PersonNeeded(f"{path} can't be written ({cause}): name another file.", reason="FileUnwritable")
