"""What the chart renders where the pages are enabled on which people connect their accounts."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from devcluster import chart

Manifest = dict[str, Any]
ENABLED = ("connect.enabled=true", "connect.url=https://connect.example", "connect.keysSecret=keys")
MAILS = ("connect.smtp.host=mail.example", "connect.smtp.from=Acme <documents@acme.example>")


def rendered(*settings: str) -> list[Manifest]:
    return [one for one in yaml.safe_load_all(chart.render(*ENABLED, *settings)) if one]


def with_file(values: Path, *settings: str) -> list[Manifest]:
    """Return what is rendered with a file of values."""
    options = [option for setting in (*ENABLED, *settings) for option in ("--set", setting)]
    command = [chart.helm(), "template", "bannette", chart.CHART, "-f", values, *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [one for one in yaml.safe_load_all(text) if one]


def connect(kind: str, *settings: str) -> Manifest:
    (found,) = (
        one for one in rendered(*settings) if (one["kind"], one["metadata"]["name"]) == (kind, "bannette-connect")
    )
    return found


def container(deployment: Manifest) -> Manifest:
    (found,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environ(deployment: Manifest) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(deployment)["env"]}
