"""``kubectl collection`` as a person calls it: the real kubectl, which finds the plugin on the PATH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devcluster.binaries import program
from tests.controller.tenant import Tenant

PLUGIN = "import sys; from bannette.cli.plugin.main import main; sys.exit(main())"
Started = Callable[..., "subprocess.Popen[str]"]
Called = Callable[..., tuple[int, str, str]]


def install_plugin(folder: Path) -> dict[str, str]:
    """Put kubectl and the plugin into *folder*; return the variables by which kubectl finds it."""
    folder.mkdir()
    (folder / "kubectl").symlink_to(program("kubectl"))
    plugin = folder / "kubectl-collection"
    plugin.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{PLUGIN}' \"$@\"\n")
    plugin.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path("operator").absolute()),
    }


@pytest.fixture
def start(tenant: Tenant, tmp_path: Path) -> Iterator[Started]:
    """Starts ``kubectl collection ARGUMENTS`` in the tenant's namespace, unless they name one; *user*: impersonated."""
    environment = tenant.cluster.server.kubectl.environment() | install_plugin(tmp_path / "bin")
    made: list[subprocess.Popen[str]] = []

    def act(*arguments: str, user: str | None = None) -> subprocess.Popen[str]:
        command = ["kubectl", "collection", *arguments]
        if "-n" not in arguments:
            command += ["-n", tenant.namespace]
        if user is not None:
            command += ["--kubeconfig", str(_as(user, environment["KUBECONFIG"], tmp_path))]
        made.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
            )
        )
        return made[-1]

    yield act
    for process in made:
        process.kill()
        process.communicate()


@pytest.fixture
def call(start: Started) -> Called:
    def act(*arguments: str, user: str | None = None) -> tuple[int, str, str]:
        process = start(*arguments, user=user)
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors

    return act


def _as(user: str, kubeconfig: str, folder: Path) -> Path:
    """Return a kubeconfig by which its user speaks as *user*."""
    done = subprocess.run(
        [program("kubectl"), "config", "view", "--raw", "--kubeconfig", kubeconfig, "-o", "json"],
        check=True,
        capture_output=True,
    )
    config: dict[str, Any] = json.loads(done.stdout)
    for one in config["users"]:
        one["user"] |= {"as": user}
    path = folder / f"{user}.kubeconfig"
    path.write_text(json.dumps(config))
    return path
