"""The peer: an unmodified rclone, built from its Go module and configured for the simulator."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path

from simulator.client import ControlClient

VERSION = "v1.76.0"
_BUILD_SECONDS = 1100


def program() -> Path:
    """rclone, built once and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bannette" / f"rclone-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    built = cache / "rclone"
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            environment = os.environ | {"GOBIN": str(cache), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
            module = f"github.com/rclone/rclone@{VERSION}"
            subprocess.run(["go", "install", module], env=environment, check=True, timeout=_BUILD_SECONDS)
    return built


def configuration(control: ControlClient, *, origin: str, client_id: str, client_secret: str) -> str:
    """Return the text of a configuration whose remote ``sim:`` is the drive of a simulator's first user."""
    token = control.sign_in()
    drive = str(control.item("/")["drive"])
    signed_in = {
        "access_token": token["access_token"],
        "token_type": "Bearer",
        "refresh_token": token["refresh_token"],
        "expiry": "2100-01-01T00:00:00Z",
    }
    return (
        f"[sim]\ntype = onedrive\ndrive_id = {drive}\n"
        f"drive_type = {'business' if drive.startswith('b!') else 'personal'}\n"
        f"client_id = {client_id}\nclient_secret = {client_secret}\n"
        f"tenant_url = {origin}/simulated\n"
        f"token_url = {origin}/common/oauth2/v2.0/token\ntoken = {json.dumps(signed_in)}\n"
    )
